/** Sessions with the operators of this library, which the runtime knows only as a table; tuned, if that is wanted. */
import { operators } from './layers/index.ts';
import { tune } from './profiling/tune.ts';
import type { TuningStore } from './profiling/tuning_store.ts';
import type { Device } from './runtime/gpu/device.ts';
import { type Graph, weightsOf } from './runtime/graph.ts';
import type { Tuning } from './runtime/plan/tuning.ts';
import { Session, type SessionOptions } from './runtime/session.ts';
import { checkWeights } from './runtime/weights/check_weights.ts';

/** How a session tunes itself before its first run. */
export interface TuneAtStart {
  /** Where winners come from and are kept; without one, every start times all layers anew. */
  readonly store?: TuningStore | undefined;
  /** Kernels and configurations timed for a layer; 5 by default. */
  readonly candidates?: number | undefined;
}

export interface CreateSessionOptions extends Omit<SessionOptions, 'operators'> {
  /**
   * Times the likeliest kernels of each shape of layer first, which takes seconds, and runs the fastest. What the
   * store has is not timed again, so that the next start is as fast as an untuned one. `onProgress` hears of it as the
   * stage `tune`; an abort keeps what was found by then. A store that fails, or whose text is damaged, is a
   * warning. Shapes that `resize` leads to run untuned, unless the store had them.
   */
  readonly tune?: TuneAtStart | undefined;
}

/**
 * A session for a graph on a device: see `Session.create`.
 *
 * ```ts
 * const tune = { store: indexedDbTuningStore() };
 * const session = await createSession(device, graph, { weights, tune });
 * ```
 */
export async function createSession(
  device: Device,
  graph: Graph,
  { tune: wanted, ...options }: CreateSessionOptions,
): Promise<Session> {
  if (!wanted) return Session.create(device, graph, { ...options, operators });
  const tuning = await tuneFirst(device, graph, wanted, options);
  return Session.create(device, graph, { ...options, operators, tuning });
}

async function tuneFirst(
  device: Device,
  graph: Graph,
  wanted: TuneAtStart,
  options: Omit<CreateSessionOptions, 'tune'>,
): Promise<Tuning> {
  const { weights, tuning, precision, signal, onWarning, onProgress } = options;
  // Not after all that time.
  checkWeights(weightsOf(graph), weights);
  const found = await tune(device, graph, {
    ...wanted,
    tuning,
    precision,
    signal,
    onWarning,
    onProgress: (done, total, remainingMs) =>
      onProgress?.({
        stage: 'tune',
        done,
        total,
        ...(remainingMs !== undefined && { remainingMs }),
      }),
  });
  return found.tuning;
}
