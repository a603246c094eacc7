/** Where the time of a run goes, dispatch by dispatch. */
import { multiplyAdds } from '../defaults.ts';
import { type Clock, clockOf } from '../runtime/gpu/stopwatch.ts';
import type { Node } from '../runtime/graph.ts';
import type { PlannedDispatch } from '../runtime/plan/compile.ts';
import type { RunInputs, Session } from '../runtime/session.ts';
import { byteLength } from '../runtime/tensor.ts';
import { type Ceilings, measureCeilings } from './ceilings.ts';

/** One dispatch of a run. */
export interface DispatchProfile {
  readonly layer: string;
  readonly kernel: string;
  readonly config: object;
  /** Median over the profiled runs; 0 where the clock is too coarse to see it. */
  readonly ms: number;
  /**
   * Rates, 0 where `ms` is, of the whole layer, which may take several dispatches: over its arithmetic as the field
   * counts it, whatever the algorithm, and over its inputs, weights and output, each once.
   */
  readonly gflops: number;
  readonly gigabytesPerSecond: number;
  /** The rates as shares of the adapter's measured limits, 0 to 1. */
  readonly shareOfFma: number;
  readonly shareOfBandwidth: number;
}

export interface Profile {
  /** `host` times include the cost of a submit each. */
  readonly clock: Clock;
  readonly ceilings: Ceilings;
  readonly dispatches: readonly DispatchProfile[];
  /** All dispatches in one pass, as runs execute them. */
  readonly passMs: number;
}

export interface ProfileOptions {
  /** Runs to take the median of; 5 by default. */
  readonly runs?: number;
  /** Called before each run. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Stops between two runs, with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Profiles runs of a session, after one to warm up, and measures the adapter's limits for comparison. */
export async function profile(
  session: Session,
  inputs: RunInputs,
  { runs = 5, onProgress, signal }: ProfileOptions = {},
): Promise<Profile> {
  const { device, plan } = session;
  const ceilings = await measureCeilings(device);
  await session.run(inputs);
  const times: (readonly number[])[] = [];
  const passes: number[] = [];
  for (let i = 0; i < runs; i++) {
    signal?.throwIfAborted();
    onProgress?.(i, runs);
    const { dispatches, pass } = await session.time();
    times.push(dispatches);
    passes.push(pass);
  }
  const medians = plan.dispatches.map((_, i) => median(times.map((run) => run[i] ?? Number.NaN)));
  const layerMs = new Map<Node, number>();
  plan.dispatches.forEach(({ node }, i) => {
    layerMs.set(node, (layerMs.get(node) ?? 0) + (medians[i] ?? 0));
  });
  return {
    clock: clockOf(device),
    ceilings,
    passMs: median(passes),
    dispatches: plan.dispatches.map((dispatch, i) =>
      describeDispatch(dispatch, medians[i] ?? 0, layerMs.get(dispatch.node) ?? 0, ceilings),
    ),
  };
}

function describeDispatch(
  { node, kernel, config }: PlannedDispatch,
  ms: number,
  layerMs: number,
  ceilings: Ceilings,
): DispatchProfile {
  const gflops = billionsPerSecond(2 * multiplyAdds(node), layerMs);
  const values = [...Object.values(node.inputs), node.output];
  const bytes = values.reduce((sum, { desc }) => sum + byteLength(desc), 0);
  const gigabytesPerSecond = billionsPerSecond(bytes, layerMs);
  return {
    layer: node.name,
    kernel,
    config,
    ms,
    gflops,
    gigabytesPerSecond,
    shareOfFma: gflops / ceilings.gflops,
    shareOfBandwidth: gigabytesPerSecond / ceilings.gigabytesPerSecond,
  };
}

function billionsPerSecond(amount: number, ms: number): number {
  return ms > 0 ? amount / ms / 1e6 : 0;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/**
 * A profile in the trace event format, which Perfetto and chrome://tracing open: one run, the dispatches
 * one behind the other.
 */
export function traceOf({ device, plan }: Session, { dispatches }: Profile): object {
  let ts = 0;
  const traceEvents = dispatches.map(({ layer, ms, ...args }) => {
    const event = {
      name: layer,
      cat: args.kernel,
      ph: 'X',
      pid: 1,
      tid: 1,
      ts,
      dur: 1000 * ms,
      args,
    };
    ts += 1000 * ms;
    return event;
  });
  return { traceEvents, otherData: { model: plan.graph.name, adapter: device.adapter.name } };
}
