import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MOST_ANSWER_BYTES } from '../cli/hub/bounds.ts';
import { blobPath, findCached } from '../cli/hub/cache.ts';
import { describeHubFile } from '../cli/hub/describe.ts';
import { type DownloadOptions, downloadHubFile } from '../cli/hub/download.ts';
import { withHub } from '../cli/hub/obtain.ts';
import { type HubReference, parseHubReference } from '../cli/hub/reference.ts';
import type { HubSettings } from '../cli/hub/settings.ts';
import { runCli, temporaryFolder } from './fixtures/cli.ts';
import { COMMIT, HubServer, type HubServerOptions, REPO } from './fixtures/hub_server.ts';

const folder = temporaryFolder();
const lenetWeights = readFileSync(
  join(import.meta.dirname, '..', 'weights', 'lenet-mnist.safetensors'),
);
const reference = parseHubReference(`hf:${REPO}`);
const TOKEN = 'hf_secret';

let server: HubServer;
let settings: HubSettings;
let count = 0;

beforeEach(() => {
  const cache = join(folder, `cache ${count++}`);
  settings = { endpoint: '', token: undefined, offline: false, cache };
});

afterEach(() => server?.close());

async function serve(options: Partial<HubServerOptions> = {}): Promise<string> {
  const files = { 'model.safetensors': lenetWeights, 'README.md': new Uint8Array(3) };
  server = new HubServer({ files, licence: 'bsd-3-clause', ...options });
  settings = { ...settings, endpoint: await server.open() };
  return settings.endpoint;
}

/** Downloads, in this process. */
function download(
  options: Partial<DownloadOptions> = {},
  wanted: HubReference = reference,
): Promise<string> {
  return withHub(wanted, settings, async (connection) => {
    const file = await describeHubFile(connection, wanted);
    return downloadHubFile(connection, file, { cache: settings.cache, retryMs: 1, ...options });
  });
}

const checksum = 'fc73ace7acdc8ef62a3ee48ffd75e179f8aa60a008f9ccbfbe333bd2c1a81ec9';

function partialPath(): string {
  const entry = { repo: REPO, revision: 'main', commit: COMMIT, file: 'model.safetensors' };
  return `${blobPath(settings.cache, { ...entry, checksum })}.incomplete`;
}

/** Leaves what an interrupted download leaves. */
function interruptedAt(bytes: Uint8Array): void {
  mkdirSync(join(partialPath(), '..'), { recursive: true });
  writeFileSync(partialPath(), bytes);
}

describe('a hub that is busy', () => {
  it('is asked again when it says, of the model as of the file', async () => {
    await serve();
    const past = new Date(Date.now() - 1000).toUTCString();
    server.busy.push([429, '0'], [503, past], [503, '0']);
    expect(readFileSync(await download()).equals(lenetWeights)).toBe(true);
    expect(server.busy).toEqual([]);
  });

  it('for longer than anybody waits is said to be', async () => {
    await serve();
    for (const late of ['3600', new Date(Date.now() + 3.6e6).toUTCString()]) {
      server.busy.push([503, late]);
      await expect(download()).rejects.toThrow(/answered 503: it is busy; try again in some/);
    }
    server.busy.push(...Array.from({ length: 5 }, () => [429, '0'] as const));
    await expect(download()).rejects.toThrow(/answered 429: too many requests/);
    expect(server.busy).toEqual([]);
  });
});

