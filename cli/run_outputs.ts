/** The outputs of `tilewise run`: which of them are written into which file. */
import { TilewiseError } from '../src/index.ts';
import { parseNamed } from './named_values.ts';
import { holdsNames } from './tensor_files.ts';

/**
 * Reads `--output`, which may begin with a name: outputs by file. Without a name, all outputs go into a .npz file, else
 * the first one. Throws TilewiseError for an unknown name, and for a second tensor for a file that holds one.
 */
export function planOutputs(
  given: readonly string[],
  names: readonly string[],
): ReadonlyMap<string, readonly string[]> {
  const files = new Map<string, readonly string[]>();
  for (const text of given) {
    const { name, value: path } = parseNamed(text, 'output', names);
    const unnamed = holdsNames(path) ? names : names.slice(0, 1);
    const asked = name === undefined ? unnamed : [name];
    const wanted = [...new Set([...(files.get(path) ?? []), ...asked])];
    if (wanted.length > 1 && !holdsNames(path)) {
      throw new TilewiseError(
        `output file "${path}" takes one tensor, not ${wanted.join(', ')}; write several into a .npz file`,
      );
    }
    files.set(path, wanted);
  }
  return files;
}
