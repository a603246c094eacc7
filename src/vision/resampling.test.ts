import { describe, expect, it } from 'vitest';
import { Random, seeds } from '../../test/fixtures/random.ts';
import { RECORD_HEAD, type Taps, tapsOf, WEIGHT_BITS } from './resampling.ts';

/** The window of one pixel: its first source pixel in the image, and its weights. */
function windowAt({ start, stride, records }: Taps, pixel: number) {
  const [first = 0, count = 0] = records.subarray(pixel * stride, (pixel + 1) * stride);
  const at = pixel * stride + RECORD_HEAD;
  return {
    first: count === 0 ? undefined : first + start,
    weights: [...records.slice(at, at + count)],
  };
}

describe('tapsOf', () => {
  it('copies where nothing is resized', () => {
    const taps = tapsOf({ source: 3, resized: 3, from: 0, count: 3 });
    const one = 2 ** WEIGHT_BITS;
    expect([0, 1, 2].map((pixel) => windowAt(taps, pixel))).toEqual([
      { first: 0, weights: [one, 0] },
      { first: 1, weights: [one, 0] },
      { first: 2, weights: [one] },
    ]);
  });

  // Pillow's precompute_coeffs by hand: centres 1 and 3, support 2, weights 1, 3, 3, 1 eighths at most.
  it('weighs a triangle that grows with the scale', () => {
    const taps = tapsOf({ source: 4, resized: 2, from: 0, count: 2 });
    const sevenths = [3, 3, 1].map((share) => Math.round((share / 7) * 2 ** WEIGHT_BITS));
    expect(windowAt(taps, 0)).toEqual({ first: 0, weights: sevenths });
    expect(windowAt(taps, 1)).toEqual({ first: 1, weights: sevenths.toReversed() });
  });

  it.each(seeds(20))('has windows in the image whose weights make one, seed %i', (seed) => {
    const random = new Random(seed);
    const source = random.int(1, 300);
    const resized = random.int(1, 300);
    const taps = tapsOf({ source, resized, from: 0, count: resized });
    for (let pixel = 0; pixel < resized; pixel++) {
      const { first = -1, weights } = windowAt(taps, pixel);
      expect(first).toBeGreaterThanOrEqual(0);
      expect(first + weights.length).toBeLessThanOrEqual(source);
      const sum = weights.reduce((total, weight) => total + weight, 0);
      expect(Math.abs(sum - 2 ** WEIGHT_BITS)).toBeLessThanOrEqual(weights.length / 2);
    }
  });

  it.each(seeds(20))('gives a crop what it gives the whole, seed %i', (seed) => {
    const random = new Random(seed);
    const source = random.int(1, 300);
    const resized = random.int(1, 300);
    const from = random.int(-20, resized + 10);
    const count = random.int(1, 40);
    const whole = tapsOf({ source, resized, from: 0, count: resized });
    const crop = tapsOf({ source, resized, from, count });
    for (let pixel = 0; pixel < count; pixel++) {
      const inside = from + pixel >= 0 && from + pixel < resized;
      const nothing = { first: undefined, weights: [] };
      expect(windowAt(crop, pixel)).toEqual(inside ? windowAt(whole, from + pixel) : nothing);
    }
    expect(crop.start).toBeGreaterThanOrEqual(0);
    expect(crop.end).toBeGreaterThan(crop.start);
    expect(crop.end).toBeLessThanOrEqual(source);
  });

  it('needs only the source pixels under the crop', () => {
    const { start, end } = tapsOf({ source: 20000, resized: 512000, from: 255888, count: 224 });
    expect([start, end]).toEqual([9995, 10005]);
  });
});
