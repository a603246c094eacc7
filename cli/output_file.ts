/** Files that a command was asked to write. */
import { writeWhole } from '../node/whole_file.ts';
import { TilewiseError } from '../src/index.ts';

/**
 * Writes a file whole or not at all. `what` says in messages what it is, such as `image file`. Throws TilewiseError
 * where it cannot be written.
 */
export async function writeOutput(
  what: string,
  path: string,
  data: string | Uint8Array,
): Promise<void> {
  try {
    await writeWhole(path, data);
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    // Without the call, which may name another file: `ENOSPC: no space left on device, write`.
    const reason = text.replace(/, \w+( '.*)?$/s, '');
    throw new TilewiseError(`${what} "${path}" cannot be written: ${reason}`, { cause });
  }
}
