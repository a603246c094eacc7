import { readFileSync } from 'node:fs';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { machineFacts, watchOtherWork } from '../../measure/machine.ts';
import { compareRuns, type ModelRun, noiseOf, parseRuns } from '../../measure/model_runs.ts';
import { quantile } from '../../measure/statistics.ts';
import { elementCount, type Session, syntheticInput, TilewiseError } from '../../src/index.ts';
import { collect, parseCount, parseSize } from '../../terminal/option_values.ts';
import {
  clearProgress,
  formatBytes,
  formatMs,
  note,
  print,
  printJson,
  progress,
  roundMs,
} from '../../terminal/output.ts';
import { addModelFileOptions, type ModelFileOptions } from '../model_file.ts';
import {
  addCommonOptions,
  addWeightsOptions,
  buildFromOptions,
  type CommonOptions,
  MODEL_OPTION,
  type WeightsOptions,
} from '../options.ts';
import { type OpenedDevice, openSession, withDevice } from '../runner.ts';
import { loadWeights } from '../weights.ts';
import { answerColdPart, benchCold, type ColdPart, parseColdPart } from './bench_cold.ts';

interface BenchOptions extends CommonOptions, WeightsOptions, ModelFileOptions {
  readonly model: string;
  readonly batch?: readonly number[];
  readonly size?: readonly string[];
  readonly runs?: number;
  readonly cold?: boolean;
  readonly coldPart?: ColdPart;
  readonly compare?: string;
  /** In percent. */
  readonly tolerance?: number;
}

export function addBenchModelCommand(bench: Command): void {
  const command = bench
    .command('model')
    .description('time a whole model: loading, the first run, and runs after it')
    .requiredOption(...MODEL_OPTION)
    .option(
      '--batch <list>',
      'images a run: 4, or one after the other 1,4,16; 1 by default',
      parseCounts,
    )
    .option(
      '--size <H,W>',
      "size of the images; the model's own by default; may be repeated",
      collect,
    )
    .option(
      '--runs <n>',
      'timed runs, after the first; by default as many as three seconds hold, and at least 10; with --cold how many cold starts, 3 by default',
      parseCount,
    )
    .addOption(
      new Option(
        '--cold',
        "only the first run, in new processes without drivers' caches: what each stage takes from weights in memory to it",
      ).conflicts(['compare', 'tolerance']),
    )
    .addOption(new Option('--cold-part <json>').argParser(parseColdPart).hideHelp())
    .option(
      '--compare <file>',
      'an earlier output of --json to compare with; slower is exit code 1',
    )
    .option(
      '--tolerance <percent>',
      'how much slower than --compare a median may be; 10 by default',
      parsePercent,
    );
  addModelFileOptions(addWeightsOptions(command, 'synthetic'));
  addCommonOptions(command).action(benchModel);
}

async function benchModel(options: BenchOptions): Promise<void> {
  const { compare, tolerance = 10, size: _sizes, batch: _batches, ...rest } = options;
  if (options.coldPart) return answerColdPart(options.coldPart, rest);
  if (options.tolerance !== undefined && compare === undefined)
    throw new TilewiseError('--tolerance is of a comparison: give --compare FILE');
  const earlier = compare === undefined ? [] : readRuns(compare);
  const sizes = options.size?.map(parseSize) ?? [undefined];
  const { batch: batches = [1] } = options;
  const combinations = sizes.flatMap((size) =>
    batches.map((batch) => ({ batch, ...(size && { size }) })),
  );
  if (options.cold) return benchCold(combinations, rest);
  await withDevice(options, async ({ device }) => {
    for (const combination of combinations) {
      const { batch } = combination;
      const run = await measure(device, { ...rest, ...combination });
      const comparison = compare && compareRuns(run, earlier, tolerance / 100);
      if (comparison && comparison.verdict === 'slower') process.exitCode = 1;
      const noise = noiseOf(run);
      if (options.json) printJson({ ...run, noise, ...(comparison && { comparison }) });
      else print(format(run, batch));
      if (comparison && !options.json) print(`  compared   ${comparison.text}`);
      if (noise.length > 0) note(`warning: this machine is noisy: ${noise.join('; ')}`);
    }
  });
}

async function measure(
  device: OpenedDevice['device'],
  options: Omit<BenchOptions, 'batch' | 'size'> & {
    readonly batch: number;
    readonly size?: readonly [number, number];
  },
): Promise<ModelRun> {
  const { model, graph, inputShape } = await buildFromOptions(options);
  const begun = performance.now();
  const weights = await loadWeights(model, graph, options);
  using session = await openSession(device, graph, { ...options, weights });
  const loadMs = performance.now() - begun;
  const timing = await timeRuns(session, options.runs);
  const { name: adapter, software } = device.adapter;
  return {
    model: model.name,
    adapter,
    precision: options.precision,
    software,
    loadMs: roundMs(loadMs),
    ...timing,
    dispatches: session.plan.dispatches.length,
    submits: session.submits,
    memory: session.memory,
    inputShape,
    machine: machineFacts(),
  };
}

type Times = Pick<
  ModelRun,
  | 'runs'
  | 'firstRunMs'
  | 'medianMs'
  | 'lowMs'
  | 'highMs'
  | 'driftShare'
  | 'otherWorkShare'
  | 'p95Ms'
  | 'hostMs'
  | 'gpuMs'
  | 'atOnceMs'
