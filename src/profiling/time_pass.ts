/** How long a plan takes on the GPU, on what its buffers hold from the last run. */

import type { Executor } from '../runtime/gpu/executor.ts';
import { timeEach, type Work } from '../runtime/gpu/stopwatch.ts';
import type { Node } from '../runtime/graph.ts';
import { checkKinds } from '../runtime/kinds.ts';
import type { Session } from '../runtime/session.ts';

/**
 * Times one pass over the plan, in milliseconds: the mean of `repeats` passes submitted as one, for plans that are too
 * short for the clock. With `counts`, of some nodes' dispatches alone. Runs in flight keep their results.
 *
 * @param session - Idle otherwise; its inputs are those of the last run.
 * @param repeats - 1 by default.
 * @param counts - Which nodes of the plan are timed; all by default.
 * @returns Milliseconds, by the clock that `clockOf` names.
 * @throws TilewiseError for what is no session.
 * @throws GpuError or DeviceLostError when the GPU fails.
 *
 * @example
 * const ms = await timePass(session, 10);
 */
export async function timePass(
  session: Session,
  repeats = 1,
  counts?: (node: Node) => boolean,
): Promise<number> {
  checkKinds('timePass', { session, repeats, ...(counts !== undefined && { counts }) });
  return session.use(({ executor }) => timeExecutor(executor, repeats, counts));
}

/** The same, of the plan of an executor. */
export async function timeExecutor(
  executor: Executor,
  repeats = 1,
  counts?: (node: Node) => boolean,
): Promise<number> {
  const works = executor.recorders(counts);
  const [total = Number.NaN] = await timeInTurn(executor, [
    (pass) => {
      for (let i = 0; i < repeats; i++) for (const work of works) work(pass);
    },
  ]);
  return total / repeats;
}

/** Times each dispatch of its plan, in a pass of its own, in milliseconds. */
export function timeDispatches(executor: Executor): Promise<readonly number[]> {
  return timeInTurn(executor, executor.recorders());
}

/** Not between the submits of a run. */
function timeInTurn(executor: Executor, works: readonly Work[]): Promise<readonly number[]> {
  return executor.inTurn(
    () => timeEach(executor.opening, works),
    async (times) => times,
  );
}
