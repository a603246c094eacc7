/**
 * How a long plan is cut into several submits. On a slow adapter one submit of seconds trips the watchdog
 * of the operating system, and keeps a page from drawing.
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
