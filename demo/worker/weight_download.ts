import { WeightError } from '../../src/index.ts';
import type { KeptWeights } from '../engine/calls.ts';

/** How far a download is. */
export interface DownloadState {
  readonly loadedBytes: number;
  readonly totalBytes: number;
  /** Of this attempt: what an earlier one left in the cache does not count. */
  readonly bytesPerSecond: number;
}

export interface DownloadOptions {
  readonly onProgress: (state: DownloadState) => void;
  readonly signal: AbortSignal;
}

const CACHE = 'tilewise-weights';
/** What is lost at most when a download stops. */
const PART_BYTES = 4 * 2 ** 20;
const PART_PARAMETER = 'tilewise-part';
/** Larger files are refused. */
const MOST_BYTES = 2 ** 32;

/** Part of a file, and how long the file is. */
interface Part {
  readonly data: Blob;
  readonly totalBytes: number;
}

/**
 * Downloads a file in parts, each kept in Cache Storage as it arrives, so that a download that was stopped goes
 * on where it was, and one that is complete asks nobody. Throws WeightError when the server fails; the signal's reason
 * when it aborts.
 */
export async function downloadWeights(
  url: string,
  { onProgress, signal }: DownloadOptions,
): Promise<Uint8Array> {
  const cache = await caches.open(CACHE);
  const begun = performance.now();
  const parts: Blob[] = [];
  let loadedBytes = 0;
  let fetchedBytes = 0;
  let totalBytes = Number.POSITIVE_INFINITY;
  while (loadedBytes < totalBytes) {
    signal.throwIfAborted();
    const key = partKey(url, parts.length);
    const known = await fromCache(cache, key);
    const part = known ?? (await fetchPart(url, loadedBytes, signal));
    if (!known) {
      await keep(cache, key, part);
      fetchedBytes += part.data.size;
    }
    if (parts.length > 0 && part.totalBytes !== totalBytes) {
      await forgetWeights(url);
      throw fault(url, 'the file has changed since the download began; start again');
    }
    totalBytes = part.totalBytes;
    parts.push(part.data);
    loadedBytes += part.data.size;
    const seconds = (performance.now() - begun) / 1000;
    onProgress({ loadedBytes, totalBytes, bytesPerSecond: fetchedBytes / seconds });
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

/** The files of which there is something in the cache, in the order in which their downloads began. */
export async function keptWeights(): Promise<readonly KeptWeights[]> {
  const cache = await caches.open(CACHE);
  const files = new Map<string, KeptWeights>();
  for (const request of await cache.keys()) {
    const url = fileOf(request.url);
    const part = await fromCache(cache, request.url);
    if (!part) continue;
    const loadedBytes = (files.get(url)?.loadedBytes ?? 0) + part.data.size;
    files.set(url, { url, loadedBytes, totalBytes: part.totalBytes });
  }
  return [...files.values()];
}

/** Takes every part of a file out of the cache. */
export async function forgetWeights(url: string): Promise<void> {
  const cache = await caches.open(CACHE);
  for (let i = 0; await cache.delete(partKey(url, i)); i++);
}

function partKey(url: string, part: number): string {
  const key = new URL(url);
  key.searchParams.set(PART_PARAMETER, String(part));
  return key.href;
}

/** The file that a key is of. */
function fileOf(key: string): string {
  const url = new URL(key);
  url.searchParams.delete(PART_PARAMETER);
  return url.href;
}

const TOTAL_HEADER = 'x-total-bytes';

async function fromCache(cache: Cache, key: string): Promise<Part | undefined> {
  const response = await cache.match(key);
  if (!response) return undefined;
  return { data: await response.blob(), totalBytes: Number(response.headers.get(TOTAL_HEADER)) };
}

/** A full disk must not end a download. */
async function keep(cache: Cache, key: string, { data, totalBytes }: Part): Promise<void> {
  const headers = { [TOTAL_HEADER]: String(totalBytes) };
  await cache.put(key, new Response(data, { headers })).catch(() => {});
}

async function fetchPart(url: string, from: number, signal: AbortSignal): Promise<Part> {
  const headers = { range: `bytes=${from}-${from + PART_BYTES - 1}` };
  const response = await fetch(url, { headers, signal, cache: 'no-store' }).catch((cause) => {
    signal.throwIfAborted();
    throw fault(
      url,
      `could not be reached: ${cause.message}; check the address, and whether its server allows other pages to read it (CORS)`,
    );
  });
  if (!response.ok) throw fault(url, `the server answered ${response.status}`);
  const totalBytes = totalOf(response, from);
  if (totalBytes === undefined || totalBytes > MOST_BYTES) {
    throw fault(url, `the server says no length, or more than ${MOST_BYTES} bytes`);
  }
  const data = await response.blob();
  const expected = response.status === 206 ? Math.min(PART_BYTES, totalBytes - from) : totalBytes;
  if (data.size !== expected) throw fault(url, `the server sent ${data.size} bytes of ${expected}`);
  return { data, totalBytes };
}

/** The file's length: of a part it stands behind the slash. A server without ranges sends the whole. */
function totalOf(response: Response, from: number): number | undefined {
  const length =
    response.status === 206
      ? /^bytes \d+-\d+\/(\d+)$/.exec(response.headers.get('content-range') ?? '')?.[1]
      : from === 0
        ? response.headers.get('content-length')
        : undefined;
  const bytes = Number(length);
  return length && Number.isSafeInteger(bytes) ? bytes : undefined;
}

function fault(url: string, what: string): WeightError {
  return new WeightError(`weights "${url}": ${what}`);
}
