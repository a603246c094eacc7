import { describe, expect, it } from 'vitest';
import { Random, seeds } from '../../test/fixtures/random.ts';
import { type Box, firstOfEach, inPicture, overlapOf } from './boxes.ts';

const box = (left: number, top: number, width: number, height: number): Box => ({
  left,
  top,
  width,
  height,
});

describe('overlapOf', () => {
  it.each<[string, Box, Box, number]>([
    ['the same box', box(1, 2, 3, 4), box(1, 2, 3, 4), 1],
    ['boxes apart', box(0, 0, 2, 2), box(5, 0, 2, 2), 0],
    ['boxes that touch', box(0, 0, 2, 2), box(2, 0, 2, 2), 0],
    ['a half that is shared', box(0, 0, 4, 2), box(2, 0, 4, 2), 4 / 12],
    ['a box within another', box(0, 0, 10, 10), box(2, 3, 4, 5), 20 / 100],
    ['corners that are shared', box(0, 0, 4, 4), box(3, 2, 4, 4), 2 / 30],
  ])('of %s', (_, a, b, share) => {
    expect(overlapOf(a, b)).toBeCloseTo(share, 12);
    expect(overlapOf(b, a)).toBeCloseTo(share, 12);
  });
});

describe('firstOfEach', () => {
  // Both together are what greedy suppression is: nobody else is kept, and nobody else left out.
  it.each(seeds(20))('leaves out what a better box of its class covers, seed %i', (seed) => {
    const random = new Random(seed);
    const found = Array.from({ length: 60 }, () => ({
      class: random.int(0, 2),
      box: box(random.int(0, 30), random.int(0, 30), random.int(1, 20), random.int(1, 20)),
    }));
    const kept = firstOfEach(found, 0.3);
    const covers = (better: (typeof found)[number], one: (typeof found)[number]): boolean =>
      better.class === one.class && overlapOf(better.box, one.box) > 0.3;
    for (const [i, one] of found.entries()) {
      const better = kept.filter((other) => found.indexOf(other) < i);
      expect(kept.includes(one)).toBe(!better.some((other) => covers(other, one)));
    }
    expect(kept.length).toBeLessThan(60);
    expect(kept.length).toBeGreaterThan(3);
  });

  it('keeps the first ones, in their order, and all where boxes may cover one another', () => {
    const found = Array.from({ length: 5 }, (_, i) => ({ class: 0, box: box(0, 0, 1, 1), i }));
    expect(firstOfEach(found, 0.5).map(({ i }) => i)).toEqual([0]);
    expect(firstOfEach(found, 1).map(({ i }) => i)).toEqual([0, 1, 2, 3, 4]);
  });
});

describe('inPicture', () => {
  it.each<[string, Box, Box | undefined]>([
    ['inside', box(1, 2, 3, 4), box(1, 2, 3, 4)],
    ['over the left and the upper edge', box(-2, -1, 5, 5), box(0, 0, 3, 4)],
    ['over the right and the lower edge', box(15, 8, 50, 50), box(15, 8, 5, 2)],
    ['around all of it', box(-9, -9, 99, 99), box(0, 0, 20, 10)],
    ['outside', box(20, 0, 5, 5), undefined],
    ['above', box(3, -9, 5, 9), undefined],
  ])('what is %s', (_, one, expected) => {
    expect(inPicture(one, { width: 20, height: 10 })).toEqual(expected);
  });
});