>;

/** Where nobody says how many runs: enough for a median that comes out alike the next time. */
const LEAST_RUNS = 10;
const LEAST_MS = 3000;
/** Runs whose time on the GPU is read: as many as fill this, and no more than 20. */
const GPU_MS = 1000;

async function timeRuns(session: Session, runs: number | undefined): Promise<Times> {
  const [input] = session.inputs;
  const [output] = session.outputs;
  if (!input || !output) throw new Error('a model has an input and an output');
  const data = syntheticInput(input.shape);
  const into = { [output.name]: new Float32Array(elementCount(output.shape)) };
  const host: number[] = [];
  const runOnce = async (): Promise<number> => {
    const begun = performance.now();
    await session.run(data, { into, onHostTime: (ms) => host.push(ms) });
    return performance.now() - begun;
  };
  const first = await runOnce();
  const total: number[] = [];
  const otherWork = watchOtherWork();
  const begun = performance.now();
  for (let left = 1; left > 0; ) {
    total.push(await runOnce());
    const elapsed = performance.now() - begun;
    left = remainingRuns(total.length, elapsed, runs);
    progress('running', total.length, total.length + left, (elapsed / total.length) * left);
  }
  clearProgress();
  const otherWorkShare = otherWork();
  const atOnce = await timeAtOnce((onGpuTime) => session.run(data, { into, onGpuTime }));
  return { firstRunMs: roundMs(first), otherWorkShare, ...summarise(total, host), ...atOnce };
}

/** What a run takes on the GPU, by its clock, and as a whole where it is submitted at once. */
async function timeAtOnce(
  run: (onGpuTime: (ms: number) => void) => Promise<unknown>,
): Promise<Pick<ModelRun, 'gpuMs' | 'atOnceMs'>> {
  const [gpu, total]: [number[], number[]] = [[], []];
  const end = performance.now() + GPU_MS;
  while (total.length < 20 && (total.length < 3 || performance.now() < end)) {
    const begun = performance.now();
    await run((ms) => gpu.push(ms));
    total.push(performance.now() - begun);
    if (gpu.length === 0) return {};
  }
  return { gpuMs: roundMs(quantile(gpu, 0.5)), atOnceMs: roundMs(quantile(total, 0.5)) };
}

function remainingRuns(done: number, elapsedMs: number, wanted: number | undefined): number {
  if (wanted !== undefined) return wanted - done;
  const byTime = Math.ceil(((LEAST_MS - elapsedMs) / elapsedMs) * done);
  return Math.max(LEAST_RUNS - done, byTime, 0);
}

/** Of the runs after the first, whose host time comes before theirs. */
function summarise(total: readonly number[], [, ...host]: readonly number[]) {
  const median = quantile(total, 0.5);
  const half = Math.ceil(total.length / 2);
  const drift = quantile(total.slice(0, half), 0.5) - quantile(total.slice(-half), 0.5);
  return {
    runs: total.length,
    medianMs: roundMs(median),
    lowMs: roundMs(quantile(total, 0.25)),
    highMs: roundMs(quantile(total, 0.75)),
    driftShare: Math.abs(drift) / median,
    p95Ms: roundMs(quantile(total, 0.95)),
    hostMs: roundMs(quantile(host, 0.5)),
  };
}

/** Throws TilewiseError where the file is not what `bench model --json` prints. */
function readRuns(path: string): readonly ModelRun[] {
  try {
    return parseRuns(readFileSync(path, 'utf8'));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TilewiseError(`--compare "${path}" cannot be read: ${reason}`, { cause });
  }
}

function format(run: ModelRun, batch: number): string {
  const { memory, submits, runs } = run;
  const perImage = batch > 1 ? `, ${formatMs(run.medianMs / batch)} an image` : '';
  return [
    `${run.model} [${run.inputShape.join(', ')}] on ${run.adapter}`,
    `  load       ${formatMs(run.loadMs)}`,
    `  first run  ${formatMs(run.firstRunMs)}`,
    `  median     ${formatMs(run.medianMs)} of ${runs} runs${perImage}; half within ${formatMs(run.lowMs)} to ${formatMs(run.highMs)}`,
    `  p95        ${formatMs(run.p95Ms)}`,
    `  host       ${formatMs(run.hostMs)} of each run`,
    ...gpuLines(run),
    `  dispatches ${run.dispatches} in ${submits} submit${submits > 1 ? 's' : ''}`,
    `  memory     ${formatBytes(memory.total)}: weights ${formatBytes(memory.weights)}, activations ${formatBytes(memory.activations)}, staging ${formatBytes(memory.staging)}`,
  ].join('\n');
}

function gpuLines({ gpuMs, atOnceMs }: ModelRun): readonly string[] {
  if (gpuMs === undefined || atOnceMs === undefined) return [];
  return [
    `  GPU        ${formatMs(gpuMs)} of a run that is submitted at once, which takes ${formatMs(atOnceMs)}`,
  ];
}

/** `1,4,16` */
function parseCounts(text: string): readonly number[] {
  return text.split(',').map(parseCount);
}

/** `10`, `2.5%` */
function parsePercent(text: string): number {
  const percent = Number(text.replace(/ *%$/, '') || Number.NaN);
  if (!(percent >= 0)) throw new InvalidArgumentError('expected percent, such as 10 or 2.5.');
  return percent;
}
