/**
 * Every kernel, in every configuration, over shapes of layers: checked against the reference, then timed.
 * The variants of a shape are timed in turn, round by round, so that what else the machine does hits all alike.
 */
import {
  type Candidate,
  type Ceilings,
  clockOf,
  conversions,
  createSession,
  type Device,
  deviation,
  formatShape,
  measureCeilings,
  type Session,
  timePass,
} from '../../src/index.ts';
import { type Statistics, statisticsOf } from '../statistics.ts';
import { type CaseData, type Choice, dataFor, type LayerCase } from './layer_case.ts';
import {
  type KernelReport,
  type KernelResult,
  type KernelVariant,
  type LayerReport,
  limitMs,
} from './report.ts';

/** How far a benchmark has come. */
export interface BenchProgress {
  /** The layer in hand, or what is done before the first. */
  readonly layer: string;
  /** The share of the work that is done, 0 to 1. */
  readonly done: number;
  /** What the rest will take at the speed so far; `undefined` before anything is done. */
  readonly remainingMs: number | undefined;
}

export interface BenchmarkOptions {
  /** The adapter's limits, where they are known already; they are measured by default. */
  readonly ceilings?: Ceilings;
  /** Measures only the best guess of each kernel, with few samples. */
  readonly quick?: boolean;
  /** Measures only kernels whose name contains this. */
  readonly kernel?: string | undefined;
  /** Stops before the next kernel; what was measured until then is returned. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: BenchProgress) => void;
  /** Hears of each layer when all of its kernels are measured. */
  readonly onLayer?: (layer: LayerReport) => void;
}

const LIMITS = 'the limits of the adapter';

/** How long each shape is measured. */
interface Effort {
  readonly leastRounds: number;
  readonly mostRounds: number;
  /** Rounds go on so long, between the least and the most of them. */
  readonly msPerVariant: number;
}

const THOROUGH: Effort = { leastRounds: 5, mostRounds: 30, msPerVariant: 500 };
const QUICK: Effort = { leastRounds: 3, mostRounds: 10, msPerVariant: 100 };

/** Shorter passes are repeated within a sample: clocks tick as seldom as every 100 microseconds. */
const LEAST_SAMPLE_MS = 2;
const MOST_REPEATS = 1000;

/** Measures the adapter's limits, then the kernels of each case. Throws DeviceLostError when that cannot be mended. */
export async function benchmarkKernels(
  device: Device,
  cases: readonly LayerCase[],
  options: BenchmarkOptions = {},
): Promise<KernelReport> {
  const { signal, onLayer, onProgress } = options;
  if (!options.ceilings) onProgress?.({ layer: LIMITS, done: 0, remainingMs: undefined });
  const ceilings = options.ceilings ?? (await measureCeilings(device));
  const progress = new Progress(cases, onProgress);
  const layers: LayerReport[] = [];
  for (const layerCase of cases) {
    if (signal?.aborted) break;
    progress.begin(layerCase);
    const layer = await benchmarkLayer(device, layerCase, ceilings, options, progress);
    if (layer.kernels.length === 0) continue;
    layers.push(layer);
    onLayer?.(layer);
  }
  const { name, software } = device.adapter;
  const stopped = signal?.aborted ?? false;
  return { adapter: { name, software }, clock: clockOf(device), ceilings, layers, stopped };
}

async function benchmarkLayer(
  device: Device,
  layerCase: LayerCase,
  ceilings: Ceilings,
  options: BenchmarkOptions,
  progress: Progress,
): Promise<LayerReport> {
  const { text, names, flops, bytes } = layerCase;
  const contestants: Contestant[] = [];
  const failures: KernelResult[] = [];
  try {
    const candidates = variantsOf(device, layerCase, options);
    const data = candidates.length > 0 ? dataFor(layerCase) : undefined;
    for (const [i, candidate] of candidates.entries()) {
      if (options.signal?.aborted || !data) break;
      progress.report(i / candidates.length / 2);
      const prepared = await prepare(device, layerCase, candidate, data);
      if ('session' in prepared) contestants.push(prepared);
      else failures.push(prepared);
    }
    const effort = options.quick ? QUICK : THOROUGH;
    await timeInTurn(contestants, layerCase.node, effort, options.signal, (done) =>
      progress.report(0.5 + done / 2),
    );
    if (!options.signal?.aborted) progress.report(1);
  } finally {
    for (const { session } of contestants) session.dispose();
  }
  const limit = limitMs(layerCase, ceilings);
  const timed = contestants
    .filter(({ samples }) => samples.length > 0)
    .map((contestant) => resultOf(contestant, layerCase, limit))
    .sort((a, b) => a.ms.median - b.ms.median);
  return { layer: text, names, flops, bytes, limitMs: limit, kernels: [...timed, ...failures] };
}

function variantsOf(
  { profile }: Device,
  { node, chosen }: LayerCase,
  { quick = false, kernel: wanted = '' }: BenchmarkOptions,
): readonly KernelVariant[] {
  const guessed = new Set<string>();
  return node.op
    .candidates(node, profile)
    .filter(({ kernel }) => kernel.includes(wanted))
    .map(({ kernel, config }) => ({ kernel, config, chosen: isSame({ kernel, config }, chosen) }))
    .filter((variant) => {
      const isGuess = !guessed.has(variant.kernel);
      guessed.add(variant.kernel);
      return !quick || isGuess || variant.chosen;
    });
}

