/** Brings a file of the hub into the cache: goes on where an earlier try stopped, and checks what came. */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { mkdir, open, rename, rm, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { setTimeout as sleep } from 'node:timers/promises';
import { TilewiseError, WeightError } from '../../src/index.ts';
import { formatBytes } from '../../terminal/output.ts';
import { BUSY } from './answers.ts';
import { MOST_TRIES } from './bounds.ts';
import { blobPath, register } from './cache.ts';
import type { HubConnection } from './connection.ts';
import type { HubFile } from './describe.ts';

export interface DownloadOptions {
  /** The cache's folder. */
  readonly cache: string;
  readonly onProgress?: (doneBytes: number) => void;
  /** Hears why the connection broke, before the next try. */
  readonly onRetry?: (reason: string) => void;
  /** The pause before a new try, in milliseconds; doubles with each that brings nothing. */
  readonly retryMs?: number;
}

/** The path of the file in the cache. Throws WeightError, HubApiError. */
export async function downloadHubFile(
  connection: HubConnection,
  file: HubFile,
  options: DownloadOptions,
): Promise<string> {
  const blob = blobPath(options.cache, file);
  try {
    await mkdir(dirname(blob), { recursive: true });
    if (!existsSync(blob)) await fill(connection, file, blob, options);
    return await register(options.cache, file);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw await cannotWrite(error, file, partialOf(blob), options.cache);
  }
}

async function fill(
  connection: HubConnection,
  file: HubFile,
  blob: string,
  options: DownloadOptions,
): Promise<void> {
  const partial = partialOf(blob);
  try {
    await receive(connection, file, partial, options);
    await check(file, partial);
    await rename(partial, blob);
  } catch (error) {
    // Another process may have finished the same file, and moved it away.
    if (!existsSync(blob)) throw error;
  }
}

function partialOf(blob: string): string {
  return `${blob}.incomplete`;
}

async function receive(
  connection: HubConnection,
  file: HubFile,
  partial: string,
  { cache, onProgress, onRetry, retryMs = 1000 }: DownloadOptions,
): Promise<void> {
  let done = await begin(partial, file.bytes);
  await checkSpace(file, done, cache);
  onProgress?.(done);
  for (let failures = 0; done < file.bytes; ) {
    const before = done;
    try {
      await request(connection, file, partial, done, onProgress);
      done = await begin(partial, file.bytes);
      if (done < file.bytes) throw new Error('the connection ended early');
    } catch (error) {
      if (isSystemError(error) || error instanceof TilewiseError) throw error;
      if (isRefusal(connection, error)) throw error;
      done = await begin(partial, file.bytes);
      failures = done > before ? 1 : failures + 1;
      if (failures === MOST_TRIES) throw broken(file, done, error);
      onRetry?.(reasonOf(error));
      await sleep(retryMs * 2 ** (failures - 1));
    }
  }
}

/** The bytes that are there already. A file that is too long is no beginning of anything. */
async function begin(partial: string, bytes: number): Promise<number> {
  await (await open(partial, 'a')).close();
  const { size } = await stat(partial);
  if (size <= bytes) return size;
  await rm(partial);
  return begin(partial, bytes);
}

/**
 * Appends what the server sends. Writing goes by offset, so that two downloads of one file write the same
 * bytes to the same places.
 */
async function request(
  { hub, access }: HubConnection,
  { repo, commit, file, bytes }: HubFile,
  partial: string,
  start: number,
  onProgress: DownloadOptions['onProgress'],
): Promise<void> {
  // Xet's own protocol has no ranges of the file to go on from; its bridge to plain HTTP does.
  const whole = await hub.downloadFile({
    ...access,
    repo,
    path: file,
    revision: commit,
    xet: false,
  });
  if (!whole) throw new WeightError(`hub model "${repo}" has no file "${file}"`);
  let done = start;
  await pipeline(
    Readable.fromWeb(whole.slice(start, bytes).stream() as ReadableStream),
    async function* (chunks: AsyncIterable<Uint8Array>) {
      for await (const chunk of chunks) {
        done += chunk.length;
        onProgress?.(Math.min(done, bytes));
        yield chunk;
        if (done > bytes) throw new Error('the server sent more than it announced');
      }
    },
    createWriteStream(partial, { flags: 'r+', start }),
  );
}

/** Of the file on disk, whoever wrote it. */
async function check({ repo, file, bytes, algorithm, checksum }: HubFile, partial: string) {
  const hash = createHash(algorithm === 'sha256' ? 'sha256' : 'sha1');
  if (algorithm === 'git-sha1') hash.update(`blob ${bytes}\0`);
  await pipeline(createReadStream(partial), hash);
  const actual = hash.digest('hex');
  if (actual === checksum) return;
  await rm(partial);
  throw new WeightError(
    `"${file}" of hub model "${repo}" arrived damaged: expected ${algorithm} ${checksum}, got ${actual}; it was deleted, download it again`,
  );
}

async function checkSpace(file: HubFile, done: number, cache: string): Promise<void> {
  const { bavail, bsize } = await statfs(cache);
  const needed = file.bytes - done;
  if (bavail * bsize < needed) throw tooLittleSpace(file, done, cache);
}

function tooLittleSpace({ file, bytes }: HubFile, done: number, cache: string): WeightError {
  const kept = done > 0 ? `; the ${formatBytes(done)} that are there are kept` : '';
  return new WeightError(
    `no space for "${file}" in ${cache}: ${formatBytes(bytes - done)} are missing${kept}; make room, or set HF_HUB_CACHE to a folder on another disk, and run it again`,
  );
}

async function cannotWrite(
  error: NodeJS.ErrnoException,
  file: HubFile,
  partial: string,
  cache: string,
): Promise<WeightError> {
  if (error.code === 'ENOSPC' || error.code === 'EDQUOT') {
    const done = await stat(partial).then(
      ({ size }) => size,
      () => 0,
    );
    return tooLittleSpace(file, done, cache);
  }
  return new WeightError(
    `the hub's cache ${cache} cannot be written: ${error.message}; set HF_HUB_CACHE to a folder that can`,
    { cause: error },
  );
}

function broken({ repo, file, bytes }: HubFile, done: number, cause: unknown): WeightError {
  return new WeightError(
    `the download of "${file}" of hub model "${repo}" broke off at ${formatBytes(done)} of ${formatBytes(bytes)}: ${reasonOf(cause)}; run it again to go on from there`,
    { cause },
  );
}

/** Of this machine's files, as opposed to the network, whose errors hold a code but no path or descriptor. */
function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  const calls = ['open', 'write', 'mkdir', 'rename', 'symlink', 'statfs', 'unlink'];
  return error instanceof Error && 'syscall' in error && calls.includes(String(error.syscall));
}

/** An answer that a new try would get again. */
function isRefusal({ hub }: HubConnection, error: unknown): boolean {
  return (
    error instanceof hub.HubApiError &&
    // What is busy was asked again already.
    (BUSY.includes(error.statusCode) || (error.statusCode < 500 && error.statusCode !== 408))
  );
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
