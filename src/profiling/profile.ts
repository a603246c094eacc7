/** Where the time of a run goes, layer by layer and dispatch by dispatch. */

import { type Clock, clockOf } from '../runtime/gpu/stopwatch.ts';
import type { Node } from '../runtime/graph.ts';
import { checkKinds } from '../runtime/kinds.ts';
import { multiplyAddsOf } from '../runtime/operator.ts';
import type { ExecutionPlan, PlannedDispatch } from '../runtime/plan/compile.ts';
import type { RunInputs, Running, Session } from '../runtime/session.ts';
import { type Ceilings, measureCeilings } from './ceilings.ts';
import { timeDispatches, timeExecutor } from './time_pass.ts';
import { partOf, trafficOf } from './traffic.ts';

/** Arithmetic and traffic in a second, beside the device's limits. */
export interface Rates {
  /** Arithmetic as the field counts it, whatever the algorithm: every convolution counts as a direct one. */
  readonly gflops: number;
  /** Of what the dispatches bind, each tensor once a dispatch. */
  readonly gigabytesPerSecond: number;
  /** The rates as shares of the adapter's measured limits, 0 to 1. */
  readonly shareOfFma: number;
  /** Of `gigabytesPerSecond`. */
  readonly shareOfBandwidth: number;
}

/** One layer of a run. Rates are 0 where `ms` is. */
export interface LayerProfile extends Rates {
  /** Its name, in the graph of the plan. */
  readonly layer: string;
  /** What computes it. */
  readonly kernel: string;
  /** In which configuration. */
  readonly config: object;
  /** The sum of its dispatches. */
  readonly ms: number;
}

/** One dispatch of a run. GFLOP/s are those of its whole layer, bytes its own. */
export interface DispatchProfile extends LayerProfile {
  /** What it computes of a layer that takes several dispatches, as `x → fields`. */
  readonly part?: string;
  /** Median over the profiled runs; 0 where the clock is too coarse to see it. */
  readonly ms: number;
}

/** Times of a session's layers and dispatches. */
export interface Profile {
  /** `host` times include the cost of a submit each. */
  readonly clock: Clock;
  /** The adapter's limits. */
  readonly ceilings: Ceilings;
  /** In the order in which they run. */
  readonly layers: readonly LayerProfile[];
  /** In the order in which they run. */
  readonly dispatches: readonly DispatchProfile[];
  /** All dispatches in one pass, as runs execute them. */
  readonly passMs: number;
  /** The rate of that pass, and its share of the adapter's limit. */
  readonly gflops: number;
  /** Of `ceilings.gflops`, 0 to 1. */
  readonly shareOfFma: number;
}

/** How `profile` times. */
export interface ProfileOptions {
  /** Runs to take the median of; 5 by default. */
  readonly runs?: number;
  /** Called before each run. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Stops it between two submits, with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Profiles runs of a session, after one to warm up, and measures the adapter's limits for comparison.
 *
 * @param session - Idle otherwise.
 * @param inputs - As for `run`.
 * @param options - How many runs, progress, signal.
 * @throws What `run` throws.
 * @throws The signal's reason when it is aborted.
 *
 * @example
 * const { layers } = await profile(session, pixels, { runs: 1 });
 * const slowest = layers.toSorted((a, b) => b.ms - a.ms)[0];
 */
export async function profile(
  session: Session,
  inputs: RunInputs,
  options: ProfileOptions = {},
): Promise<Profile> {
  checkKinds('profile', { session, options });
  const { runs = 5, onProgress, signal } = options;
  const { device } = session;
  await session.run(inputs, { signal });
  const ceilings = await measureCeilings(device, { signal });
  const times: (readonly number[])[] = [];
  const passes: number[] = [];
  const work = async ({ executor, plan }: Running): Promise<ExecutionPlan> => {
    for (let i = 0; i < runs; i++) {
      signal?.throwIfAborted();
      onProgress?.(i, runs);
      times.push(await timeDispatches(executor));
      signal?.throwIfAborted();
      passes.push(await timeExecutor(executor));
    }
    return plan;
  };
  const plan = await session.use(work, undefined, signal);
  const medians = plan.dispatches.map((_, i) => median(times.map((run) => run[i] ?? Number.NaN)));
  const timed = plan.dispatches.map(
    (dispatch, i): Timed => ({
      ...dispatch,
      part: partOf(dispatch),
      bytes: trafficOf(plan, dispatch),
      ms: medians[i] ?? 0,
    }),
  );
  const layers = new Map<Node, readonly Timed[]>();
  for (const part of timed) layers.set(part.node, [...(layers.get(part.node) ?? []), part]);
  const passMs = median(passes);
  const flops = [...layers.keys()].reduce((sum, node) => sum + 2 * multiplyAddsOf(node), 0);
  const gflops = billionsPerSecond(flops, passMs);
  return {
    clock: clockOf(device),
    ceilings,
    passMs,
    gflops,
    shareOfFma: gflops / ceilings.gflops,
    layers: [...layers.values()].map((parts) => layerProfile(parts, ceilings)),
    dispatches: timed.map((dispatch) => ({
      ...layerProfile(layers.get(dispatch.node) ?? [], ceilings),
      ...(dispatch.part !== undefined && { part: dispatch.part }),
      ms: dispatch.ms,
      ...bandwidth(dispatch.bytes, dispatch.ms, ceilings),
    })),
  };
}

type Timed = PlannedDispatch & {
  readonly part: string | undefined;
  readonly bytes: number;
  readonly ms: number;
};

function layerProfile(parts: readonly Timed[], ceilings: Ceilings): LayerProfile {
  const [first] = parts;
  if (!first) throw new Error('a layer without dispatches is not profiled');
  const { node, kernel, config } = first;
  const ms = parts.reduce((sum, part) => sum + part.ms, 0);
  const bytes = parts.reduce((sum, part) => sum + part.bytes, 0);
  const gflops = billionsPerSecond(2 * multiplyAddsOf(node), ms);
  return {
    layer: node.name,
    kernel,
    config,
    ms,
    gflops,
    shareOfFma: gflops / ceilings.gflops,
    ...bandwidth(bytes, ms, ceilings),
  };
}

function bandwidth(bytes: number, ms: number, ceilings: Ceilings) {
  const gigabytesPerSecond = billionsPerSecond(bytes, ms);
  const shareOfBandwidth = gigabytesPerSecond / ceilings.gigabytesPerSecond;
  return { gigabytesPerSecond, shareOfBandwidth };
}

function billionsPerSecond(amount: number, ms: number): number {
  return ms > 0 ? amount / ms / 1e6 : 0;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
