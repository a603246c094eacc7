/** Tilewise beside its peers, model after model: `npm start -- --help`. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { Command, Option } from 'commander';
import { f16Tolerance } from '../../measure/f16_rounding.ts';
import { machineFacts, NO_SHADER_CACHES } from '../../measure/machine.ts';
import { openNodeGpu } from '../../node/index.ts';
import { useSwiftShader } from '../../node/swiftshader.ts';
import { Device, type Graph, prepare } from '../../src/index.ts';
import { fail, runCommand } from '../../terminal/failure.ts';
import { parseCount } from '../../terminal/option_values.ts';
import { clearProgress, note, print, progress } from '../../terminal/output.ts';
import { ALL_TABLES, isFile, parseModels } from '../results/peer_models.ts';
import { peersOverview, peersSection } from '../results/peers_section.ts';
import type { PeersReport } from '../results/reports.ts';
import type { Note } from './compare.ts';
import { browserEntries, compareInBrowser, compareInNode, nodeEntries } from './entries.ts';
import { writeWorkload } from './workload.ts';

interface Options {
  readonly adapter: string;
  readonly model: readonly string[];
  readonly batch: number;
  readonly precision: 'f32' | 'f16';
  readonly weights?: string;
  readonly starts: number;
  readonly runs: number;
  /** Models that run in the browser, too; `undefined` for all, `false` for none. */
  readonly browser: readonly string[] | false | undefined;
  readonly node: boolean;
  readonly out: string;
}

const program = new Command('peers')
  .description('models of Tilewise beside onnxruntime and TensorFlow.js, in turn')
  .option(
    '--adapter <text>',
    'the adapter; "swiftshader" sets up its own, all else is what Vulkan gives first',
    'swiftshader',
  )
  .option(
    '--model <names>',
    `models that Tilewise names, or .onnx or .tflite files of one input, with commas between them, or "${ALL_TABLES}"; may be repeated; resnet50 by default, the only one in which TensorFlow.js takes part; in .tflite files, LiteRT.js does`,
    parseModels,
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
  .option(
    '--browser <names>',
    'which of the models run in headless Chromium, too; all by default',
    parseModels,
  )
  .option('--no-browser', 'without the libraries in headless Chromium')
  .option('--no-node', 'without the libraries in Node')
  .option(
    '--out <file>',
    'where the results go as JSON, an array of a report for each model; as Markdown they go to stdout',
    'peers.json',
  )
  .action(compareModels);

/** What the adapter is called, and what plans need to know of it. */
interface Adapter {
  readonly software: boolean;
  readonly name: string;
  readonly profile: Device['profile'];
}

async function compareModels({ model: given, ...options }: Options): Promise<void> {
  const asked = given ?? ['resnet50'];
  const models = asked.filter((model) => options.node || runsInBrowser(model, options));
  if (models.length === 0)
    throw new Error('nothing is left to compare: leave --no-node or --no-browser out');
  if (options.weights !== undefined && models.length > 1)
    throw new Error('--weights is a file of one model: give one --model');
  const adapter = await prepareAdapter(options);
  note(`adapter: ${adapter.name}`);
  const out = fromWhereNpmWasCalled(options.out);
  const follow = followed(models, options);
  const reports: PeersReport[] = [];
  for (const model of models) {
    try {
      reports.push(await compareModel(model, adapter, options, follow(model)));
    } catch (error) {
      // The others may take an hour, and are worth it.
      fail(error);
      continue;
    }
    // After each, for whoever has seen enough.
    writeFileSync(out, `${JSON.stringify(reports, undefined, 2)}\n`);
  }
  if (reports.length === 0) return;
  const sections = [...reports.map(peersSection), peersOverview(reports)].filter(Boolean);
  print(`## ${adapter.name}\n\n${sections.join('\n')}`);
  note(`written to ${out}`);
}

/** Says what was timed, of which of the models, and how long all of them may still take. */
function followed(
  models: readonly string[],
  options: Omit<Options, 'model'>,
): (model: string) => Note {
  const stepsOf = (model: string): number =>
    (options.starts + options.runs) *
    ((options.node ? nodeEntries('', options.adapter).length : 0) +
      (runsInBrowser(model, options) ? browserEntries(model).length : 0));
  const total = models.reduce((sum, model) => sum + stepsOf(model), 0);
  const begun = performance.now();
  return (model) => {
    const before = models.slice(0, models.indexOf(model)).reduce((sum, m) => sum + stepsOf(m), 0);
    let done = before;
    return (text) => {
      done++;
      const left = ((performance.now() - begun) / done) * (total - done);
      note(`${model} (${models.indexOf(model) + 1} of ${models.length}): ${text}`);
      progress('comparing', done, total, left);
      if (done === total) clearProgress();
    };
  };
}

function runsInBrowser(model: string, { browser }: Pick<Options, 'browser'>): boolean {
  return browser === undefined || (browser !== false && browser.includes(model));
}

async function compareModel(
  model: string,
  adapter: Adapter,
  options: Omit<Options, 'model'>,
  said: Note,
): Promise<PeersReport> {
  const { batch, precision, starts, runs } = options;
  const folder = mkdtempSync(join(tmpdir(), 'tilewise-peers-'));
  const cleanUp = (): void => rmSync(folder, { recursive: true, force: true });
  const interrupt = (): void => {
    cleanUp();
    process.exit(130);
  };
  // The model is 200 MB: it must not stay behind when one has seen enough.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, interrupt);
  try {
    const weights = options.weights && fromWhereNpmWasCalled(options.weights);
    const path = isFile(model) ? fromWhereNpmWasCalled(model) : model;
    const graph = await writeWorkload(folder, { model: path, batch, precision, weights });
    const { plan, parts } = prepare(graph, { device: adapter.profile, precision });
    const rounds = { starts, runs, tolerance: toleranceOf(precision, plan.graph) };
    const inNode = options.node ? nodeEntries(folder, options.adapter) : [];
    const results = [
      ...(await compareInNode(inNode, rounds, said)),
      ...(runsInBrowser(model, options)
        ? await compareInBrowser(model, folder, adapter.software, rounds, said)
        : []),
    ];
    return {
      machine: machineFacts(),
      adapter: adapter.name,
      ...{ model: basename(model), batch: imagesOf(graph), precision },
      weights: options.weights || isFile(model) ? 'file' : 'synthetic',
      dispatches: plan.dispatches.length * parts,
      results,
    };
  } finally {
    cleanUp();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, interrupt);
  }
}

