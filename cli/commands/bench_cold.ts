/** `bench model --cold`: stages of a cold start, which each needs a process of its own. */
import { fork } from 'node:child_process';
import {
  type ColdStage,
  type ColdStageName,
  type ColdStart,
  coldStart,
  type KernelTime,
} from '../../measure/cold_start.ts';
import { type MachineFacts, machineFacts, NO_SHADER_CACHES } from '../../measure/machine.ts';
import { openNodeGpu } from '../../node/gpu.ts';
import { MissingPackageError } from '../../node/missing_package_error.ts';
import {
  type DType,
  type Graph,
  type Shape,
  TilewiseError,
  type WeightSource,
  weightsOf,
} from '../../src/index.ts';
import {
  clearProgress,
  formatMs,
  note,
  print,
  printJson,
  progress,
  roundMs,
} from '../../terminal/output.ts';
import { formatTable } from '../../terminal/table.ts';
import type { ModelFileOptions } from '../model_file.ts';
import { buildFromOptions, type CommonOptions, type WeightsOptions } from '../options.ts';
import { matrices, tuningOf } from '../runner.ts';
import { loadWeights } from '../weights.ts';

export interface ColdOptions extends CommonOptions, WeightsOptions, ModelFileOptions {
  readonly model: string;
  readonly runs?: number;
}

/** Images a run, and their size, where it is not the model's own. */
interface Input {
  readonly batch: number;
  readonly size?: readonly [number, number];
}

/** What one process does: a cold start, with its kernels compiled together or alone. */
export interface ColdPart extends Input {
  readonly alone: boolean;
}

/** What `--json` prints. Times are in milliseconds. */
interface ColdReport extends Omit<ColdStart, 'alone'> {
  readonly model: string;
  readonly precision: DType;
  readonly inputShape: Shape;
  /** Of all starts; the stages are those of the one that took their median. */
  readonly totals: readonly number[];
  /** What all kernels take to compile one after the other, in a process that did so. */
  readonly aloneMs: number;
  /** The slowest three of them. */
  readonly slowest: readonly KernelTime[];
  readonly machine: MachineFacts;
}

const STARTS = 3;

/** Measures and prints each input. */
export async function benchCold(inputs: readonly Input[], options: ColdOptions): Promise<void> {
  const { runs = STARTS, json } = options;
  const total = inputs.length * (runs + 1);
  const begun = performance.now();
  let done = 0;
  const measure = async (part: ColdPart): Promise<Answer> => {
    const left = done > 0 ? ((performance.now() - begun) / done) * (total - done) : undefined;
    progress('starting cold', done, total, left);
    // What the first one says of drivers and downloads, the others would say again.
    const answer = await inNewProcess(part, done === 0 ? 'inherit' : 'ignore');
    done++;
    return answer;
  };
  for (const input of inputs) {
    const starts: Answer[] = [];
    while (starts.length < runs) starts.push(await measure({ ...input, alone: false }));
    const report = reportOf(starts, await measure({ ...input, alone: true }), options);
    clearProgress();
    if (report.software && input === inputs[0])
      note(`note: "${report.adapter}" is a software adapter: it computes on the CPU, slowly`);
    if (json) printJson(report);
    else print(format(report));
  }
}

/** Of one process. */
interface Answer {
  readonly model: string;
  readonly inputShape: Shape;
  readonly start: ColdStart;
}

/** What the process sends where that fails. */
interface Failure {
  readonly error: string;
  /** Those that are missing. */
  readonly packages?: readonly string[];
}

/** Throws what made it fail. */
async function inNewProcess(part: ColdPart, stderr: 'inherit' | 'ignore'): Promise<Answer> {
  const [, script = '', ...args] = process.argv;
  const child = fork(script, [...args, '--cold-part', JSON.stringify(part)], {
    env: { ...process.env, ...NO_SHADER_CACHES },
    stdio: ['ignore', 'ignore', stderr, 'ipc'],
  });
  let answer: Answer | Failure | undefined;
  child.on('message', (message) => {
    answer = message as Answer | Failure;
  });
  const ended = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(code ?? signal));
  });
  if (answer === undefined)
    throw new TilewiseError(`the process of a cold start ended by ${ended}; try it without --cold`);
  if (!('error' in answer)) return answer;
  const { error, packages } = answer;
  throw packages ? new MissingPackageError(error, packages) : new TilewiseError(error);
}

/** `{"batch":1,"alone":false}`: only this command writes it. */
export function parseColdPart(text: string): ColdPart {
  return JSON.parse(text) as ColdPart;
}

/** What such a process does. */
export async function answerColdPart(part: ColdPart, options: ColdOptions): Promise<void> {
  const answer = await startCold(part, options).catch((error: unknown): Failure => {
    const message = error instanceof Error ? error.message : String(error);
    const { packages } = error instanceof MissingPackageError ? error : {};
    return { error: message, ...(packages && { packages }) };
  });
  process.send?.(answer);
}

