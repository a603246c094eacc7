import { describe, expect, it } from 'vitest';
import { pointwise } from '../../src/layers/pointwise.ts';
import { checkKernels } from '../../test/fixtures/check_kernels.ts';
import { useDevice } from '../../test/fixtures/device.ts';
import { Random } from '../../test/fixtures/random.ts';
import { expression } from '../../test/fixtures/rounding_bounds.ts';
import { apply } from './expression.ts';
import { BFLOAT16, FLOAT16, narrowed, toBfloat16 } from './narrow_floats.ts';

const device = useDevice();

/** Floats of any exponent but the least and the largest, and those that are halfway between two bfloat16s. */
function samples(count: number): Float32Array {
  const random = new Random(1);
  const bits = Uint32Array.from({ length: count }, (_, i) => {
    const upper = (random.int(0, 1) << 15) | (random.int(2, 252) << 7) | random.int(0, 127);
    const lower =
      i % 3 === 0 ? 0x8000 : i % 3 === 1 ? random.int(0x7ffe, 0x8002) : random.int(0, 0xffff);
    return ((upper << 16) | lower) >>> 0;
  });
  return new Float32Array(bits.buffer);
}

describe('narrowed', () => {
  it.each([
    [1, 1],
    [1 + 2 ** -8, 1],
    [1 + 3 * 2 ** -8, 1 + 2 ** -6],
    [-1 - 2 ** -8 - 2 ** -20, -1 - 2 ** -7],
    [2 ** -133, 2 ** -133],
    [3 * 2 ** -134, 2 ** -132],
    [2 ** -135, 0],
    [(2 - 2 ** -23) * 2 ** 127, Number.POSITIVE_INFINITY],
    [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY],
    [Number.NaN, Number.NaN],
  ])('makes %f a bfloat16: %f', (x, expected) => {
    expect(narrowed(x, BFLOAT16)).toBe(expected);
    expect(toBfloat16.evaluate(x)).toBe(expected);
  });

  it.each([
    [1 + 2 ** -11, 1],
    [65519, 65504],
    [65520, Number.POSITIVE_INFINITY],
    [2 ** -24, 2 ** -24],
  ])('makes %f a float16: %f', (x, expected) => {
    expect(narrowed(x, FLOAT16)).toBe(expected);
  });
});

describe('toBfloat16', () => {
  it.each([1024, 1025])('gives the same on a device, of %i elements', async (count) => {
    await checkKernels(device(), {
      op: 'pointwise',
      build: (g) => pointwise(g, [g.input('x', [1, count])], (x = 0) => apply(toBfloat16, x)),
      inputs: { x: samples(count) },
      bound: expression,
      variants: ['views'],
    });
  });
});
