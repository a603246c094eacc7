/** Whether memory stays as it was, over a long time. */
import { setImmediate } from 'node:timers/promises';

/** Bytes at one time, after garbage was collected. */
export interface MemorySample {
  /** Of the process, as the system counts them: what the driver takes, too. */
  readonly rss: number;
  /** What JavaScript has, with its arrays. */
  readonly heap: number;
}

/** Collects garbage first, twice: what the first round finds to be unreachable, drivers free in a task of their own. */
export async function sampleMemory(): Promise<MemorySample> {
  for (let i = 0; i < 2; i++) {
    globalThis.gc?.();
    await setImmediate();
  }
  const { rss, heapUsed, external } = process.memoryUsage();
  return { rss, heap: heapUsed + external };
}

/** Medians of a quarter of the samples each, and how much the last is above the second, as a share. */
export function growth(values: readonly number[]): {
  readonly quarters: readonly number[];
  readonly share: number;
} {
  const quarters = [0, 1, 2, 3].map((i) => {
    const [from, to] = [i, i + 1].map((end) => Math.floor((end * values.length) / 4));
    return median(values.slice(from, to));
  });
  const [, second = Number.NaN, , last = Number.NaN] = quarters;
  return { quarters, share: last / second - 1 };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
