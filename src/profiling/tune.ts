/** Times the likeliest kernels of every shape of layer on the device at hand, and keeps the fastest. */

import { kindOf } from '../runtime/device_profile.ts';
import { TilewiseError } from '../runtime/errors.ts';
import type { Device, Opening } from '../runtime/gpu/device.ts';
import type { Graph, Node } from '../runtime/graph.ts';
import { shapeKey } from '../runtime/isolate.ts';
import type { Candidate } from '../runtime/kernel.ts';
import { checkKinds } from '../runtime/kinds.ts';
import { isChoice, selectKernel } from '../runtime/plan/select_kernels.ts';
import type { TunedKernel, Tuning } from '../runtime/plan/tuning.ts';
import { prepare } from '../runtime/prepare.ts';
import type { DType } from '../runtime/tensor.ts';
import { LayerTimer } from './layer_timer.ts';
import { race } from './race.ts';
import { keepTuning, keptTuning, type TuningStore } from './tuning_store.ts';

/** What `tune` times, and where it keeps what it finds. */
export interface TuneOptions {
  /** What is known already; its layers are not timed again. */
  readonly tuning?: Tuning | undefined;
  /** Where known winners are read and new ones kept, also those that were found before an abort. */
  readonly store?: TuningStore | undefined;
  /** Whether to time again what the store has; false by default. */
  readonly again?: boolean | undefined;
  /** The precision that sessions will have; f32 by default. */
  readonly precision?: DType | undefined;
  /** How many kernels and configurations are timed for a layer, those that should cost least; 5 by default. */
  readonly candidates?: number | undefined;
  /** Called before each shape of layer; the remaining time is estimated from the layers before. */
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

/** What tuning found for one shape of layer: the winner. */
export interface TuneResult extends TimedKernel {
  /** The first layer of this shape. */
  readonly layer: string;
  /** How many layers of the model have it. */
  readonly layers: number;
  /** Its key in the tuning. */
  readonly shape: string;
  /** Milliseconds of the untuned choice. */
  readonly untunedMs: number;
  /** All that was timed, the untuned choice first, then in the order of the cost model. */
  readonly tried: readonly TimedKernel[];
}

/**
 * Tunes a model for a device: a kernel replaces the untuned choice of a layer only where it was faster by more than the
 * noise of the clock in samples taken in turn.
 *
 * @param device - Open, and otherwise idle.
 * @param graph - Any; weights are not needed.
 * @param options - Precision, store, how much is timed, progress, signal.
 * @returns The winners by the shape of layer, for the option `tuning` of sessions; and what was timed this time.
 * @throws The signal's reason when it is aborted.
 * @throws UnsupportedError for a precision that the device lacks.
 * @throws GpuError or DeviceLostError when the GPU fails.
 *
 * @example
 * const { tuning } = await tune(device, graph, { candidates: 2 });
 * using tuned = await createSession(device, graph, { weights, tuning });
 */
export async function tune(
  device: Device,
  graph: Graph,
  options: TuneOptions = {},
): Promise<{
  /** All winners that are known now, by the shape of layer. */
  readonly tuning: Tuning;
  /** What was timed this time. */
  readonly results: readonly TuneResult[];
}> {
  checkKinds('tune', { device, graph, options });
  const { store, again, onWarning } = options;
  const kept = store && !again ? await keptTuning(device, store, onWarning) : undefined;
  const known = new Map([...(kept ?? []), ...(options.tuning ?? [])]);
  const results: TuneResult[] = [];
  try {
    await device.use((opening) =>
      tuneUnknown(opening, graph, known, options, (result) => results.push(result)),
    );
  } finally {
    if (store && results.length > 0) await keepTuning(device, store, winnersOf(results), onWarning);
  }
  return { tuning: new Map([...known, ...winnersOf(results)]), results };
}

function winnersOf(results: readonly TuneResult[]): Tuning {
  return new Map(results.map(({ shape, kernel, config }) => [shape, { kernel, config }]));
}

async function tuneUnknown(
  opening: Opening,
  graph: Graph,
  known: Tuning,
  { precision = 'f32', candidates = 5, onProgress, signal }: TuneOptions,
  onResult: (result: TuneResult) => void,
): Promise<void> {
  // The layers as a session runs them: fused, stored in that precision, cut where the device is too small.
  const { plan } = prepare(graph, { device: opening.profile, precision });
  const layers = untunedLayers(opening, plan.graph, known);
  const begun = performance.now();
  for (const [i, alike] of layers.entries()) {
    signal?.throwIfAborted();
    const layerMs = i === 0 ? undefined : (performance.now() - begun) / i;
    onProgress?.(i, layers.length, layerMs && layerMs * (layers.length - i));
    onResult(await tuneLayer(opening, alike, { candidates, signal }));
  }
}

/** Layers that share a winner. */
interface Alike {
  readonly node: Node;
  readonly layers: number;
}

/** The first layer of every shape that is not known and leaves a choice. */
function untunedLayers({ profile }: Opening, graph: Graph, known: Tuning): readonly Alike[] {
  const shapes = new Map<string, Alike>();
  for (const node of graph.nodes) {
    const key = shapeKey(node);
    if (known.has(key) || node.op.candidates(node, profile).length < 2) continue;
    const { node: first, layers } = shapes.get(key) ?? { node, layers: 0 };
    shapes.set(key, { node: first, layers: layers + 1 });
  }
  return [...shapes.values()];
}

/** A candidate whose modelled cost exceeds the untuned choice's by this factor is not tried: it compiles longest. */
const MOST_COST = 2;

/** The untuned choice first, then what should cost least after it. */
function likeliest({ profile }: Opening, node: Node, count: number): readonly Candidate[] {
  const kind = kindOf(profile);
  const costOf = ({ cost }: Candidate): number => cost() ?? Number.POSITIVE_INFINITY;
  const untuned = selectKernel(node, profile);
  const most = MOST_COST * costOf(untuned);
  const rivals = node.op
    .candidates(node, profile)
    .filter(({ prefers }) => (prefers ?? kind) === kind)
    .filter((candidate) => !isChoice(candidate, untuned) && costOf(candidate) <= most)
    .sort((a, b) => costOf(a) - costOf(b));
  return [untuned, ...rivals.slice(0, count - 1)];
}

async function tuneLayer(
  opening: Opening,
  { node, layers }: Alike,
  { candidates, signal }: { readonly candidates: number; readonly signal: AbortSignal | undefined },
): Promise<TuneResult> {
  const timers: LayerTimer[] = [];
  const choices: Candidate[] = [];
  try {
    for (const choice of likeliest(opening, node, candidates)) {
      signal?.throwIfAborted();
      const timer = await timerOf(opening, node, choice, choices.length === 0);
      if (!timer) continue;
      timers.push(timer);
      choices.push(choice);
    }
    const { winner, times } = await race(timers, signal);
    const { kernel, config } = choices[winner] ?? selectKernel(node, opening.profile);
    return {
      layer: node.name,
      layers,
      shape: shapeKey(node),
      kernel,
      config,
      ms: times[winner] ?? 0,
      untunedMs: times[0] ?? 0,
      tried: choices.map((choice, i) => ({
        kernel: choice.kernel,
        config: choice.config,
        ms: times[i] ?? 0,
      })),
    };
  } finally {
    for (const timer of timers) timer.dispose();
  }
}

/** Undefined for a rival that the device cannot compile or hold: the layer runs without it. */
async function timerOf(
  opening: Opening,
  node: Node,
  choice: Candidate,
  untuned: boolean,
): Promise<LayerTimer | undefined> {
  try {
    return await LayerTimer.create(opening, node, choice);
  } catch (error) {
    if (untuned || opening.lost || !(error instanceof TilewiseError)) throw error;
    return undefined;
  }
}
