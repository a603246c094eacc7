import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { compareRuns, isNoisy, type ModelRun } from '../../bench/model_runs.ts';
import { quantile } from '../../bench/statistics.ts';
import { elementCount, type Session, syntheticInput, TilewiseError } from '../../src/index.ts';
import {
  addCommonOptions,
  addWeightsOptions,
  buildFromOptions,
  type CommonOptions,
  collect,
  MODEL_OPTION,
  parseCount,
  parseSize,
  type WeightsOptions,
} from '../options.ts';
import {
  clearProgress,
  formatBytes,
  formatMs,
  note,
  print,
  printJson,
  progress,
  roundMs,
} from '../output.ts';
import { type OpenedDevice, openSession, withDevice } from '../runner.ts';
import { loadWeights } from '../weights.ts';

interface BenchOptions extends CommonOptions, WeightsOptions {
  readonly model: string;
  readonly batch: readonly number[];
  readonly size: readonly string[];
  readonly runs: number;
  readonly compare?: string;
  readonly tolerance: number;
}

export function addBenchModelCommand(bench: Command): void {
  const command = bench
    .command('model')
    .description('time a whole model: loading, the first run, and runs after it')
    .requiredOption(...MODEL_OPTION)
    .option('--batch <list>', 'images a run: 4, or one after the other 1,4,16', parseCounts, [1])
    .option(
      '--size <H,W>',
      "size of the images; the model's own by default; may be repeated",
      collect,
      [],
    )
    .option('--runs <n>', 'timed runs, after the first', parseCount, 10)
    .option(
      '--compare <file>',
      'an earlier output of --json to compare with; slower is exit code 1',
    )
    .option('--tolerance <percent>', 'how much slower a median may be', parsePercent, 0.1);
  addWeightsOptions(command, 'synthetic');
  addCommonOptions(command).action(benchModel);
}

async function benchModel(options: BenchOptions): Promise<void> {
  const earlier = options.compare === undefined ? [] : readRuns(options.compare);
  const sizes = options.size.length > 0 ? options.size.map(parseSize) : [undefined];
  const combinations = sizes.flatMap((size) => options.batch.map((batch) => ({ size, batch })));
  await withDevice(options, async ({ device }) => {
    for (const { size, batch } of combinations) {
      const { size: _, ...rest } = options;
      const run = await measure(device, { ...rest, batch, ...(size && { size }) });
      const comparison = options.compare && compareRuns(run, earlier, options.tolerance);
      if (comparison && comparison.verdict === 'slower') process.exitCode = 1;
      if (options.json) printJson({ ...run, ...(comparison && { comparison }) });
      else print(format(run, batch));
      if (comparison && !options.json) print(`  compared   ${comparison.text}`);
      if (isNoisy(run)) note('warning: runs differ by more than 10 %: this machine is noisy');
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
  const { model, graph, inputShape } = buildFromOptions(options);
  const begun = performance.now();
  const weights = await loadWeights(model, graph, options);
  using session = await openSession(device, graph, weights);
  const loadMs = performance.now() - begun;
  const timing = await timeRuns(session, options.runs);
  const { name: adapter, software } = device.adapter;
  return {
    model: model.name,
    adapter,
    software,
    loadMs: roundMs(loadMs),
    ...timing,
    dispatches: session.plan.dispatches.length,
    submits: session.submits,
    memory: session.memory,
    inputShape,
    runs: options.runs,
  };
}

type Times = Pick<
  ModelRun,
  'firstRunMs' | 'medianMs' | 'lowMs' | 'highMs' | 'driftShare' | 'p95Ms' | 'hostMs'
>;

async function timeRuns(session: Session, runs: number): Promise<Times> {
  const [input] = session.inputs;
  const [output] = session.outputs;
  if (!input || !output) throw new Error('a model has an input and an output');
  const data = syntheticInput(input.shape);
  const into = { [output.name]: new Float32Array(elementCount(output.shape)) };
  const total: number[] = [];
  const host: number[] = [];
  const start = performance.now();
  for (let i = 0; i <= runs; i++) {
    const begun = performance.now();
    await session.run(data, { into, onHostTime: (ms) => host.push(ms) });
    total.push(performance.now() - begun);
    progress('running', i + 1, runs + 1, ((performance.now() - start) / (i + 1)) * (runs - i));
  }
  clearProgress();
  const [first = 0, ...rest] = total;
  const median = quantile(rest, 0.5);
  const half = Math.ceil(rest.length / 2);
  const drift = quantile(rest.slice(0, half), 0.5) - quantile(rest.slice(-half), 0.5);
  return {
    firstRunMs: roundMs(first),
    medianMs: roundMs(median),
    lowMs: roundMs(quantile(rest, 0.25)),
    highMs: roundMs(quantile(rest, 0.75)),
    driftShare: Math.abs(drift) / median,
    p95Ms: roundMs(quantile(rest, 0.95)),
    hostMs: roundMs(quantile(host.slice(1), 0.5)),
  };
}

/** Throws TilewiseError where the file is not what `bench model --json` prints. */
function readRuns(path: string): readonly ModelRun[] {
  try {
    const lines = readFileSync(path, 'utf8').split('\n').filter(Boolean);
    const runs = lines.map((line) => JSON.parse(line) as ModelRun);
    if (runs.some(({ highMs, inputShape }) => typeof highMs !== 'number' || !inputShape)) {
      throw new TypeError('it is no output of this version of bench model --json');
    }
    return runs;
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
    `  dispatches ${run.dispatches} in ${submits} submit${submits > 1 ? 's' : ''}`,
    `  memory     ${formatBytes(memory.total)}: weights ${formatBytes(memory.weights)}, activations ${formatBytes(memory.activations)}`,
  ].join('\n');
}

/** `1,4,16` */
function parseCounts(text: string): readonly number[] {
  return text.split(',').map(parseCount);
}

/** `10`, in percent, as a share. */
function parsePercent(text: string): number {
  return parseCount(text.replace(/%$/, '')) / 100;
}
