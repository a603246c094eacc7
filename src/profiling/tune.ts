/** Times the likeliest kernels of every shape of layer on the device at hand, and keeps the fastest. */
import { operators } from '../layers/index.ts';
import { TilewiseError } from '../runtime/errors.ts';
import type { Device } from '../runtime/gpu/device.ts';
import type { Graph, Node } from '../runtime/graph.ts';
import { shapeKey } from '../runtime/isolate.ts';
import { operatorOf } from '../runtime/operator.ts';
import { assignPrecision } from '../runtime/passes/assign_precision.ts';
import { optimize } from '../runtime/passes/index.ts';
import { batchParts, cutBatch } from '../runtime/plan/batch_parts.ts';
import { compile } from '../runtime/plan/compile.ts';
import { checkPrecision } from '../runtime/plan/precision.ts';
import { choicesOf, type KernelChoice, selectKernel } from '../runtime/plan/select_kernels.ts';
import type { TunedKernel, Tuning } from '../runtime/plan/tuning.ts';
import type { DType } from '../runtime/tensor.ts';
import { LayerTimer } from './layer_timer.ts';
import { race } from './race.ts';
import { keepTuning, keptTuning, type TuningStore } from './tuning_store.ts';

export interface TuneOptions {
  /** What is known already; its layers are not timed again. */
  readonly tuning?: Tuning | undefined;
  /** Where winners are known from, too, and are kept, also those that were found before an abort. */
  readonly store?: TuningStore | undefined;
  /** Whether to time what the store has anew; false by default. */
  readonly again?: boolean | undefined;
  /** What sessions will run in; f32 by default. */
  readonly precision?: DType | undefined;
  /** Kernels and configurations timed for a layer, those that should cost least; 5 by default. */
  readonly candidates?: number | undefined;
  /** Called before each shape of layer; what remains is guessed from the layers before. */
  readonly onProgress?: ((done: number, total: number, remainingMs?: number) => void) | undefined;
  /** Hears of a store that fails. */
  readonly onWarning?: ((message: string) => void) | undefined;
  /** Stops between two samples, with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** A kernel in a configuration, timed. */
export interface TimedKernel extends TunedKernel {
  /** Milliseconds of its fastest run. */
  readonly ms: number;
}

/** What tuning made of one shape of layer: the winner. */
export interface TuneResult extends TimedKernel {
  /** The first layer of this shape. */
  readonly layer: string;
  /** How many layers of the model have it. */
  readonly layers: number;
  /** Its key in the tuning. */
  readonly shape: string;
  /** Milliseconds of what is chosen untuned. */
  readonly untunedMs: number;
  /** All that was timed, the untuned choice first, then in the order of the cost model. */
  readonly tried: readonly TimedKernel[];
}

/**
 * Tunes a model for a device: a kernel replaces the untuned choice of a layer only where it was faster by more than
 * the noise of the clock in samples taken in turn. Throws the signal's reason, what the GPU throws, or
 * UnsupportedError for a precision that the device lacks.
 */
export async function tune(
  device: Device,
  graph: Graph,
  options: TuneOptions = {},
): Promise<{ readonly tuning: Tuning; readonly results: readonly TuneResult[] }> {
  const { store, again, onWarning } = options;
  const kept = store && !again ? await keptTuning(device, store, onWarning) : undefined;
  const known = new Map([...(kept ?? []), ...(options.tuning ?? [])]);
  const results: TuneResult[] = [];
  try {
    await tuneUnknown(device, graph, known, options, (result) => results.push(result));
  } finally {
    if (store && results.length > 0) await keepTuning(device, store, winnersOf(results), onWarning);
  }
  return { tuning: new Map([...known, ...winnersOf(results)]), results };
}

function winnersOf(results: readonly TuneResult[]): Tuning {
  return new Map(results.map(({ shape, kernel, config }) => [shape, { kernel, config }]));
}

async function tuneUnknown(
  device: Device,
  graph: Graph,
  known: Tuning,
  { precision = 'f32', candidates = 5, onProgress, signal }: TuneOptions,
  onResult: (result: TuneResult) => void,
): Promise<void> {
  checkPrecision(precision, device.profile);
  const layers = untunedLayers(device, plannedGraph(device, graph, precision), known);
  const begun = performance.now();
  for (const [i, alike] of layers.entries()) {
    signal?.throwIfAborted();
    const layerMs = i === 0 ? undefined : (performance.now() - begun) / i;
    onProgress?.(i, layers.length, layerMs && layerMs * (layers.length - i));
    onResult(await tuneLayer(device, alike, { candidates, signal }));
  }
}

/** The layers as a session runs them: fused, stored in that precision, cut where the device is too small. */
function plannedGraph({ profile }: Device, graph: Graph, precision: DType): Graph {
  const stored = (version: Graph): Graph => assignPrecision(version, operators, precision);
  const parts = batchParts(stored(graph), operators, profile);
  const whole = cutBatch(graph, operators, parts);
  return compile(stored(optimize(whole, operators)), { operators, device: profile }).graph;
}

/** Layers that the same winner will run. */
interface Alike {
  readonly node: Node;
  readonly layers: number;
}

/** Of every shape that is not known and leaves a choice, the first layer. */
function untunedLayers({ profile }: Device, graph: Graph, known: Tuning): readonly Alike[] {
  const shapes = new Map<string, Alike>();
  for (const node of graph.nodes) {
    const key = shapeKey(node);
    const choices = choicesOf(node, operatorOf(operators, node), profile);
    if (known.has(key) || choices.length < 2) continue;
    const { node: first, layers } = shapes.get(key) ?? { node, layers: 0 };
    shapes.set(key, { node: first, layers: layers + 1 });
  }
  return [...shapes.values()];
}

/** What is modelled to cost more than the untuned choice by this factor is not tried: compiling it takes longest. */
const MOST_COST = 2;

/** The untuned choice first, then what should cost least after it. */
function likeliest(device: Device, node: Node, count: number): readonly KernelChoice[] {
  const { profile } = device;
  const cost = ({ kernel, config }: KernelChoice): number =>
    kernel.cost?.(node, config, profile) ?? Number.POSITIVE_INFINITY;
  const untuned = untunedChoice(device, node);
  const most = MOST_COST * cost(untuned);
  const rivals = choicesOf(node, operatorOf(operators, node), profile)
    .filter(({ kernel }) => (kernel.prefers ?? profile.kind) === profile.kind)
    .filter((choice) => !isSame(choice, untuned) && cost(choice) <= most)
    .sort((a, b) => cost(a) - cost(b));
  return [untuned, ...rivals.slice(0, count - 1)];
}

function untunedChoice({ profile }: Device, node: Node): KernelChoice {
  return selectKernel(node, operatorOf(operators, node), profile);
}

function isSame(a: KernelChoice, b: KernelChoice): boolean {
  return a.kernel === b.kernel && JSON.stringify(a.config) === JSON.stringify(b.config);
}

async function tuneLayer(
  device: Device,
  { node, layers }: Alike,
  { candidates, signal }: { readonly candidates: number; readonly signal: AbortSignal | undefined },
): Promise<TuneResult> {
  const timers: LayerTimer[] = [];
  const choices: KernelChoice[] = [];
  try {
    for (const choice of likeliest(device, node, candidates)) {
      signal?.throwIfAborted();
      const timer = await prepare(device, node, choice, choices.length === 0);
      if (!timer) continue;
      timers.push(timer);
      choices.push(choice);
    }
    const { winner, times } = await race(timers, signal);
    const { kernel, config } = choices[winner] ?? untunedChoice(device, node);
    return {
      layer: node.name,
      layers,
      shape: shapeKey(node),
      kernel: kernel.name,
      config,
      ms: times[winner] ?? 0,
      untunedMs: times[0] ?? 0,
      tried: choices.map((choice, i) => ({
        kernel: choice.kernel.name,
        config: choice.config,
        ms: times[i] ?? 0,
      })),
    };
  } finally {
    for (const timer of timers) timer.dispose();
  }
}

/** Of a rival that the device cannot compile or hold, nothing: the layer runs without it. */
async function prepare(
  device: Device,
  node: Node,
  choice: KernelChoice,
  untuned: boolean,
): Promise<LayerTimer | undefined> {
  try {
    return await LayerTimer.create(device, node, choice);
  } catch (error) {
    if (untuned || device.lost || !(error instanceof TilewiseError)) throw error;
    return undefined;
  }
}
