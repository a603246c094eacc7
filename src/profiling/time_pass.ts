/** How long a plan takes on the GPU, on what its buffers hold from the last run. */
import type { Device } from '../runtime/gpu/device.ts';
import { timeEach, type Work } from '../runtime/gpu/stopwatch.ts';
import type { Node } from '../runtime/graph.ts';

/** A session, or what runs its plan. */
export interface Timed {
  readonly device: Device;
  recorders(counts?: (node: Node) => boolean): readonly Work[];
}

/**
 * Times one pass over the plan, in milliseconds: the mean of `repeats` passes submitted as one, for plans that are too
 * short for the clock. With `counts`, of some nodes' dispatches alone. Runs in flight keep their results.
 */
export async function timePass(
  timed: Timed,
  repeats = 1,
  counts?: (node: Node) => boolean,
): Promise<number> {
  timed.device.checkAlive();
  const works = timed.recorders(counts);
  const [total = Number.NaN] = await timeEach(timed.device, [
    (pass) => {
      for (let i = 0; i < repeats; i++) for (const work of works) work(pass);
    },
  ]);
  return total / repeats;
}

/** Times each dispatch of the plan, in a pass of its own, in milliseconds. */
export async function timeDispatches(timed: Timed): Promise<readonly number[]> {
  timed.device.checkAlive();
  return timeEach(timed.device, timed.recorders());
}