/** Of a run: a file has a batch of its own. */
function imagesOf({ inputs }: Graph): number {
  return inputs[0]?.desc.shape[0] ?? 1;
}

/** Of f32: a thousand times what libraries differ by that add up in other orders, and no wrong kernel is that near. */
const F32_TOLERANCE = 1e-3;

/** Where Tilewise alone rounds to f16, that comes on top. */
function toleranceOf(precision: Options['precision'], graph: Parameters<typeof f16Tolerance>[0]) {
  return F32_TOLERANCE + (precision === 'f16' ? f16Tolerance(graph) : 0);
}

/** npm runs scripts in the folder of their package.json, and files are named from where one is. */
function fromWhereNpmWasCalled(file: string): string {
  // `npm run bench:peers` calls npm once more, which takes INIT_CWD for itself.
  return resolve(process.env.TILEWISE_CALLED_FROM ?? process.env.INIT_CWD ?? '', file);
}

/** Sets drivers up for this process and those that it starts, and looks at the adapter they give. */
async function prepareAdapter({ adapter: wanted }: Pick<Options, 'adapter'>): Promise<Adapter> {
  Object.assign(process.env, NO_SHADER_CACHES);
  const software = wanted.toLowerCase() === 'swiftshader';
  if (software) await prepareSwiftShader();
  const { gpu, adapter, facts } = await openNodeGpu(wanted);
  using device = await Device.open(gpu, { adapter });
  return { software, name: facts.name, profile: device.profile };
}

async function prepareSwiftShader(): Promise<void> {
  const drivers = await useSwiftShader();
  if (!drivers)
    throw new Error('SwiftShader is not installed: run npm ci in the root of the repository');
  // Where the system has no Vulkan loader, the one beside the driver.
  process.env.LD_LIBRARY_PATH = [process.env.LD_LIBRARY_PATH, drivers].filter(Boolean).join(':');
}

await runCommand(() => program.parseAsync());
