import { describe, expect, it } from 'vitest';
import { deviation } from './deviation.ts';

const of = (expected: readonly number[], actual: readonly number[]) =>
  deviation(Float64Array.from(expected), Float32Array.from(actual), [expected.length]);

describe('deviation', () => {
  it.each([
    ['equal infinities', [-Infinity, 1, Infinity], [-Infinity, 1, Infinity]],
    ['NaN where NaN is expected', [Number.NaN, 1], [Number.NaN, 1]],
    ['an infinity for what is beyond f32', [1e39, -1e39, 1], [Infinity, -Infinity, 1]],
    ['zeros for what f32 has no normal number for', [1e-39, 2 ** -127], [0, 0]],
    ['-0 for 0', [0, 1], [-0, 1]],
    ['zeros for zeros', [0, 0], [0, 0]],
  ])('finds no error in %s', (_, expected, actual) => {
    expect(of(expected, actual)).toMatchObject({ error: 0, ok: true });
  });

  it.each([
    ['a finite number for an infinity', [Infinity, 1], [1, 1], [0]],
    ['an infinity for a finite number', [1, 2], [1, Infinity], [1]],
    ['the other infinity', [-Infinity], [Infinity], [0]],
    ['NaN for a number', [1, 2], [1, Number.NaN], [1]],
    ['a number for NaN', [1, Number.NaN], [1, 2], [1]],
    ['NaN for an infinity', [1, Infinity], [1, Number.NaN], [1]],
  ])('is infinite for %s', (_, expected, actual, index) => {
    expect(of(expected, actual)).toMatchObject({ error: Infinity, ok: false, index });
  });

  it('takes 0 for what f16 has no normal number for, in f16 only, and nothing else for it', () => {
    const [expected, zeros] = [Float64Array.of(2 ** -15, 2 ** -15), new Float32Array(2)];
    expect(deviation(expected, zeros, [2], 'f16')).toMatchObject({ error: 0, ok: true });
    expect(deviation(expected, zeros, [2])).toMatchObject({ error: 1, ok: false });
    const [small, off] = [Float64Array.of(2 ** -12), Float32Array.of(1.2 * 2 ** -12)];
    expect(deviation(small, off, [1], 'f16').ok).toBe(false);
  });

  it('takes the share of finite values, beside infinite ones', () => {
    expect(of([-Infinity, 4, 2], [-Infinity, 4, 3])).toMatchObject({
      error: 0.25,
      ok: false,
      index: [2],
      expected: 2,
      actual: 3,
    });
  });

  it.each([
    [
      new Float64Array(5),
      new Float32Array(6),
      'deviation: expected must hold 6 values [2, 3], got 5',
    ],
    [
      new Float64Array(6),
      new Float32Array(7),
      'deviation: actual must hold 6 values [2, 3], got 7',
    ],
  ])('refuses arrays of another length', (expected, actual, message) => {
    expect(() => deviation(expected, actual, [2, 3])).toThrow(message);
  });
});
