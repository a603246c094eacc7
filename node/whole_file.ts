/** Files that are there whole or not at all: written aside, then moved into their places. */
import { randomBytes } from 'node:crypto';
import { accessSync, closeSync, constants, fchmodSync, openSync, rmSync, writeFile } from 'node:fs';
import { readlink, realpath, rename, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';

/** Those that a user or a system sends to end a process. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Writes a file, or leaves what was there: also on a full disk, and when the process is ended meanwhile. A link leads
 * to the file that is written, which keeps its permissions; devices and pipes are written as they are. Throws what the
 * file system does.
 */
export async function writeWhole(path: string, data: string | Uint8Array): Promise<void> {
  const before = await stat(path).catch(ignoreMissing);
  if (before && !before.isFile()) return promisify(writeFile)(path, data);
  const target = before ? await realpath(path) : await linkedFrom(path);
  // Moving would not ask.
  if (before) accessSync(target, constants.W_OK);
  const fresh = join(dirname(target), `.tilewise-${randomBytes(6).toString('hex')}`);
  using _ = removedAtExit(fresh);
  // At once: what is opened in the background may come to be after it was removed.
  const file = openSync(fresh, 'wx');
  try {
    if (before) fchmodSync(file, before.mode & 0o777);
    await promisify(writeFile)(file, data);
  } finally {
    closeSync(file);
  }
  await rename(fresh, target);
}

/** Where a link leads to nothing, that is written. */
async function linkedFrom(path: string): Promise<string> {
  const target = await readlink(path).catch(() => undefined);
  return target === undefined ? path : linkedFrom(resolve(dirname(path), target));
}

/** Removes a file when this is disposed of, and when the process ends before, by a signal or by itself. */
function removedAtExit(path: string): Disposable {
  const remove = (): void => rmSync(path, { force: true });
  const end = (signal: NodeJS.Signals): void => {
    remove();
    release();
    process.kill(process.pid, signal);
  };
  const release = (): void => {
    process.off('exit', remove);
    for (const signal of SIGNALS) process.off(signal, end);
  };
  process.on('exit', remove);
  for (const signal of SIGNALS) process.on(signal, end);
  return {
    [Symbol.dispose]() {
      remove();
      // A signal that was taken already is told of in the next turn, and would be lost if nobody listened.
      setImmediate(release);
    },
  };
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
  return undefined;
}
