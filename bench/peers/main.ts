/** Tilewise beside its peers: `npm start -- --help`. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, Option } from 'commander';
import { machineFacts } from '../../measure/machine.ts';
import { openNodeGpu } from '../../node/index.ts';
import { useSwiftShader } from '../../node/swiftshader.ts';
import { parseCount } from '../../terminal/option_values.ts';
import { peersSection } from '../results/peers_section.ts';
import type { PeerResult, PeersReport } from '../results/reports.ts';
import type { PageName } from './browser.ts';
import { compare } from './compare.ts';
import type { Entry } from './contender.ts';
import { startInNode } from './node_entry.ts';
import { writeWorkload } from './workload.ts';

interface Options {
  readonly adapter: string;
  readonly model: string;
  readonly batch: number;
  readonly precision: 'f32' | 'f16';
  readonly weights?: string;
  readonly starts: number;
  readonly runs: number;
  readonly browser: boolean;
  readonly node: boolean;
  readonly out: string;
}

const program = new Command('peers')
  .description('a model of Tilewise beside onnxruntime and TensorFlow.js, in turn')
  .option(
    '--adapter <text>',
    'the adapter; "swiftshader" sets up its own, all else is what Vulkan gives first',
    'swiftshader',
  )
  .option(
    '--model <name>',
    'a classifier that Tilewise names; TensorFlow.js takes part in resnet50 only',
    'resnet50',
  )
  .option('--batch <n>', 'images a run', parseCount, 1)
  .addOption(
    new Option('--precision <type>', "of Tilewise's weights and maps; the others take f32")
      .choices(['f32', 'f16'])
      .default('f32'),
  )
  .option('--weights <file>', "a .safetensors file of the model's; synthetic weights by default")
  .option('--starts <n>', 'cold starts of each, in new processes', parseCount, 2)
  .option('--runs <n>', 'timed runs of each', parseCount, 5)
  .option('--no-browser', 'without the libraries in headless Chromium')
  .option('--no-node', 'without the libraries in Node')
  .option(
    '--out <file>',
    'where the results go as JSON; as Markdown they go to stdout',
    'peers.json',
  )
  .action(main);

await program.parseAsync();

async function main(options: Options): Promise<void> {
  const { model, batch, precision } = options;
  const folder = mkdtempSync(join(tmpdir(), 'tilewise-peers-'));
  const software = options.adapter.toLowerCase() === 'swiftshader';
  const cleanUp = (): void => rmSync(folder, { recursive: true, force: true });
  // The model is 200 MB: it must not stay behind when one has seen enough.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      cleanUp();
      process.exit(130);
    });
  }
  try {
    await prepareDrivers(software);
    const { facts } = await openNodeGpu(options.adapter);
    note(`adapter: ${facts.name}`);
    const weights = options.weights && fromWhereNpmWasCalled(options.weights);
    writeWorkload(folder, { model, batch, precision, weights });
    const results = [
      ...(options.node ? await compareInNode(folder, options) : []),
      ...(options.browser ? await compareInBrowser(folder, options, software) : []),
    ];
    const report: PeersReport = {
      machine: machineFacts(),
      adapter: facts.name,
      ...{ model, batch, precision },
      weights: options.weights ? 'file' : 'synthetic',
      results,
    };
    const out = fromWhereNpmWasCalled(options.out);
    writeFileSync(out, `${JSON.stringify(report, undefined, 2)}\n`);
    process.stdout.write(`## ${facts.name}\n\n${peersSection(report)}`);
    note(`written to ${out}`);
  } finally {
    cleanUp();
  }
}

/** npm runs scripts in the folder of their package.json, and files are named from where one is. */
function fromWhereNpmWasCalled(file: string): string {
  return resolve(process.env.INIT_CWD ?? '', file);
}

/** For this process, and those that it starts. */
async function prepareDrivers(software: boolean): Promise<void> {
  // Mesa keeps compiled shaders between processes: a cold start would be one only the first time.
  process.env.MESA_SHADER_CACHE_DISABLE = 'true';
  if (!software) return;
  const drivers = await useSwiftShader();
  if (!drivers)
    throw new Error('SwiftShader is not installed: run npm ci in the root of the repository');
  // Where the system has no Vulkan loader, the one beside the driver.
  process.env.LD_LIBRARY_PATH = [process.env.LD_LIBRARY_PATH, drivers].filter(Boolean).join(':');
}

function compareInNode(folder: string, { adapter, starts, runs, precision }: Options) {
  const entry = (
    library: string,
    version: string,
    backend: string,
    name: 'tilewise' | 'webgpu' | 'cpu',
  ): Entry => ({
    library,
    version,
    backend,
    host: 'Node',
    start: () => startInNode(name, folder, name === 'tilewise' ? adapter : undefined),
  });
  const entries = [
    entry('Tilewise', tilewiseVersion(), 'WebGPU', 'tilewise'),
    entry('onnxruntime-node', versionOf('onnxruntime-node'), 'WebGPU', 'webgpu'),
    entry('onnxruntime-node', versionOf('onnxruntime-node'), 'CPU', 'cpu'),
  ];
  return compare(entries, { starts, runs, precision }, async () => {}, note);
}

async function compareInBrowser(
  folder: string,
  { starts, runs, model, precision }: Options,
  software: boolean,
): Promise<readonly PeerResult[]> {
  // A machine without a browser lacks what this imports.
  const { BrowserHost } = await import('./browser.ts');
  const host = await BrowserHost.create(folder, software);
  const pages = new Map<Entry, PageName>();
  const entry = (library: string, version: string, backend: string, page: PageName): Entry => {
    const made: Entry = {
      library,
      version,
      backend,
      host: 'Chromium',
      start: () => host.open(page),
    };
    pages.set(made, page);
    return made;
  };
  const entries = [
    entry('Tilewise', tilewiseVersion(), 'WebGPU', 'tilewise'),
    entry('onnxruntime-web', versionOf('onnxruntime-web'), 'WebGPU', 'onnxruntime_webgpu'),
    entry('onnxruntime-web', versionOf('onnxruntime-web'), 'wasm', 'onnxruntime_wasm'),
    ...(model === 'resnet50'
      ? [
          entry(
            'TensorFlow.js',
            versionOf('@tensorflow/tfjs-backend-webgpu'),
            'WebGPU',
            'tensorflow',
          ),
        ]
      : []),
  ];
  try {
    const results = await compare(entries, { starts, runs, precision }, () => host.restart(), note);
    return results.map((result, i) => {
      const page = pages.get(entries[i] as Entry) ?? 'tilewise';
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

function note(text: string): void {
  process.stderr.write(`${text}\n`);
}
