/** The libraries that are compared, in Node and in a page. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isFile, isTflite } from '../results/peer_models.ts';
import type { PeerResult } from '../results/reports.ts';
import type { PageName } from './browser.ts';
import { compare, type Note, type Rounds } from './compare.ts';
import type { Entry } from './contender.ts';
import { startInNode } from './node_entry.ts';

/** Of the model in `folder`. */
export function nodeEntries(folder: string, adapter: string): readonly Entry[] {
  const entry = (library: string, backend: string, name: 'tilewise' | 'webgpu' | 'cpu'): Entry => ({
    ...{ library, backend },
    version: library === 'Tilewise' ? tilewiseVersion() : versionOf(library),
    host: 'Node',
    start: () => startInNode(name, folder, name === 'tilewise' ? adapter : undefined),
  });
  return [
    entry('Tilewise', 'WebGPU', 'tilewise'),
    entry('onnxruntime-node', 'WebGPU', 'webgpu'),
    entry('onnxruntime-node', 'CPU', 'cpu'),
  ];
}

export function compareInNode(
  entries: readonly Entry[],
  rounds: Rounds,
  note: Note,
): Promise<readonly PeerResult[]> {
  return compare(entries, rounds, async () => {}, note);
}

/** An entry of the comparison, but for the browser that opens its page. */
interface PageEntry extends Omit<Entry, 'start'> {
  readonly page: PageName;
}

export function browserEntries(model: string): readonly PageEntry[] {
  const entry = (library: string, version: string, backend: string, page: PageName): PageEntry => ({
    ...{ library, version, backend, page },
    host: 'Chromium',
  });
  const [web, tensorflow] = ['onnxruntime-web', '@tensorflow/tfjs-backend-webgpu'];
  const litert = '@litertjs/core';
  return [
    entry('Tilewise', tilewiseVersion(), 'WebGPU', isFile(model) ? 'tilewise_file' : 'tilewise'),
    entry(web, versionOf(web), 'WebGPU', 'onnxruntime_webgpu'),
    entry(web, versionOf(web), 'wasm', 'onnxruntime_wasm'),
    ...(isTflite(model)
      ? [
          entry('LiteRT.js', versionOf(litert), 'WebGPU', 'litert_webgpu'),
          entry('LiteRT.js', versionOf(litert), 'wasm', 'litert_wasm'),
        ]
      : []),
    ...(model === 'resnet50'
      ? [entry('TensorFlow.js', versionOf(tensorflow), 'WebGPU', 'tensorflow')]
      : []),
  ];
}

/** The model lies in `folder`. */
export async function compareInBrowser(
  model: string,
  folder: string,
  software: boolean,
  rounds: Rounds,
  note: Note,
): Promise<readonly PeerResult[]> {
  // A machine without a browser lacks what this imports.
  const { BrowserHost } = await import('./browser.ts');
  const host = await BrowserHost.create(model, folder, software);
  const pages = browserEntries(model);
  const entries = pages.map(({ page, ...entry }) => ({ ...entry, start: () => host.open(page) }));
  try {
    const results = await compare(entries, rounds, () => host.restart(), note);
    return results.map((result, i) => {
      const { page } = pages[i] as PageEntry;
      return { ...result, browser: `Chromium ${host.version}`, download: host.downloadOf(page) };
    });
  } finally {
    await host.close();
  }
}

function tilewiseVersion(): string {
  return readVersion(new URL('../../package.json', import.meta.url));
}

/** The version that is installed. */
function versionOf(name: string): string {
  return readVersion(new URL(`./node_modules/${name}/package.json`, import.meta.url));
}

function readVersion(url: URL): string {
  const { version } = JSON.parse(readFileSync(fileURLToPath(url), 'utf8')) as { version: string };
  return version;
}
