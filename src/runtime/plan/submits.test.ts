import { describe, expect, it } from 'vitest';
import { profileOf } from '../../../test/fixtures/profiles.ts';
import { Random, seeds } from '../../../test/fixtures/random.ts';
import { assumedMs, splitSubmits, startEarly } from './submits.ts';

describe('splitSubmits', () => {
  it('keeps a run within the budget in one submit', () => {
    expect(splitSubmits([1, 2, 3], 60, 60)).toEqual([3]);
    expect(splitSubmits([1, 2, 3], 60, Number.POSITIVE_INFINITY)).toEqual([3]);
  });

  it('cuts where the next dispatch would exceed the budget', () => {
    expect(splitSubmits([1, 1, 1, 1], 40, 20)).toEqual([2, 2]);
    expect(splitSubmits([3, 1, 1, 3], 80, 40)).toEqual([2, 2]);
  });

  it('gives a dispatch that is longer than the budget a submit of its own', () => {
    expect(splitSubmits([1, 10, 1], 120, 20)).toEqual([1, 1, 1]);
  });

  it('cuts nothing where nothing took any time', () => {
    expect(splitSubmits([0, 0], 0, 10)).toEqual([2]);
  });

  it.each(seeds(20))(
    'loses no dispatch and keeps every submit within the budget: seed %i',
    (seed) => {
      const random = new Random(seed);
      const costs = Array.from({ length: random.int(1, 40) }, () => random.int(1, 9));
      const total = costs.reduce((sum, cost) => sum + cost, 0);
      const sizes = splitSubmits(costs, total, 10);
      expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(costs.length);
      let at = 0;
      for (const size of sizes) {
        const cost = costs.slice(at, at + size).reduce((sum, value) => sum + value, 0);
        expect(cost).toBeLessThanOrEqual(10);
        at += size;
      }
    },
  );
});

it('a plan of an untimed device is assumed to take its cost at the rate of such devices', () => {
  expect(assumedMs([1e9, 1e9], profileOf('llvmpipe'))).toBe(1000);
  expect(assumedMs([1e9, 1e9], profileOf('gpu'))).toBe(10);
});

describe('startEarly', () => {
  it.each([
    ['LeNet', 6, [6]],
    ['the largest that is not worth two', 19, [19]],
    ['the smallest that is', 20, [10, 10]],
    ['ResNet-50', 56, [10, 15, 31]],
    ['EfficientNet-B0', 115, [10, 15, 22, 33, 35]],
    ['nothing', 0, [0]],
  ])('of %s', (_, dispatches, sizes) => {
    expect(startEarly(dispatches)).toEqual(sizes);
  });
});
