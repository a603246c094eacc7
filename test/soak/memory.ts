/** Whether memory stays as it was, over a long time. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';

/** Bytes at one time, after garbage was collected. */
export interface MemorySample {
  /** Of the process, as the system counts them: what the driver takes, too. */
  readonly rss: number;
  /** What JavaScript has, with its arrays. */
  readonly heap: number;
}

/**
 * What has the allocator give back to the system what is free; nothing where there is no C compiler, or another libc.
 * Without it, the system's count of the process grows for hours where nothing is kept: what drivers free stays in the
 * arenas of glibc, between what is in use. Complete only with one arena (MALLOC_ARENA_MAX=1): of others, the free end
 * stays. By itself, glibc has one for each few threads, and drivers start threads for every device.
 */
export function loadTrim(): (() => void) | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'tilewise-soak-'));
  const addon = join(folder, 'trim.node');
  const source = join(import.meta.dirname, 'trim_allocator.c');
  try {
    const { status } = spawnSync('cc', ['-shared', '-fPIC', '-o', addon, source]);
    if (process.platform !== 'linux' || status !== 0) return undefined;
    const loaded: { exports: object } = { exports: {} };
    process.dlopen(loaded, addon);
    return loaded.exports as () => void;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Collects garbage first, twice: what the first round finds to be unreachable, drivers free in a task of their own. */
export async function sampleMemory(trim?: () => void): Promise<MemorySample> {
  for (let i = 0; i < 2; i++) {
    globalThis.gc?.();
    await setImmediate();
  }
  trim?.();
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
