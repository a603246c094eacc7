import type { Command } from 'commander';
import { elementCount, type MemoryUse, type Session, syntheticInput } from '../../src/index.ts';
import {
  addCommonOptions,
  addModelOptions,
  addWeightsOptions,
  buildFromOptions,
  type ModelOptions,
  parseCount,
  type WeightsOptions,
} from '../options.ts';
import {
  clearProgress,
  formatBytes,
  formatMs,
  print,
  printJson,
  progress,
  roundMs,
} from '../output.ts';
import { openSession, withDevice } from '../runner.ts';
import { loadWeights } from '../weights.ts';

interface BenchOptions extends ModelOptions, WeightsOptions {
  readonly runs: number;
}

interface ModelTiming {
  readonly firstRunMs: number;
  readonly medianMs: number;
  readonly p95Ms: number;
  readonly hostMs: number;
}

export function addBenchModelCommand(bench: Command): void {
  const command = addModelOptions(bench.command('model'))
    .description('time a whole model: loading, the first run, and runs after it')
    .option('--runs <n>', 'timed runs, after the first', parseCount, 10);
  addWeightsOptions(command, 'synthetic');
  addCommonOptions(command).action(benchModel);
}

async function benchModel(options: BenchOptions): Promise<void> {
  const { model, graph, inputShape } = buildFromOptions(options);
  await withDevice(options, async ({ device }) => {
    const begun = performance.now();
    const weights = await loadWeights(model.name, graph, options);
    using session = await openSession(device, graph, weights);
    const loadMs = performance.now() - begun;
    const timing = await timeRuns(session, options.runs);
    const { name: adapter, software } = device.adapter;
    const result = {
      model: model.name,
      adapter,
      software,
      loadMs: roundMs(loadMs),
      ...timing,
      dispatches: session.plan.dispatches.length,
      submits: session.submits,
      memory: session.memory,
    };
    if (options.json) printJson({ ...result, inputShape, runs: options.runs });
    else print(format(result, options));
  });
}

async function timeRuns(session: Session, runs: number): Promise<ModelTiming> {
  const [input] = session.inputs;
  const [output] = session.outputs;
  if (!input || !output) throw new Error('a model has an input and an output');
  const data = syntheticInput(input.shape);
  const into = { [output.name]: new Float32Array(elementCount(output.shape)) };
  const total: number[] = [];
  const host: number[] = [];
  for (let i = 0; i <= runs; i++) {
    const begun = performance.now();
    await session.run(data, { into, onHostTime: (ms) => host.push(ms) });
    total.push(performance.now() - begun);
    progress('running', i + 1, runs + 1);
  }
  clearProgress();
  const [first = 0, ...rest] = total;
  return {
    firstRunMs: roundMs(first),
    medianMs: roundMs(quantile(rest, 0.5)),
    p95Ms: roundMs(quantile(rest, 0.95)),
    hostMs: roundMs(quantile(host.slice(1), 0.5)),
  };
}

/** By the nearest rank. */
function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

interface BenchResult extends ModelTiming {
  readonly model: string;
  readonly adapter: string;
  readonly loadMs: number;
  readonly dispatches: number;
  readonly submits: number;
  readonly memory: MemoryUse;
}

function format(result: BenchResult, { batch, runs }: BenchOptions): string {
  const { memory } = result;
  const perImage = batch > 1 ? `, ${formatMs(result.medianMs / batch)} an image` : '';
  return [
    `${result.model}, batch ${batch}, on ${result.adapter}`,
    `  load       ${formatMs(result.loadMs)}`,
    `  first run  ${formatMs(result.firstRunMs)}`,
    `  median     ${formatMs(result.medianMs)} of ${runs} runs${perImage}`,
    `  p95        ${formatMs(result.p95Ms)}`,
    `  host       ${formatMs(result.hostMs)} of each run`,
    `  dispatches ${result.dispatches} in ${result.submits} submit${result.submits > 1 ? 's' : ''}`,
    `  memory     ${formatBytes(memory.total)}: weights ${formatBytes(memory.weights)}, activations ${formatBytes(memory.activations)}`,
  ].join('\n');
}
