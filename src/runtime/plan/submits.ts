/**
 * How a plan is cut into several submits. On a slow adapter one submit of seconds trips the watchdog of the operating
 * system, and keeps a page from drawing. On a fast one the GPU would wait until the last dispatch is recorded.
 */
import { type DeviceKind, type DeviceProfile, kindOf } from '../device_profile.ts';
import { sum } from '../sum.ts';

/** Multiply-adds a second that are assumed until a run has been timed: on the slow side of each kind. */
const ASSUMED_RATE: Readonly<Record<DeviceKind, number>> = { cpu: 2e9, gpu: 2e11 };

/** The time a plan of this cost may take on a device that has not been timed, in milliseconds. */
export function assumedMs(costs: readonly number[], device: DeviceProfile): number {
  return (1000 * sum(costs)) / ASSUMED_RATE[kindOf(device)];
}

/**
 * Cuts a run of `ms` milliseconds into submits of about `budgetMs`: the number of dispatches in each, given
 * what each costs. A dispatch is never cut, so that a long one may exceed the budget; where there is none, one submit
 * moves the data.
 */
export function splitSubmits(
  costs: readonly number[],
  ms: number,
  budgetMs: number,
): readonly number[] {
  const most = (sum(costs) * budgetMs) / Math.max(ms, Number.MIN_VALUE);
  const sizes: number[] = [];
  let size = 0;
  let filled = 0;
  for (const cost of costs) {
    if (size > 0 && filled + cost > most) {
      sizes.push(size);
      size = 0;
      filled = 0;
    }
    size++;
    filled += cost;
  }
  return [...sizes, size];
}

/** Recording so many takes the host two or three times what a submit does. */
const FIRST = 10;
/** On a fast GPU recording is two thirds of a dispatch's time, so that the GPU never waits for the next submit. */
const GROWTH = 1.5;

/** Cuts a run so that the GPU begins with the first dispatches while the host records the rest: docs/decisions/0093. */
export function startEarly(dispatches: number): readonly number[] {
  const sizes: number[] = [];
  let left = dispatches;
  for (let size = FIRST; left >= size + FIRST; size = Math.floor(size * GROWTH)) {
    sizes.push(size);
    left -= size;
  }
  return [...sizes, left];
}
