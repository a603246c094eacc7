/**
 * Measures kernels, models and peers on adapters of this machine, keeps the JSON beside this script, and
 * renders docs/performance.md and the README's tables: `npm run bench:results -- --help`.
 */
import { spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { findAllAdapters } from '../../node/gpu.ts';
import { collect } from '../../terminal/option_values.ts';
import { note } from '../../terminal/output.ts';
import { shortName } from './markdown.ts';
import { ALL_TABLES, parseModels } from './peer_models.ts';
import { SHOWN_WHOLE } from './peers_section.ts';

const PARTS = ['models', 'kernels', 'peers'] as const;
type Part = (typeof PARTS)[number];

interface Options {
  readonly adapter: readonly string[];
  readonly only: readonly Part[];
  readonly thorough?: boolean;
  readonly peerModels?: readonly string[];
  readonly starts: string;
  readonly runs: string;
}

/** What `bench model` measures, as its options. */
const MODELS = [
  ['--model', 'lenet', '--batch', '1,64'],
  ['--model', 'alexnet'],
  ['--model', 'resnet18'],
  ['--model', 'resnet50', '--batch', '1,4'],
] as const;

const HERE = import.meta.dirname;
const ROOT = join(HERE, '..', '..');
const PEERS = join(ROOT, 'bench', 'peers');
const SWIFTSHADER = 'swiftshader';

/** As it is before adapters are looked for, which points Vulkan at one driver after the other. */
const ENVIRONMENT = { ...process.env };

const program = new Command('bench:results')
  .description(
    'measure kernels, models and peers again, keep the JSON in bench/results, render the pages',
  )
  .option(
    '--adapter <text>',
    'an adapter whose name contains this text; may be repeated; all by default',
    collect,
  )
  .addOption(
    new Option('--only <parts...>', 'measure only these').choices(PARTS).default([...PARTS]),
  )
  .option('--thorough', 'every configuration of every kernel, not only the best guess of each')
  .option(
    '--peer-models <names>',
    `models to compare with peers, with commas between them, or "${ALL_TABLES}", as by default`,
    parseModels,
  )
  .option('--starts <n>', 'cold starts of each peer', '2')
  .option('--runs <n>', 'timed runs of each peer', '5')
  .action(retake);

async function retake(options: Options): Promise<void> {
  const [load = 0] = loadavg();
  if (load > availableParallelism() / 2) {
    note(`warning: this machine is busy (load average ${load.toFixed(1)}): times will be too long`);
  }
  for (const adapter of await adaptersOf(options)) {
    for (const part of options.only) {
      note(`${adapter}: ${part}`);
      await MEASURES[part](adapter, options);
    }
  }
  await run('npm', ['run', '-s', 'bench:render']);
}

/** Names, as short as `--adapter` understands them. Throws where nothing is found. */
async function adaptersOf({ adapter }: Options): Promise<readonly string[]> {
  const found = (await findAllAdapters()).map(({ facts }) => shortName(facts.name));
  const wanted = found.filter(
    (name) =>
      adapter.length === 0 ||
      adapter.some((text) => name.toLowerCase().includes(text.toLowerCase())),
  );
  if (wanted.length > 0) return wanted;
  throw new Error(`no adapter is named "${adapter.join('", "')}"; there are ${found.join(', ')}`);
}

const MEASURES: Readonly<Record<Part, (adapter: string, options: Options) => Promise<void>>> = {
  async models(adapter) {
    const lines: string[] = [];
    for (const model of MODELS) {
      const args = ['bench', 'model', ...model, '--adapter', adapter, '--json'];
      lines.push(...(await tilewise(args)).trim().split('\n'));
    }
    keep('models', adapter, `[${lines.join(',\n')}]`);
  },
  async kernels(adapter, { thorough }) {
    const effort = thorough ? [] : ['--quick'];
    keep(
      'kernels',
      adapter,
      await tilewise(['bench', 'kernels', ...effort, '--adapter', adapter, '--json']),
    );
  },
  async peers(adapter, { peerModels, starts, runs }) {
    if (!existsSync(join(PEERS, 'node_modules'))) {
      await run('npm', ['--prefix', PEERS, 'ci', '--ignore-scripts']);
    }
    // Headless, Chromium reaches SwiftShader everywhere, and other adapters on some machines only.
    const isSwiftShader = adapter.toLowerCase() === SWIFTSHADER;
    const hosts = isSwiftShader ? ['--browser', SHOWN_WHOLE] : ['--no-browser'];
    const models = ['--model', peerModels?.join(',') ?? ALL_TABLES];
    const rounds = ['--starts', starts, '--runs', runs];
    const out = ['--out', fileOf('peers', adapter)];
    const args = ['--adapter', adapter, ...models, ...rounds, ...hosts, ...out];
    await run('npm', ['--prefix', PEERS, 'start', '--', ...args]);
  },
};

function tilewise(args: readonly string[]): Promise<string> {
  return run(process.execPath, ['--import', 'tsx', join('cli', 'main.ts'), ...args]);
}

/** Runs a command in the root of the repository, and returns what it prints on stdout. */
async function run(command: string, args: readonly string[]): Promise<string> {
  const child = spawn(command, args, {
    cwd: ROOT,
    env: ENVIRONMENT,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) throw new Error(`"${command} ${args.join(' ')}" ended with ${code}`);
  return Buffer.concat(chunks).toString('utf8');
}

function keep(part: Part, adapter: string, json: string): void {
  writeFileSync(fileOf(part, adapter), `${JSON.stringify(JSON.parse(json), undefined, 2)}\n`);
}

/** `models-llvmpipe.json` */
function fileOf(part: Part, adapter: string): string {
  const slug = adapter.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  return join(HERE, `${part}-${slug}.json`);
}

await program.parseAsync();
