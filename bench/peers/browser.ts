/** Headless Chromium with a page for each contender, and a server for what the pages need. */
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import chromium from '@sparticuz/chromium';
import { build } from 'esbuild';
import { type Browser, chromium as playwright } from 'playwright-core';
import { isFile } from '../results/peer_models.ts';
import type { Download } from '../results/reports.ts';
import type { Participant } from './contender.ts';

export const PAGES = [
  'tilewise',
  'tilewise_file',
  'onnxruntime_webgpu',
  'onnxruntime_wasm',
  'litert_webgpu',
  'litert_wasm',
  'tensorflow',
] as const;
export type PageName = (typeof PAGES)[number];

const ARGUMENTS = ['--no-sandbox', '--enable-unsafe-webgpu', '--disable-gpu-watchdog'];
const SWIFTSHADER = '--use-webgpu-adapter=swiftshader';

const HERE = dirname(fileURLToPath(import.meta.url));
/** What pages load from packages, by the first part of the address. */
const PACKAGES: ReadonlyMap<string, string> = new Map([
  ['onnxruntime', dirname(fileURLToPath(import.meta.resolve('onnxruntime-web/webgpu')))],
  ['litert', join(HERE, 'node_modules', '@litertjs', 'core', 'wasm')],
]);

/** Pages may use threads only where they are isolated. */
const HEADERS = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html',
  js: 'text/javascript',
  mjs: 'text/javascript',
  wasm: 'application/wasm',
};

export class BrowserHost {
  readonly #server: Server;
  readonly #software: boolean;
  readonly #downloads = new Map<string, Map<string, Download>>();
  #browser: Browser | undefined;

  private constructor(server: Server, software: boolean) {
    this.#server = server;
    this.#software = software;
  }

  /** Bundles the pages, and serves them beside the model, which lies in `folder`. */
  static async create(model: string, folder: string, software: boolean): Promise<BrowserHost> {
    const bundles = await bundlePages(model);
    const server = createServer((request, response) => {
      const { pathname } = new URL(request.url ?? '/', 'http://localhost');
      const extension = pathname.split('.').at(-1) ?? '';
      const headers = {
        ...HEADERS,
        'Content-Type': TYPES[extension] ?? 'application/octet-stream',
      };
      const body = read(pathname, folder, bundles);
      response.writeHead(body === undefined ? 404 : 200, headers).end(body);
      const page = /([^/]+)\.html$/.exec(request.headers.referer ?? '')?.[1] ?? host.#page;
      const isCode = ['js', 'mjs', 'wasm'].includes(extension);
      if (body !== undefined && page && isCode) host.#count(page, pathname, body);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const host = new BrowserHost(server, software);
    return host;
  }

  #page: string | undefined;

  #count(page: string, path: string, body: Uint8Array | string): void {
    const files = this.#downloads.get(page) ?? new Map<string, Download>();
    this.#downloads.set(page, files);
    const gzipBytes = gzipSync(body, { level: 9 }).length;
    files.set(path, { bytes: Buffer.byteLength(body), gzipBytes });
  }

  downloadOf(page: PageName): Download {
    const files = [...(this.#downloads.get(page)?.values() ?? [])];
    return {
      bytes: files.reduce((sum, file) => sum + file.bytes, 0),
      gzipBytes: files.reduce((sum, file) => sum + file.gzipBytes, 0),
    };
  }

  /** Starts a new browser, so that no shader is in its cache. */
  async restart(): Promise<void> {
    await this.#browser?.close();
    this.#browser = await playwright.launch({
      executablePath: await chromium.executablePath(),
      args: [...ARGUMENTS, ...(this.#software ? [SWIFTSHADER] : [])],
    });
  }

  get version(): string {
    return this.#browser?.version() ?? '';
  }

  async open(name: PageName): Promise<Participant> {
    if (!this.#browser) await this.restart();
    const page = await this.#browser?.newPage();
    if (!page) throw new Error('the browser is closed');
    this.#page = name;
    const { port } = this.#server.address() as AddressInfo;
    await page.goto(`http://127.0.0.1:${port}/${name}.html`);
    await page.evaluate(() => window.ready);
    return {
      load: () => page.evaluate(() => window.load()),
      run: () => page.evaluate(() => window.run()),
      close: () => page.close(),
    };
  }

  async close(): Promise<void> {
    await this.#browser?.close();
    this.#server.close();
  }
}

async function bundlePages(model: string): Promise<ReadonlyMap<string, Uint8Array>> {
  const result = await build({
    entryPoints: PAGES.map((name) => join(HERE, 'pages', `${name}.ts`)),
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    define: { MODEL: JSON.stringify(isFile(model) ? 'resnet50' : model) },
    // The library imports shaders for their order in its own bundle.
    logOverride: { 'ignored-bare-import': 'silent' },
    conditions: ['onnxruntime-web-use-extern-wasm'],
    write: false,
    outdir: HERE,
  });
  return new Map(
    result.outputFiles.map(({ path, contents }) => [path.slice(HERE.length), contents]),
  );
}

function read(
  path: string,
  folder: string,
  bundles: ReadonlyMap<string, Uint8Array>,
): Uint8Array | string | undefined {
  const page = PAGES.find((name) => path === `/${name}.html`);
  if (page)
    return `<!doctype html><title>${page}</title><script type="module" src="/${page}.js"></script>`;
  const bundle = bundles.get(path);
  if (bundle) return bundle;
  const [, first, file] = path.split('/');
  try {
    const folderOfPackage = PACKAGES.get(first ?? '');
    if (folderOfPackage && file) return readFileSync(join(folderOfPackage, file));
    return readFileSync(join(folder, first ?? ''));
  } catch {
    return undefined;
  }
}
