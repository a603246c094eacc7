import { getEventListeners } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { WeightError } from '../errors.ts';
import { type DownloadProgress, type FetchOptions, fetchSafetensors } from './fetch_weights.ts';

const ELEMENTS = 500_000;
const FILE = weightsFile();

function weightsFile(): Buffer {
  const bytes = 4 * ELEMENTS;
  const header = { w: { dtype: 'F32', shape: [ELEMENTS], data_offsets: [0, bytes] } };
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  const values = Float32Array.from({ length: ELEMENTS }, (_, i) => i);
  return Buffer.concat([length, json, Buffer.from(values.buffer)]);
}

/** Downloads, and says what was reported on the way. */
async function download(url: string, options: FetchOptions = {}) {
  const reports: DownloadProgress[] = [];
  const onProgress = (progress: DownloadProgress) => reports.push(progress);
  const source = await fetchSafetensors(url, { onProgress, ...options });
  return { source, reports };
}

async function errorOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => expect.fail('expected an error'),
    (error: unknown) => error,
  );
}

async function expectWeightError(promise: Promise<unknown>, message: string): Promise<void> {
  const error = await errorOf(promise);
  expect(error).toBeInstanceOf(WeightError);
  expect(error).toHaveProperty('message', expect.stringContaining(message));
}

