/**
 * Assigns storages to few buffers. Whole buffers are shared, never ranges: WebGPU refuses a buffer that
 * is bound for reading and for writing in one dispatch, even at disjoint ranges.
 *
 * Greedy by size, after Pisarchyk and Lee, "Efficient memory management for deep neural net inference"
 * (2020), section 4.2: the largest storage first, each into the buffer that it fills best among those
 * that are free during its life.
 */
import type { Storage } from './storage.ts';

export interface MemoryPlan {
  /** The size of each buffer, in bytes. */
  readonly buffers: readonly number[];
  /** The buffer of each storage. */
  readonly bufferOf: readonly number[];
  /** Bytes of all buffers. */
  readonly bytes: number;
  /** No plan can do with less: the most bytes that are alive at one step. */
  readonly lowerBound: number;
}

export function planMemory(storages: readonly Storage[]): MemoryPlan {
  const buffers: { bytes: number; tenants: Storage[] }[] = [];
  const bufferOf = new Array<number>(storages.length).fill(-1);
  const order = [...storages.keys()].sort((a, b) => bytesAt(storages, b) - bytesAt(storages, a));
  for (const i of order) {
    const storage = storages[i];
    if (!storage) continue;
    // Sizes only fall, so every buffer is large enough; the smallest free one wastes least.
    let best = -1;
    buffers.forEach((buffer, candidate) => {
      const free = buffer.tenants.every((tenant) => !overlap(tenant, storage));
      if (free && (best < 0 || buffer.bytes < (buffers[best]?.bytes ?? 0))) best = candidate;
    });
    if (best < 0) best = buffers.push({ bytes: storage.bytes, tenants: [] }) - 1;
    buffers[best]?.tenants.push(storage);
    bufferOf[i] = best;
  }
  const sizes = buffers.map((buffer) => buffer.bytes);
  return {
    buffers: sizes,
    bufferOf,
    bytes: sizes.reduce((sum, bytes) => sum + bytes, 0),
    lowerBound: peak(storages),
  };
}

function bytesAt(storages: readonly Storage[], i: number): number {
  return storages[i]?.bytes ?? 0;
}

function overlap(a: Storage, b: Storage): boolean {
  return a.firstStep <= b.lastStep && b.firstStep <= a.lastStep;
}

function peak(storages: readonly Storage[]): number {
  const alive = (step: number): number =>
    storages
      .filter((s) => s.firstStep <= step && step <= s.lastStep)
      .reduce((sum, s) => sum + s.bytes, 0);
  return Math.max(0, ...storages.map((s) => alive(s.firstStep)));
}
