import { describe, expect, it } from 'vitest';
import { Random, seeds } from '../../../test/fixtures/random.ts';
import { lowerBoundOf, type MemoryPlan, planMemory } from './memory_plan.ts';
import type { Storage } from './storage.ts';

function storage(bytes: number, firstStep: number, lastStep: number): Storage {
  return { name: `${bytes}`, bytes, firstStep, lastStep };
}

function randomStorages(random: Random): readonly Storage[] {
  return Array.from({ length: random.int(1, 40) }, () => {
    const firstStep = random.int(-1, 30);
    return storage(4 * random.int(1, 50), firstStep, firstStep + random.int(0, 6));
  });
}

/** Pairs that are alive at one step, and share a buffer. */
function conflicts(storages: readonly Storage[], plan: MemoryPlan): readonly string[] {
  return storages.flatMap((a, i) =>
    storages.slice(i + 1).flatMap((b, offset) => {
      const j = i + 1 + offset;
      const alive = a.firstStep <= b.lastStep && b.firstStep <= a.lastStep;
      return alive && plan.bufferOf[i] === plan.bufferOf[j] ? [`${i} and ${j}`] : [];
    }),
  );
}

type Misfit = (bytes: number, gaps: { before: number; after: number }) => number;

/**
 * The bytes of a greedy plan, step by step as it is described: each storage, by size or by schedule, goes into the free
 * buffer that has to grow least; of those that grow alike, into the one of the least misfit.
 */
function greedyBytes(storages: readonly Storage[], inOrder: boolean, misfit: Misfit): number {
  const order = storages.toSorted((a, b) => {
    const larger = b.bytes - a.bytes;
    return inOrder ? a.firstStep - b.firstStep || larger : larger;
  });
  const buffers: Storage[][] = [];
  const size = (buffer: readonly Storage[]) => Math.max(...buffer.map(({ bytes }) => bytes));
  for (const storage of order) {
    const { firstStep, lastStep, bytes } = storage;
    const ranked = buffers
      .filter((buffer) => buffer.every((t) => t.lastStep < firstStep || lastStep < t.firstStep))
      .map((buffer) => {
        const idle = (gaps: number[]) => Math.min(2 ** 31, ...gaps.filter((gap) => gap > 0));
        const before = idle(buffer.map((t) => firstStep - t.lastStep));
        const after = idle(buffer.map((t) => t.firstStep - lastStep));
        const grows = Math.max(0, bytes - size(buffer));
        return { buffer, grows, misfit: misfit(size(buffer), { before, after }) };
      })
      .toSorted((a, b) => a.grows - b.grows || a.misfit - b.misfit);
    const [best] = ranked;
    if (best) best.buffer.push(storage);
    else buffers.push([storage]);
  }
  return buffers.reduce((sum, buffer) => sum + size(buffer), 0);
}

const SMALLEST: Misfit = (bytes) => bytes;
const LARGEST: Misfit = (bytes) => -bytes;
const TIGHTEST: Misfit = (_, { before, after }) => before + after;

describe('planMemory', () => {
  it('takes the best of four greedy plans', () => {
    for (const seed of seeds(50)) {
      const storages = randomStorages(new Random(seed));
      const plans = [
        greedyBytes(storages, false, SMALLEST),
        greedyBytes(storages, false, TIGHTEST),
        greedyBytes(storages, true, SMALLEST),
        greedyBytes(storages, true, LARGEST),
      ];
      expect(planMemory(storages).bytes, `seed ${seed}`).toBe(Math.min(...plans));
    }
  });

  it('takes the one that is soon made of more than 1024 storages', () => {
    const random = new Random(1);
    const many = Array.from({ length: 1025 }, (_, at) =>
      storage(4 * random.int(1, 50), at, at + random.int(0, 6)),
    );
    const best = Math.min(
      greedyBytes(many.slice(1), false, SMALLEST),
      greedyBytes(many.slice(1), false, TIGHTEST),
      greedyBytes(many.slice(1), true, SMALLEST),
    );
    expect(planMemory(many).bytes).toBe(greedyBytes(many, true, LARGEST));
    expect(best).toBeLessThan(greedyBytes(many.slice(1), true, LARGEST));
    expect(planMemory(many.slice(1)).bytes).toBe(best);
  });

  it.each(seeds(30))('never gives storages that are alive at once one buffer (seed %i)', (seed) => {
    const storages = randomStorages(new Random(seed));
    const plan = planMemory(storages);
    expect(conflicts(storages, plan)).toEqual([]);
    storages.forEach(({ bytes }, i) => {
      expect(plan.buffers[plan.bufferOf[i] ?? -1]).toBeGreaterThanOrEqual(bytes);
    });
  });

  it.each(seeds(30))('lies between its lower bound and no sharing at all (seed %i)', (seed) => {
    const storages = randomStorages(new Random(seed));
    const plan = planMemory(storages);
    expect(plan.bytes).toBe(plan.buffers.reduce((sum, bytes) => sum + bytes, 0));
    expect(plan.bytes).toBeGreaterThanOrEqual(lowerBoundOf(plan));
    expect(plan.bytes).toBeLessThanOrEqual(storages.reduce((sum, { bytes }) => sum + bytes, 0));
    // Every step counted on its own, not only those at which something begins; the largest of each, and so on.
    const steps = Array.from({ length: 50 }, (_, i) => i - 1);
    const alive = steps.map((step) =>
      storages
        .filter((s) => s.firstStep <= step && step <= s.lastStep)
        .map(({ bytes }) => bytes)
        .sort((a, b) => b - a),
    );
    const most = storages.map((_, k) => Math.max(...alive.map((bytes) => bytes[k] ?? 0)));
    expect(lowerBoundOf(plan)).toBe(most.reduce((sum, bytes) => sum + bytes, 0));
  });

  it('needs two buffers for a chain, of the two largest neighbours', () => {
    const plan = planMemory([
      storage(400, -1, 0),
      storage(800, 0, 1),
      storage(200, 1, 2),
      storage(100, 2, 3),
    ]);
    expect(plan.buffers).toEqual([800, 400]);
    expect(plan.bufferOf).toEqual([1, 0, 1, 0]);
    expect(plan.steps).toBe(3);
    expect(lowerBoundOf(plan)).toBe(1200);
  });

  it('does not let a node write where it reads: both are alive at that step', () => {
    const plan = planMemory([storage(4, -1, 0), storage(4, 0, 1)]);
    expect(plan.buffers).toEqual([4, 4]);
  });

  it('keeps a residual aside while other values come and go', () => {
    const plan = planMemory([
      storage(8, -1, 3),
      storage(4, 0, 1),
      storage(4, 1, 2),
      storage(4, 2, 3),
    ]);
    expect(plan.bytes).toBe(16);
    expect(plan.bytes).toBe(lowerBoundOf(plan));
  });

  it('plans nothing for nothing', () => {
    expect(planMemory([])).toMatchObject({ buffers: [], bufferOf: [], bytes: 0, steps: 0 });
    expect(lowerBoundOf({ storages: [] })).toBe(0);
  });
});