describe('a hub whose answers have no end', () => {
  it.each([
    ['model', /the hub's answer from http:\/\/127.0.0.1:\d+ is longer than 8.4 MB/],
    ['files', /the hub's answer is of no use: more than 100 pages of files/],
    ['refusal', /the hub's answer from http:\/\/127.0.0.1:\d+ is longer than 8.4 MB/],
  ] as const)('of the %s', async (what, message) => {
    await serve();
    server.endless = what;
    await expect(download()).rejects.toThrow(message);
    // Beside what is held, some megabytes lie in the buffers of both ends of the connection.
    expect(server.poured).toBeLessThan(2 * MOST_ANSWER_BYTES + 2 ** 23);
  });
});

describe('a download from the hub', () => {
  it.each([
    ['through a redirect to the delivery network', {}],
    ['which also offers its newer protocol', { xet: true }],
    ['of a file outside of LFS', { lfs: false }],
  ])('arrives %s, where the Python client would put it', async (_, options) => {
    await serve(options);
    const path = await download();
    expect(path).toBe(
      join(settings.cache, 'models--owner--name', 'snapshots', COMMIT, 'model.safetensors'),
    );
    expect(readFileSync(path).equals(lenetWeights)).toBe(true);
    const ref = join(settings.cache, 'models--owner--name', 'refs', 'main');
    expect(readFileSync(ref, 'utf8')).toBe(COMMIT);
    expect(findCached(settings.cache, reference)).toBe(path);
    expect(findCached(settings.cache, { ...reference, revision: 'other' })).toBeUndefined();
  });

  it('is said the size, the licence, the commit and the checksum of before', async () => {
    await serve();
    const file = await withHub(reference, settings, (hub) => describeHubFile(hub, reference));
    expect(file).toEqual({
      repo: REPO,
      revision: 'main',
      commit: COMMIT,
      file: 'model.safetensors',
      bytes: lenetWeights.length,
      licence: 'bsd-3-clause',
      algorithm: 'sha256',
      checksum,
    });
    expect(server.deliveries).toEqual([]);
  });

  it('comes from the cache the second time', async () => {
    await serve();
    await download();
    await download();
    expect(server.deliveries).toHaveLength(1);
  });

  it('goes on where the connection broke', async () => {
    await serve();
    server.hangUps.push(100_000, 60_000, 0);
    const reasons: string[] = [];
    const progress: number[] = [];
    const path = await download({
      onRetry: (reason) => reasons.push(reason),
      onProgress: (done) => progress.push(done),
    });
    expect(readFileSync(path).equals(lenetWeights)).toBe(true);
    expect(reasons).toHaveLength(3);
    const starts = server.deliveries.map(({ range }) => Number(range?.match(/\d+/)?.[0] ?? 0));
    expect(starts).toEqual([0, 100_000, 160_000, 160_000]);
    expect(progress.at(-1)).toBe(lenetWeights.length);
    expect(progress).toEqual(progress.toSorted((a, b) => a - b));
  });

  it('goes on where an earlier command was stopped', async () => {
    await serve();
    interruptedAt(lenetWeights.subarray(0, 300_000));
    expect(readFileSync(await download()).equals(lenetWeights)).toBe(true);
    expect(server.deliveries.map(({ range }) => range)).toEqual([
      `bytes=300000-${lenetWeights.length - 1}`,
    ]);
    expect(existsSync(partialPath())).toBe(false);
  });

  it('gives up after five tries without a byte, and keeps what there is', async () => {
    await serve();
    server.hangUps.push(50_000, 0, 0, 0, 0, 0);
    await expect(download()).rejects.toThrow(
      /broke off at 0\.1 MB of 0\.4 MB: .*; run it again to go on from there/,
    );
    expect(readFileSync(partialPath())).toHaveLength(50_000);
    server.hangUps.splice(0);
    expect(readFileSync(await download()).equals(lenetWeights)).toBe(true);
  });

  it('begins anew where the server ignores ranges', async () => {
    await serve();
    server.ignoresRanges = true;
    server.hangUps.push(100_000);
    expect(readFileSync(await download()).equals(lenetWeights)).toBe(true);
  });

  it('is deleted when its checksum is another', async () => {
    await serve({ checksum: 'a'.repeat(64) });
    await expect(download()).rejects.toThrow(
      new RegExp(`arrived damaged: expected sha256 a{64}, got ${checksum}; it was deleted`),
    );
    expect(existsSync(partialPath())).toBe(false);
    expect(findCached(settings.cache, reference)).toBeUndefined();
  });

  it('of a wrong beginning is found out by the checksum, and right the next time', async () => {
    await serve();
    interruptedAt(new Uint8Array(1000));
    await expect(download()).rejects.toThrow(/arrived damaged/);
    expect(readFileSync(await download()).equals(lenetWeights)).toBe(true);
  });

  it.runIf(process.platform === 'linux')('tells of a full disk, and what to do', async () => {
    await serve();
    mkdirSync(join(partialPath(), '..'), { recursive: true });
    symlinkSync('/dev/full', partialPath());
    await expect(download()).rejects.toThrow(
      /no space for "model\.safetensors" in .*: 0\.4 MB are missing; make room, or set HF_HUB_CACHE/,
    );
    rmSync(partialPath());
    expect(readFileSync(await download()).equals(lenetWeights)).toBe(true);
  });

  it('begins only where there is room', async () => {
    await serve();
    const huge = { path: 'model.safetensors', bytes: 2 ** 60 };
    const file = await withHub(reference, settings, (hub) => describeHubFile(hub, reference));
    const attempt = withHub(reference, settings, (hub) =>
      downloadHubFile(hub, { ...file, ...huge }, { cache: settings.cache }),
    );
    await expect(attempt).rejects.toThrow(/no space for .* MB are missing/);
    expect(server.deliveries).toEqual([]);
  });

  it('tells of a cache that cannot be written', async () => {
    await serve();
    writeFileSync(settings.cache, '');
    await expect(download()).rejects.toThrow(/cache .* cannot be written: .*; set HF_HUB_CACHE/);
  });

  it('of the same file twice at a time does no harm', async () => {
    await serve();
    server.hangUps.push(100_000, 200_000);
    const [path, same] = await Promise.all([download(), download()]);
    expect(same).toBe(path);
    expect(readFileSync(path).equals(lenetWeights)).toBe(true);
  });
});

describe('what the hub has', () => {
  it('is chosen by name where there are several files', async () => {
    const files = { 'a.safetensors': lenetWeights.subarray(0, 9), 'b/c.safetensors': lenetWeights };
    await serve({ files });
    await expect(download()).rejects.toThrow(
      /has 2 weights files; choose one by hf:owner\/name\/FILE of a\.safetensors, b\/c\.safetensors/,
    );
    const path = await download({}, parseHubReference(`hf:${REPO}/b/c.safetensors`));
    expect(readFileSync(path).equals(lenetWeights)).toBe(true);
  });

  it('may be no weights', async () => {
    await serve({ files: { 'README.md': new Uint8Array(2) } });
    await expect(download()).rejects.toThrow(/"owner\/name" has no \.safetensors file/);
    await expect(download({}, parseHubReference(`hf:${REPO}/x.safetensors`))).rejects.toThrow(
      /has no file "x\.safetensors"/,
    );
  });

  it('never leads out of the cache', async () => {
    await serve({ files: { '../../../evil.safetensors': lenetWeights } });
    await expect(download()).rejects.toThrow(/of no use: the file name "\.\.\/\.\.\/\.\.\/evil/);
    await serve({ checksum: '../../evil' });
    await expect(download()).rejects.toThrow(/of no use: no checksum of "model\.safetensors"/);
  });

  it('is a licence of a few printable characters', async () => {
    await serve({ licence: `\u001b[31m${'x'.repeat(500)}` });
    const file = await withHub(reference, settings, (hub) => describeHubFile(hub, reference));
    expect(file.licence).toBe(`[31m${'x'.repeat(76)}`);
  });
});

describe('what the hub refuses', () => {
  const unknown = `hf:${REPO}-not-there`;

  it('with 401, without a token and with a wrong one', async () => {
    await serve({ token: TOKEN });
    await expect(download()).rejects.toThrow(
      /answered 401: there is no model "owner\/name", or it is private or gated: .* HF_TOKEN/,
    );
    settings = { ...settings, token: 'hf_other' };
    await expect(download()).rejects.toThrow(/answered 401: the token .* is not valid/);
    settings = { ...settings, token: TOKEN };
    expect(readFileSync(await download()).equals(lenetWeights)).toBe(true);
  });

  it('never shows the token to the delivery network', async () => {
    await serve({ token: TOKEN });
    settings = { ...settings, token: TOKEN };
    await download();
    const told = (where: string) =>
      server.seen.filter((seen) => seen.where === where).map(({ authorization }) => authorization);
    expect(new Set(told('hub'))).toEqual(new Set([`Bearer ${TOKEN}`]));
    expect(new Set(told('cdn'))).toEqual(new Set([undefined]));
  });

  it('with 403: conditions to accept', async () => {
    const endpoint = await serve({ gated: true });
    settings = { ...settings, token: TOKEN };
    await expect(download()).rejects.toThrow(`accept its conditions at ${endpoint}/owner/name`);
  });

  it('with 404: no such model, no such revision', async () => {
    await serve();
    await expect(download({}, parseHubReference(unknown))).rejects.toThrow(
      /answered 404: there is no model "owner\/name-not-there" with a revision "main"/,
    );
    await expect(download({}, parseHubReference(`hf:${REPO}@v9`))).rejects.toThrow(
      /answered 404: there is no model "owner\/name" with a revision "v9"/,
    );
  });

  it('by not being there', async () => {
    await serve();
    server.close();
    await expect(download()).rejects.toThrow(
      /cannot be reached: .*ECONNREFUSED.*; check the network, --endpoint and the proxy/,
    );
  });
});

describe('tilewise download and --weights hf:', () => {
  const digit = join(import.meta.dirname, '..', 'samples', 'digits', '7.png');
  const classify = ['classify', digit, '--model', 'lenet', '--top', '1', '--json'];

  function env(more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
    return { HF_HUB_CACHE: settings.cache, HF_TOKEN: '', HF_ENDPOINT: settings.endpoint, ...more };
  }

  it('print where the file is, after its size and licence', async () => {
    await serve();
    const { code, stdout, stderr } = await runCli(['download', `hf:${REPO}`], env());
    expect(stderr).toBe('owner/name, model.safetensors: 0.4 MB, licence bsd-3-clause\n');
    expect(stdout).toMatch(/^0\.4 MB in .*snapshots.*model\.safetensors\n$/);
    expect(code).toBe(0);
  });

  it('--dry-run downloads nothing, --json has the facts, --endpoint goes before HF_ENDPOINT', async () => {
    const endpoint = await serve();
    const args = ['download', `hf:${REPO}`, '--dry-run', '--json', '--endpoint', endpoint];
    const { stdout } = await runCli(args, env({ HF_ENDPOINT: 'http://127.0.0.1:9' }));
    expect(JSON.parse(stdout)).toMatchObject({
      repo: REPO,
      commit: COMMIT,
      bytes: lenetWeights.length,
      licence: 'bsd-3-clause',
      sha256: checksum,
    });
    expect(server.deliveries).toEqual([]);
  });

  it('work from the cache alone when HF_HUB_OFFLINE is set', async () => {
    await serve();
    const offline = env({ HF_HUB_OFFLINE: '1' });
    const args = [...classify, '--weights', `hf:${REPO}`];
    const missing = await runCli(args, offline);
    expect(missing.stderr).toMatch(
      /"hf:owner\/name" are not in .*, and HF_HUB_OFFLINE is set; unset it, or give --weights FILE/,
    );
    expect(missing.code).toBe(1);
    const online = await runCli(args, env());
    expect(online.stderr).toContain('downloading owner/name, model.safetensors: 0.4 MB');
    const requests = server.seen.length;
    for (const result of [online, await runCli(args, offline)]) {
      expect(JSON.parse(result.stdout)).toMatchObject({ top: [{ class: 7 }] });
    }
    expect(server.seen).toHaveLength(requests);
  });

  it('go through a proxy', async () => {
    await serve();
    const tunnels: string[] = [];
    const proxy = createServer().on('connect', ({ url = '' }, client, head) => {
      tunnels.push(url);
      const { hostname, port } = new URL(`http://${url}`);
      const target = connect(Number(port), hostname, () => {
        client.write('HTTP/1.1 200 Connection established\r\n\r\n');
        target.write(head);
        target.pipe(client).pipe(target);
      });
      for (const end of [target, client]) end.on('error', () => {});
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    try {
      const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
      const args = ['download', `hf:${REPO}`];
      const { code } = await runCli(args, env({ HTTP_PROXY: url, http_proxy: url, NO_PROXY: '' }));
      expect(code).toBe(0);
      expect(tunnels).toContain(settings.endpoint.replace('http://', ''));
    } finally {
      proxy.closeAllConnections();
      proxy.close();
    }
  });

  it.each([
    ['lenet', /weights of "lenet" come with Tilewise/],
    ['resnet50_v1', /no weights for "resnet50_v1" are known on the hub; name some by hf:/],
    ['nonsense', /unknown model "nonsense"/],
  ])('download %s says why not', async (model, message) => {
    const { code, stderr } = await runCli(['download', model]);
    expect(stderr).toMatch(message);
    expect(code).toBe(1);
  });
});
