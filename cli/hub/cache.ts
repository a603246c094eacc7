/**
 * The hub's cache, laid out as its Python client does, so that either finds what the other downloaded:
 *
 *     models--owner--name/refs/main                      the commit that a revision stood for
 *                        /snapshots/COMMIT/FILE          a link to
 *                        /blobs/CHECKSUM                 the data; CHECKSUM.incomplete while it arrives
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, rename, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { writeWhole } from '../../node/whole_file.ts';
import type { HubReference } from './reference.ts';

export const COMMIT = /^[0-9a-f]{40}$/;

/** A file of a repository, of one commit. */
export interface CacheEntry {
  readonly repo: string;
  readonly revision: string;
  readonly commit: string;
  readonly file: string;
  readonly checksum: string;
}

/** The path of a file that was downloaded before, by whomever. */
export function findCached(
  cache: string,
  { repo, revision, file }: HubReference,
): string | undefined {
  const folder = repoFolder(cache, repo);
  const commit = COMMIT.test(revision) ? revision : readRef(folder, revision);
  if (commit === undefined) return undefined;
  const snapshot = join(folder, 'snapshots', commit);
  const name = file ?? chooseWeights(existsSync(snapshot) ? readdirSync(snapshot) : []);
  if (name === undefined) return undefined;
  const path = join(snapshot, name);
  return existsSync(path) ? path : undefined;
}

/** The file that is meant where none is named: `model.safetensors`, or else the only one. */
export function chooseWeights(files: readonly string[]): string | undefined {
  const weights = files.filter((file) => file.endsWith('.safetensors'));
  if (weights.includes('model.safetensors')) return 'model.safetensors';
  return weights.length === 1 ? weights[0] : undefined;
}

/** Where the data of a file belongs. */
export function blobPath(cache: string, { repo, checksum }: CacheEntry): string {
  return join(repoFolder(cache, repo), 'blobs', checksum);
}

/** Makes a blob known as a file of its commit, and its commit as what the revision stands for; the file's path. */
export async function register(cache: string, entry: CacheEntry): Promise<string> {
  const folder = repoFolder(cache, entry.repo);
  const path = join(folder, 'snapshots', entry.commit, entry.file);
  await mkdir(dirname(path), { recursive: true });
  await link(blobPath(cache, entry), path);
  if (!COMMIT.test(entry.revision)) {
    const ref = join(folder, 'refs', entry.revision);
    await mkdir(dirname(ref), { recursive: true });
    await writeWhole(ref, entry.commit);
  }
  return path;
}

function repoFolder(cache: string, repo: string): string {
  return join(cache, ['models', ...repo.split('/')].join('--'));
}

function readRef(folder: string, revision: string): string | undefined {
  try {
    const commit = readFileSync(join(folder, 'refs', revision), 'utf8').trim();
    return COMMIT.test(commit) ? commit : undefined;
  } catch {
    return undefined;
  }
}

async function link(blob: string, path: string): Promise<void> {
  if (existsSync(path)) return;
  try {
    await symlink(relative(dirname(path), blob), path);
  } catch (error) {
    if (existsSync(path)) return;
    // Windows lets only some users make links; the Python client then does without blobs, too.
    if (process.platform !== 'win32') throw error;
    await rename(blob, path);
  }
}
