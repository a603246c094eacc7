/** Times the likeliest kernels of every shape of layer on the device at hand, and keeps the fastest. */
import { operators } from '../layers/index.ts';
import type { Device } from '../runtime/gpu/device.ts';
import type { Graph, Node } from '../runtime/graph.ts';
import { isolate, shapeKey } from '../runtime/isolate.ts';
import { operatorOf } from '../runtime/operator.ts';
import { assignLayout } from '../runtime/passes/assign_layout.ts';
import { assignPrecision } from '../runtime/passes/assign_precision.ts';
import { optimize } from '../runtime/passes/index.ts';
import { checkPrecision } from '../runtime/plan/precision.ts';
import { choicesOf, type KernelChoice, selectKernel } from '../runtime/plan/select_kernels.ts';
import type { TunedKernel, Tuning } from '../runtime/plan/tuning.ts';
import { Session } from '../runtime/session.ts';
import type { DType } from '../runtime/tensor.ts';
import { syntheticWeights } from '../runtime/weights/synthetic.ts';

export interface TuneOptions {
  /** What is known already; its layers are not timed again. */
  readonly tuning?: Tuning | undefined;
  /** What sessions will run in; f32 by default. */
  readonly precision?: DType | undefined;
  /** Kernels and configurations timed for a layer, those that should cost least; 5 by default. */
  readonly candidates?: number;
  /** Called before each shape of layer. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Stops between two layers, with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** What tuning made of one shape of layer. */
export interface TuneResult extends TunedKernel {
  /** The first layer of this shape. */
  readonly layer: string;
  /** Milliseconds of the fastest, and of what would be chosen untuned. */
  readonly ms: number;
  readonly untunedMs: number;
}

/**
 * Tunes a model for a device. The untuned choice is always among the candidates, so a tuned layer is as fast as an
 * untuned one, up to the noise of the clock. Throws the signal's reason, what the GPU throws, or
 * UnsupportedError for a precision that the device lacks.
 */
export async function tune(
  device: Device,
  graph: Graph,
  { tuning, precision = 'f32', candidates = 5, onProgress, signal }: TuneOptions = {},
): Promise<{ readonly tuning: Tuning; readonly results: readonly TuneResult[] }> {
  const winners = new Map<string, TunedKernel>(tuning);
  const results: TuneResult[] = [];
  checkPrecision(precision, device.profile);
  const stored = assignPrecision(optimize(graph, operators), operators, precision);
  const planned = assignLayout(stored, operators, device.profile);
  const layers = untunedLayers(device, planned, winners);
  for (const [i, [key, node]] of layers.entries()) {
    onProgress?.(i, layers.length);
    signal?.throwIfAborted();
    const result = await tuneLayer(device, node, candidates);
    winners.set(key, { kernel: result.kernel, config: result.config });
    results.push(result);
  }
  return { tuning: winners, results };
}

/** One node of every shape that is not known and leaves a choice. */
function untunedLayers(
  { profile }: Device,
  graph: Graph,
  known: Tuning,
): readonly (readonly [string, Node])[] {
  const layers = new Map<string, Node>();
  for (const node of graph.nodes) {
    const op = operatorOf(operators, node);
    const key = shapeKey(node);
    if (known.has(key) || layers.has(key) || choicesOf(node, op, profile).length < 2) continue;
    layers.set(key, node);
  }
  return [...layers];
}

/** The untuned choice first, then what should cost least after it. */
function likeliest(device: Device, node: Node, count: number): readonly KernelChoice[] {
  const op = operatorOf(operators, node);
  const { profile } = device;
  const cost = ({ kernel, config }: KernelChoice): number =>
    kernel.cost?.(node, config, profile) ?? Number.POSITIVE_INFINITY;
  const untuned = selectKernel(node, op, profile);
  const others = choicesOf(node, op, profile)
    .filter((choice) => (choice.kernel.prefers ?? profile.kind) === profile.kind)
    .filter(
      ({ kernel, config }) => kernel !== untuned.kernel || !sameConfig(config, untuned.config),
    )
    .sort((a, b) => cost(a) - cost(b));
  return [untuned, ...others.slice(0, count - 1)];
}

function sameConfig(a: object, b: object): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Rounds over the candidates, each in turn, so that what else the machine does hits all alike. */
const ROUNDS = 3;

/** Shorter passes are repeated within a sample: clocks tick as seldom as every 100 microseconds. */
const LEAST_SAMPLE_MS = 2;
const MOST_REPEATS = 100;

async function tuneLayer(device: Device, node: Node, count: number): Promise<TuneResult> {
  const choices = likeliest(device, node, count);
  const graph = isolate(node);
  const sessions: Session[] = [];
  try {
    for (const choice of choices) {
      const session = await only(device, graph, node, choice);
      sessions.push(session);
      // Compiled at their first use by some drivers, which is not to be timed.
      await session.timePass(1);
    }
    const times = sessions.map(() => Number.POSITIVE_INFINITY);
    for (let round = 0; round < ROUNDS; round++) {
      for (const [i, session] of sessions.entries()) {
        times[i] = Math.min(times[i] ?? 0, await timeOnce(session));
      }
    }
    const best = times.reduce((least, ms, i) => (ms < (times[least] ?? 0) ? i : least), 0);
    const { kernel, config } =
      choices[best] ?? selectKernel(node, operatorOf(operators, node), device.profile);
    return {
      layer: node.name,
      kernel: kernel.name,
      config,
      ms: times[best] ?? 0,
      untunedMs: times[0] ?? 0,
    };
  } finally {
    for (const session of sessions) session.dispose();
  }
}

/** A session of the node alone that has no other choice. */
function only(
  device: Device,
  graph: Graph,
  node: Node,
  { kernel, config }: KernelChoice,
): Promise<Session> {
  return Session.create(device, graph, {
    weights: syntheticWeights([]),
    operators,
    optimize: false,
    tuning: new Map([[shapeKey(node), { kernel: kernel.name, config }]]),
  });
}

/** Of the layer alone: what goes to and from one in f16 is converted. */
const counts = ({ op }: Node): boolean => op !== 'convert';

async function timeOnce(session: Session): Promise<number> {
  const once = await session.timePass(1, counts);
  if (once >= LEAST_SAMPLE_MS) return once;
  const repeats = Math.min(MOST_REPEATS, Math.ceil(LEAST_SAMPLE_MS / Math.max(once, 0.02)));
  return session.timePass(repeats, counts);
}