async function startCold({ alone, ...input }: ColdPart, options: ColdOptions): Promise<Answer> {
  const { adapter: wanted, experimentalMatrices, precision } = options;
  const begun = performance.now();
  const { model, graph, inputShape } = await buildFromOptions({ ...options, ...input });
  const graphMs = performance.now() - begun;
  const weights = await loadWeights(model, graph, options);
  const start = await coldStart({
    ...{ graph, graphMs, precision, alone, tuningOf },
    weights: options.weights === 'synthetic' ? held(graph, weights) : weights,
    findAdapter: async () => {
      const { gpu, adapter } = await openNodeGpu(wanted, { experimental: experimentalMatrices });
      return { gpu, adapter, experimental: experimentalMatrices ? matrices() : undefined };
    },
  });
  return { model: model.name, inputShape, start };
}

/** Synthetic weights are made when they are read; these have been. */
function held(graph: Graph, source: WeightSource): WeightSource {
  const all = new Map(
    weightsOf(graph).map(({ name, desc }) => [name, source.read(name, desc.shape)]),
  );
  return { ...source, read: (name, shape) => all.get(name) ?? source.read(name, shape) };
}

function reportOf(
  starts: readonly Answer[],
  { start: { alone = [] } }: Answer,
  { precision }: ColdOptions,
): ColdReport {
  const sorted = starts.toSorted((a, b) => a.start.totalMs - b.start.totalMs);
  const median = sorted[Math.floor((sorted.length - 1) / 2)];
  if (!median) throw new Error('there are no starts');
  const { model, inputShape, start } = median;
  const slowest = alone.toSorted((a, b) => b.ms - a.ms).slice(0, 3);
  return {
    ...{ model, precision, inputShape },
    ...start,
    totalMs: roundMs(start.totalMs),
    otherMs: roundMs(start.otherMs),
    stages: start.stages.map(rounded),
    totals: sorted.map(({ start: { totalMs } }) => roundMs(totalMs)),
    aloneMs: roundMs(alone.reduce((sum, { ms }) => sum + ms, 0)),
    slowest: slowest.map(({ kernel, ms }) => ({ kernel, ms: roundMs(ms) })),
    machine: machineFacts(),
  };
}

function rounded({ stage, ms, fromMs, toMs, overlaps }: ColdStage): ColdStage {
  return {
    ...{ stage, ms: roundMs(ms), fromMs: roundMs(fromMs), toMs: roundMs(toMs) },
    overlaps: Object.fromEntries(Object.entries(overlaps).map(([at, ms]) => [at, roundMs(ms)])),
  };
}

const NAMES: Readonly<Record<ColdStageName, string>> = {
  graph: 'build the graph',
  adapter: 'find the adapter',
  device: 'open the device',
  plan: 'check, fuse, plan',
  compile: 'compile kernels',
  warmUp: 'warm kernels up',
  read: 'read weights',
  arrange: 'fold and rearrange weights',
  upload: 'upload weights',
  bind: 'allocate and bind',
  run: 'first run',
};

const HEAD = ['', 'ms', 'share', 'from', 'to', 'at the same time'];

function format(report: ColdReport): string {
  const { model, inputShape, adapter, totalMs, totals, stages, otherMs } = report;
  const share = (ms: number): string => `${((100 * ms) / totalMs).toFixed(0)} %`;
  const rows = stages.map(({ stage, ms, fromMs, toMs, overlaps }) => [
    NAMES[stage],
    ms.toFixed(1),
    share(ms),
    fromMs.toFixed(1),
    toMs.toFixed(1),
    Object.entries(overlaps)
      .filter(([, shared]) => shared >= 0.05)
      .map(([other, shared]) => `${NAMES[other as ColdStageName]} ${shared.toFixed(1)}`)
      .join(', '),
  ]);
  const range = `${formatMs(totals[0] ?? 0)} to ${formatMs(totals.at(-1) ?? 0)}`;
  const of = totals.length > 1 ? `, the median of ${totals.length} new processes (${range})` : '';
  return [
    `${model} [${inputShape.join(', ')}] on ${adapter}`,
    `  ${formatMs(totalMs)} from weights in memory to the first result${of}`,
    '',
    formatTable(HEAD, [...rows, ['everything else', otherMs.toFixed(1), share(otherMs)]]),
    '',
    kernelsText(report),
  ].join('\n');
}

function kernelsText({ kernels, dispatches, aloneMs, slowest, stages }: ColdReport): string {
  const together = stages.filter(({ stage }) => stage === 'compile' || stage === 'warmUp');
  const end = Math.max(...together.map(({ toMs }) => toMs));
  const begin = Math.min(...together.map(({ fromMs }) => fromMs));
  return [
    `${kernels} kernels for ${dispatches} dispatches: ${formatMs(end - begin)} together; in a process that compiles one after the other ${formatMs(aloneMs)}, of which the slowest are`,
    ...slowest.map(({ kernel, ms }) => `  ${formatMs(ms)}  ${kernel}`),
  ].join('\n');
}
