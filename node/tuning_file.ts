/** Where Node programs keep what `tune` found: a file an adapter, driver and version. */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import envPaths from 'env-paths';
import { parseTuning, type TuningStore, tuningTextKey } from '../src/index.ts';
import { checkText } from './check_text.ts';
import { writeWhole } from './whole_file.ts';

/** What is kept of one adapter. */
export interface KeptTuning {
  /** Its path. */
  readonly file: string;
  /** Version, adapter and driver; undefined where the file cannot be read, or is of another version's format. */
  readonly key: string | undefined;
  /** Shapes of layers with a winner. */
  readonly shapes: number;
  /** When it was written last. */
  readonly modified: Date;
}

/** A `TuningStore` of files, whose folder can be looked into. */
export interface FileTuningStore extends TuningStore {
  /** Where its files are. */
  readonly folder: string;
  /**
   * The path of the file for a key, which need not be there.
   *
   * @param key - Of `tuningKey`.
   *
   * @example
   * console.log(fileTuningStore().fileOf(tuningKey(device)));
   */
  fileOf(key: string): string;
  /**
   * What is in the folder; nothing where there is none.
   *
   * @example
   * for (const { key, shapes, modified } of await fileTuningStore().list()) console.log(key, shapes, modified);
   */
  list(): Promise<readonly KeptTuning[]>;
}

/**
 * Keeps tunings in a folder: by default `TILEWISE_TUNING_DIR`, or one of the user's cache.
 *
 * @param folder - A path; it is made when something is kept.
 * @throws TilewiseError for a folder of another type.
 *
 * @example
 * const store = fileTuningStore();
 * console.log(store.folder, (await store.list()).length);
 */
export function fileTuningStore(folder: string = defaultFolder()): FileTuningStore {
  checkText('fileTuningStore: folder', folder);
  const fileOf = (key: string): string => {
    const digest = createHash('sha256').update(key).digest('hex').slice(0, 16);
    return join(folder, `${digest}.json`);
  };
  return {
    folder,
    fileOf,
    get: (key) => readIfThere(fileOf(key)),
    async put(key, text) {
      await mkdir(folder, { recursive: true });
      await writeWhole(fileOf(key), text);
    },
    async list() {
      const names = await readdir(folder).catch(ignoreMissing);
      const files = (names ?? []).filter((name) => name.endsWith('.json')).sort();
      return Promise.all(files.map((name) => describeFile(join(folder, name))));
    },
  };
}

/** Deletes what is kept. Throws what the file system does. */
export async function forgetTuning({ file }: KeptTuning): Promise<void> {
  await rm(file, { force: true });
}

function defaultFolder(): string {
  const { TILEWISE_TUNING_DIR: named } = process.env;
  return named || join(envPaths('tilewise', { suffix: '' }).cache, 'tuning');
}

async function describeFile(file: string): Promise<KeptTuning> {
  const { mtime: modified } = await stat(file);
  const text = (await readIfThere(file)) ?? '';
  const key = tuningTextKey(text);
  const shapes = key === undefined ? 0 : (parseTuning(key, text)?.size ?? 0);
  return { file, key, shapes, modified };
}

function readIfThere(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch(ignoreMissing);
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
  return undefined;
}
