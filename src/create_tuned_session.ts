/** Sessions that tune themselves first; apart from `createSession`, so that pages that do not tune do not carry it. */
import { type CreateSessionOptions, createSession } from './create_session.ts';
import { tune } from './profiling/tune.ts';
import type { TuningStore } from './profiling/tuning_store.ts';
import type { Device } from './runtime/gpu/device.ts';
import type { Graph } from './runtime/graph.ts';
import { checkKinds } from './runtime/kinds.ts';
import type { Session } from './runtime/session.ts';
import { checkWeights } from './runtime/weights/check_weights.ts';

/** What `createSession` takes, and where winners are kept. */
export interface CreateTunedSessionOptions extends CreateSessionOptions {
  /** Where winners come from and are kept; without one, every start times all layers anew. */
  readonly store?: TuningStore | undefined;
  /** Kernels and configurations timed for a layer; 5 by default. */
  readonly candidates?: number | undefined;
}

/**
 * Times the likeliest kernels of each shape of layer first, which takes seconds, and makes a session that runs the
 * fastest: see `createSession`. What the store has is not timed again, so that the next start is as fast as an untuned
 * one. `onProgress` hears of it as the stage `tune`; an abort keeps what was found by then. A store that fails, or
 * whose text is damaged, is a warning. Shapes that `resize` leads to run untuned, unless the store had them.
 *
 * @param device - Open.
 * @param graph - As for `createSession`.
 * @param given - The options of `createSession`, whose `tuning` counts as known; the store; and how much is timed.
 * @throws What `createSession` throws.
 *
 * @example
 * const store = fileTuningStore(); // in a page: indexedDbTuningStore()
 * using tuned = await createTunedSession(device, graph, { weights, store });
 */
export async function createTunedSession(
  device: Device,
  graph: Graph,
  given: CreateTunedSessionOptions,
): Promise<Session> {
  const { store, candidates, ...options } = given ?? {};
  const { weights, tuning: known, precision, signal, onWarning, onProgress } = options;
  checkKinds('createTunedSession', { device, graph });
  // Not after all that time.
  checkWeights(graph, weights);
  checkKinds('createTunedSession', { options: given });
  const { tuning } = await tune(device, graph, {
    store,
    candidates,
    tuning: known,
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
  return createSession(device, graph, { ...options, tuning });
}