describe('fetchSafetensors', () => {
  const servers: Server[] = [];

  async function serve(listener: RequestListener): Promise<string> {
    const server = createServer(listener);
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    return `http://127.0.0.1:${port}/x.safetensors`;
  }

  afterEach(() => {
    vi.unstubAllGlobals();
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
  });

  it('downloads and reports progress up to the announced size', async () => {
    const url = await serve((_, response) => {
      response.writeHead(200, { 'content-length': FILE.length }).end(FILE);
    });
    const { source, reports } = await download(url);
    expect(source.name).toBe(url);
    expect(source.read('w', [ELEMENTS])[ELEMENTS - 1]).toBe(ELEMENTS - 1);
    expect(reports.length).toBeGreaterThan(1);
    expect(reports.at(-1)).toEqual({ loadedBytes: FILE.length, totalBytes: FILE.length });
    const loaded = reports.map(({ loadedBytes }) => loadedBytes);
    expect(loaded).toEqual(loaded.toSorted((a, b) => a - b));
  });

  it('takes a URL object, and works without options', async () => {
    const url = await serve((_, response) => response.end(FILE));
    const source = await fetchSafetensors(new URL(url));
    expect(source.tensors?.size).toBe(1);
  });

  it('downloads a file of unannounced size', async () => {
    const url = await serve((_, response) => {
      response.write(FILE.subarray(0, 1000));
      response.end(FILE.subarray(1000));
    });
    const { source, reports } = await download(url);
    expect(source.read('w', [ELEMENTS])[ELEMENTS - 1]).toBe(ELEMENTS - 1);
    expect(reports.at(-1)).toEqual({ loadedBytes: FILE.length, totalBytes: undefined });
  });

  it('does not take the length of a compressed body for the size', async () => {
    const body = gzipSync(FILE);
    const url = await serve((_, response) => {
      const headers = { 'content-encoding': 'gzip', 'content-length': body.length };
      response.writeHead(200, headers).end(body);
    });
    const { source, reports } = await download(url);
    expect(source.read('w', [ELEMENTS])[7]).toBe(7);
    expect(reports.every(({ totalBytes }) => totalBytes === undefined)).toBe(true);
    expect(reports.at(-1)?.loadedBytes).toBe(FILE.length);
  });

  it.each(['10', String(2 * FILE.length), 'many', '-1', '1e3', ''])(
    'survives the lying content-length "%s"',
    async (length) => {
      // A browser hides content-encoding from other origins, so the two lengths may differ there.
      const headers = { 'content-length': length };
      vi.stubGlobal('fetch', async () => new Response(new Uint8Array(FILE), { headers }));
      const { source, reports } = await download('https://example.org/x.safetensors');
      expect(source.read('w', [ELEMENTS])[ELEMENTS - 1]).toBe(ELEMENTS - 1);
      const { loadedBytes, totalBytes } = reports.at(-1) ?? {};
      expect(loadedBytes).toBe(FILE.length);
      expect(totalBytes ?? FILE.length).toBeGreaterThanOrEqual(FILE.length);
    },
  );

  it('refuses an announced size beyond maxBytes before it allocates', async () => {
    const url = await serve((_, response) => {
      response.writeHead(200, { 'content-length': 2 ** 40 });
      response.write('x');
    });
    await expectWeightError(
      fetchSafetensors(url),
      `weights file "${url}": has 1099511627776 bytes or more, maxBytes allows 4294967296`,
    );
  });

  it('stops an unannounced body at maxBytes, and accepts one of just that size', async () => {
    const url = await serve((_, response) => {
      response.write(FILE.subarray(0, 1000));
      response.end(FILE.subarray(1000));
    });
    await expectWeightError(download(url, { maxBytes: FILE.length - 1 }), 'maxBytes allows');
    const { source } = await download(url, { maxBytes: FILE.length });
    expect(source.tensors?.size).toBe(1);
  });

  it('says when memory does not suffice', async () => {
    const headers = { 'content-length': String(2 ** 52) };
    vi.stubGlobal('fetch', async () => new Response('x', { headers }));
    await expectWeightError(
      fetchSafetensors('https://example.org/x', { maxBytes: 2 ** 53 }),
      '4503599627370496 bytes of memory cannot be allocated',
    );
  });

  it('reports status and URL of an HTTP error', async () => {
    const url = await serve((_, response) => {
      response.writeHead(404).end('<html>');
    });
    await expectWeightError(
      fetchSafetensors(url),
      `weights file "${url}": the server answered 404 Not Found`,
    );
  });

  it('reports a status without a text, as HTTP/2 has it', async () => {
    vi.stubGlobal('fetch', async () => new Response(null, { status: 503 }));
    const error = await errorOf(fetchSafetensors('https://example.org/x'));
    expect(error).toEqual(
      new WeightError('weights file "https://example.org/x": the server answered 503'),
    );
  });

  it('takes no more memory than arrives where the size is not announced', async () => {
    vi.stubGlobal('fetch', async () => new Response(new Uint8Array(FILE)));
    const source = await fetchSafetensors('https://example.org/x', { maxBytes: 2 ** 53 });
    expect(source.tensors?.size).toBe(1);
  });

  it('leaves nothing at the signal', async () => {
    vi.stubGlobal('fetch', async () => new Response(new Uint8Array(FILE)));
    const { signal } = new AbortController();
    await fetchSafetensors('https://example.org/x', { signal });
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('reports a page that is no safetensors file', async () => {
    const url = await serve((_, response) => response.end('<!doctype html><title>app</title>'));
    await expectWeightError(fetchSafetensors(url), `weights file "${url}": the header takes`);
    const empty = await serve((_, response) => response.writeHead(204).end());
    await expectWeightError(fetchSafetensors(empty), 'the header takes 8 bytes, the file has 0');
  });

  it('reports a server that cannot be reached, and a URL that is none', async () => {
    const closed = 'http://127.0.0.1:9/x.safetensors';
    vi.stubGlobal('fetch', async () => {
      throw new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') });
    });
    await expectWeightError(
      fetchSafetensors(closed),
      `weights file "${closed}": could not be downloaded: fetch failed: connect ECONNREFUSED`,
    );
    vi.unstubAllGlobals();
    await expectWeightError(fetchSafetensors('no url'), 'could not be downloaded');
  });

  it('reports a connection that breaks off', async () => {
    const url = await serve((_, response) => {
      response.writeHead(200, { 'content-length': FILE.length });
      response.write(FILE.subarray(0, 1000), () => response.destroy());
    });
    await expectWeightError(
      fetchSafetensors(url),
      `weights file "${url}": could not be downloaded`,
    );
  });

  it('rethrows the reason of an abort, whenever it comes', async () => {
    const stalled = await serve((_, response) => {
      response.writeHead(200, { 'content-length': FILE.length });
      response.write(FILE.subarray(0, 1000));
    });
    const whole = await serve((_, response) => response.end(FILE));
    const silent = await serve(() => {});
    const reason = new Error('the user left');
    const abortAt = (bytes: number): FetchOptions => {
      const controller = new AbortController();
      const onProgress = ({ loadedBytes }: DownloadProgress) => {
        if (loadedBytes >= bytes) controller.abort(reason);
      };
      return { signal: controller.signal, onProgress };
    };
    const before = { signal: AbortSignal.abort(reason) };
    expect(await errorOf(fetchSafetensors(whole, before))).toBe(reason);
    expect(await errorOf(fetchSafetensors(stalled, abortAt(1)))).toBe(reason);
    expect(await errorOf(fetchSafetensors(whole, abortAt(FILE.length)))).toBe(reason);
    for (const url of [silent, stalled]) {
      const error = await errorOf(fetchSafetensors(url, { signal: AbortSignal.timeout(50) }));
      expect(error).toHaveProperty('name', 'TimeoutError');
    }
  });

  it('passes on what onProgress throws, and frees the connection', async () => {
    let closed = false;
    const url = await serve((_, response) => {
      response.on('close', () => {
        closed = true;
      });
      response.writeHead(200, { 'content-length': FILE.length });
      response.write(FILE.subarray(0, 1000));
    });
    const bug = new RangeError('a bug in the page');
    const onProgress = () => {
      throw bug;
    };
    expect(await errorOf(fetchSafetensors(url, { onProgress }))).toBe(bug);
    await vi.waitFor(() => expect(closed).toBe(true));
  });
});
