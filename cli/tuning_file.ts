/** Where the command keeps what `tune` found, a file an adapter. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import envPaths from 'env-paths';
import { parseTuning, type Tuning, tuningText } from '../src/index.ts';

/** `TILEWISE_TUNING_DIR`, or the user's cache; the name holds the version, since kernels change with it. */
export function tuningFile(adapter: string, version: string): string {
  const folder =
    process.env.TILEWISE_TUNING_DIR ?? join(envPaths('tilewise', { suffix: '' }).cache, 'tuning');
  const digest = createHash('sha256').update(adapter).digest('hex').slice(0, 16);
  return join(folder, `${version}-${digest}.json`);
}

/** What was kept for this adapter by this version; `undefined` where there is nothing that can be read. */
export function readTuning(file: string, adapter: string): Tuning | undefined {
  return existsSync(file) ? parseTuning(adapter, readFileSync(file, 'utf8')) : undefined;
}

/** Written aside and moved into place, so that nobody reads half a file. */
export function writeTuning(file: string, adapter: string, tuning: Tuning): void {
  mkdirSync(dirname(file), { recursive: true });
  const fresh = `${file}.${process.pid}`;
  writeFileSync(fresh, tuningText(adapter, tuning));
  renameSync(fresh, file);
}