function isSame(a: Choice, b: Choice): boolean {
  return a.kernel === b.kernel && JSON.stringify(a.config) === JSON.stringify(b.config);
}

/** The case's graph with a node that knows one kernel only, and that no stage takes for more than that. */
function graphOf({ graph, node }: LayerCase, choice: Choice): LayerCase['graph'] {
  const only: LayerCase['node']['op'] = {
    ...node.op,
    name: `${node.op.name} as measured`,
    // Its tensors lie where they lie in the model.
    views: {},
    candidates: (measured, device): readonly Candidate[] =>
      node.op.candidates(measured, device).filter((candidate) => isSame(candidate, choice)),
  };
  const nodes = graph.nodes.map((each) => (each === node ? { ...node, op: only } : each));
  return { ...graph, nodes };
}

/** A kernel that has given the right result. */
interface Contestant {
  readonly variant: KernelVariant;
  readonly session: Session;
  readonly error: number;
  /** Milliseconds of one pass each. */
  readonly samples: number[];
  repeats: number;
}

/** Compiles a variant, and compares its result with the reference. */
async function prepare(
  device: Device,
  layerCase: LayerCase,
  variant: KernelVariant,
  { inputs, weights, expected }: CaseData,
): Promise<Contestant | KernelResult> {
  let session: Session | undefined;
  try {
    session = await createSession(device, graphOf(layerCase, variant), {
      weights,
      optimize: false,
      passes: conversions,
    });
    const { y = new Float32Array() } = await session.run(inputs);
    const { shape, dtype } = layerCase.node.output.desc;
    const check = deviation(expected, y, shape, dtype);
    if (check.ok) return { variant, session, error: check.error, samples: [], repeats: 1 };
    const message = `gives ${check.actual} at ${formatShape(check.index)}, the reference ${check.expected}`;
    session.dispose();
    return { ...variant, status: 'wrong', message };
  } catch (error) {
    session?.dispose();
    // A kernel that takes the device down must not take the others with it.
    await device.restore();
    return { ...variant, status: 'failed', message: messageOf(error) };
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function timeInTurn(
  contestants: readonly Contestant[],
  { name }: LayerCase['node'],
  effort: Effort,
  signal: AbortSignal | undefined,
  onProgress: (done: number) => void,
): Promise<void> {
  // What goes to and from a layer in another form is converted, which is not the layer's time.
  const timed = (node: LayerCase['node']): boolean => node.name === name;
  for (const contestant of contestants) {
    const ms = await timePass(contestant.session, 1, timed);
    const repeats = Math.ceil(LEAST_SAMPLE_MS / Math.max(ms, 1e-3));
    contestant.repeats = Math.min(repeats, MOST_REPEATS);
  }
  const budget = effort.msPerVariant * contestants.length;
  const begun = performance.now();
  for (let round = 0; round < effort.mostRounds; round++) {
    const spent = performance.now() - begun;
    if (round >= effort.leastRounds && spent > budget) break;
    for (const { session, samples, repeats } of contestants) {
      if (signal?.aborted) return;
      samples.push(await timePass(session, repeats, timed));
    }
    onProgress(Math.max(Math.min(1, spent / budget), (round + 1) / effort.mostRounds));
  }
}

function resultOf(
  { variant, error, samples }: Contestant,
  { flops, bytes }: LayerCase,
  limit: number,
) {
  const ms: Statistics = statisticsOf(samples);
  return {
    ...variant,
    status: 'timed',
    ms,
    gflops: flops / ms.median / 1e6,
    gigabytesPerSecond: bytes / ms.median / 1e6,
    shareOfLimit: limit / ms.median,
    error,
  } as const;
}

/** Weighs the cases by their work, and tells the time that the rest needs. */
class Progress {
  readonly #begun = performance.now();
  readonly #total: number;
  readonly #listener: BenchmarkOptions['onProgress'];
  #before = 0;
  #current: LayerCase | undefined;

  constructor(cases: readonly LayerCase[], listener: BenchmarkOptions['onProgress']) {
    this.#total = cases.reduce((sum, layerCase) => sum + weightOf(layerCase), 0);
    this.#listener = listener;
  }

  begin(layerCase: LayerCase): void {
    if (this.#current) this.#before += weightOf(this.#current);
    this.#current = layerCase;
    this.report(0);
  }

  /** `share` of the layer in hand is done. */
  report(share: number): void {
    if (!this.#current) return;
    const done = (this.#before + share * weightOf(this.#current)) / this.#total;
    const elapsed = performance.now() - this.#begun;
    const remainingMs = done > 0 ? (elapsed / done) * (1 - done) : undefined;
    this.#listener?.({ layer: this.#current.text, done, remainingMs });
  }
}

/** Compiling takes as long as so many operations on an adapter that computes on the CPU. */
const FLOPS_OF_COMPILING = 1e8;

function weightOf({ flops }: LayerCase): number {
  return FLOPS_OF_COMPILING + flops;
}
