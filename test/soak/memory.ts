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

/**
 * What the system counts for the process is more than what it has: glibc keeps what is freed, in an arena for each few
 * threads, and drivers start threads for every device. Its holes grow for hours, as a leak would. With one arena, and
 * with thresholds that stay as they begin (which setting one of them means), freed memory goes back to the system or is
 * taken again.
 */
export function freedMemoryIs(): string {
  const { MALLOC_ARENA_MAX: arenas, MALLOC_TRIM_THRESHOLD_: trim } = process.env;
  return arenas === '1' && trim !== undefined
    ? "the allocator, if it is glibc's, has one arena and gives back what is freed"
    : 'the allocator may keep what is freed, which counts as growth: see test:soak in package.json';
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
