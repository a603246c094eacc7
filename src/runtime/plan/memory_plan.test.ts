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

describe('planMemory', () => {
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
    // Every step counted on its own, not only those at which something begins.
    const steps = Array.from({ length: 50 }, (_, i) => i - 1);
    const alive = steps.map((step) =>
      storages
        .filter((s) => s.firstStep <= step && step <= s.lastStep)
        .reduce((sum, { bytes }) => sum + bytes, 0),
    );
    expect(lowerBoundOf(plan)).toBe(Math.max(...alive));
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
    expect(planMemory([])).toMatchObject({ buffers: [], bufferOf: [], bytes: 0 });
  });
});
