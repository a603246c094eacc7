import { checkOptions } from '../arguments.ts';
import { WeightError } from '../errors.ts';
import { untilAborted } from '../until_aborted.ts';
import { openSafetensors } from './safetensors.ts';
import type { WeightSource } from './weight_source.ts';

const DEFAULT_MAX_BYTES = 2 ** 32;
const FIRST_CAPACITY = 2 ** 20;

/** How far a download is, in bytes of the file. */
export interface DownloadProgress {
  /** That have arrived. */
  readonly loadedBytes: number;
  /** Undefined where the server does not say, or compresses on the way, or has turned out to be wrong. */
  readonly totalBytes: number | undefined;
}

/** How `fetchSafetensors` downloads. */
export interface FetchOptions {
  /** Called after each chunk that arrives. */
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined;
  /** Stops the download, with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** Larger files are refused. 4 GiB by default. */
  readonly maxBytes?: number | undefined;
}

/**
 * Downloads a safetensors file and opens it.
 *
 * @param url - Of the file; another origin must allow it by CORS.
 * @param options - Progress, signal, and the largest size.
 * @throws WeightError when the server cannot be reached or answers with an error, when the file is larger than
 *   `maxBytes` or does not fit into memory, and when it is no valid safetensors file.
 * @throws The signal's reason when it is aborted.
 *
 * @example
 * const source = await fetchSafetensors('/lenet-mnist.safetensors', {
 *   onProgress: ({ loadedBytes }) => console.log(loadedBytes),
 * });
 */
export async function fetchSafetensors(
  url: string | URL,
  options: FetchOptions = {},
): Promise<WeightSource> {
  checkOptions('fetchSafetensors', options);
  const download = new Download(String(url), options);
  return openSafetensors(await download.run(), download.url);
}

class Download {
  readonly url: string;
  readonly #onProgress: (progress: DownloadProgress) => void;
  readonly #signal: AbortSignal | undefined;
  readonly #maxBytes: number;

  constructor(url: string, { onProgress, signal, maxBytes }: FetchOptions) {
    this.url = url;
    this.#onProgress = onProgress ?? (() => {});
    this.#signal = signal;
    this.#maxBytes = maxBytes ?? DEFAULT_MAX_BYTES;
  }

  async run(): Promise<Uint8Array> {
    const response = await this.#network(fetch(this.url, { signal: this.#signal ?? null }));
    const reader = response.body?.getReader();
    try {
      if (!response.ok) {
        throw this.#fault(`the server answered ${response.status} ${response.statusText}`.trim());
      }
      return reader ? await this.#collect(reader, announcedBytes(response)) : new Uint8Array();
    } finally {
      reader?.cancel().catch(() => {});
    }
  }

  async #collect(
    reader: ReadableStreamDefaultReader<Uint8Array>,
    announced: number | undefined,
  ): Promise<Uint8Array> {
    this.#requireAllowed(announced ?? 0);
    let buffer = this.#allocate(announced ?? Math.min(FIRST_CAPACITY, this.#maxBytes));
    let loadedBytes = 0;
    for (;;) {
      const { done, value } = await this.#network(reader.read());
      if (done) break;
      const needed = loadedBytes + value.length;
      this.#requireAllowed(needed);
      if (needed > buffer.length) buffer = this.#grown(buffer, needed);
      buffer.set(value, loadedBytes);
      loadedBytes = needed;
      const totalBytes = announced !== undefined && needed <= announced ? announced : undefined;
      this.#onProgress({ loadedBytes, totalBytes });
    }
    return loadedBytes === buffer.length ? buffer : buffer.slice(0, loadedBytes);
  }

  #requireAllowed(bytes: number): void {
    if (bytes > this.#maxBytes) {
      throw this.#fault(`has ${bytes} bytes or more, maxBytes allows ${this.#maxBytes}`);
    }
  }

  #grown(buffer: Uint8Array<ArrayBuffer>, needed: number): Uint8Array<ArrayBuffer> {
    const doubled = Math.min(2 * buffer.length, this.#maxBytes);
    const grown = this.#allocate(Math.max(doubled, needed));
    grown.set(buffer);
    return grown;
  }

  #allocate(bytes: number): Uint8Array<ArrayBuffer> {
    try {
      return new Uint8Array(bytes);
    } catch (cause) {
      throw this.#fault(`${bytes} bytes of memory cannot be allocated`, { cause });
    }
  }

  /** Waits for the network. Its failures become WeightErrors; aborting is no failure. */
  async #network<T>(step: Promise<T>): Promise<T> {
    try {
      // Node's fetch can leave a read pending for ever when the signal aborts.
      return await untilAborted(step, this.#signal);
    } catch (cause) {
      this.#signal?.throwIfAborted();
      throw this.#fault(`could not be downloaded: ${explained(cause)}`, { cause });
    }
  }

  #fault(what: string, options?: ErrorOptions): WeightError {
    return new WeightError(`weights file "${this.url}": ${what}`, options);
  }
}

/** The length of the body, if the server says it. For a compressed body it says another length. */
function announcedBytes({ headers }: Response): number | undefined {
  const length = headers.get('content-length');
  if (length === null || headers.has('content-encoding')) return undefined;
  const bytes = Number(length);
  return Number.isSafeInteger(bytes) && bytes >= 0 ? bytes : undefined;
}

/** Node's fetch hides what happened in `cause`. */
function explained(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
