import { describe, expect, it } from 'vitest';
import { buildOne, evaluate } from '../../test/fixtures/build_one.ts';
import { checkKernels } from '../../test/fixtures/check_kernels.ts';
import { useDevice } from '../../test/fixtures/device.ts';
import { exact } from '../../test/fixtures/rounding_bounds.ts';
import type { Shape } from '../runtime/tensor.ts';
import { topElements } from './top_k.ts';

const device = useDevice();

describe('top_k kernels', () => {
  it.each<[string, Shape, number]>([
    ['one element', [1, 1], 1],
    ['all of a row', [1, 10], 10],
    ['several rows', [5, 33], 7],
    ['fewer elements than invocations', [2, 3], 2],
    ['the classes of ImageNet', [3, 1000], 10],
    ['more than a workgroup finds places for', [2, 3000], 700],
  ])('agree with the reference for %s', async (_, shape, k) => {
    await checkKernels(device(), {
      op: 'top_k',
      build: (g) => topElements(g, g.input('x', shape), k),
      bound: exact,
    });
  });

  it('agree with the reference where a dispatch has several rows of workgroups', async () => {
    await checkKernels(device(), {
      op: 'top_k',
      build: (g) => topElements(g, g.input('x', [7, 9]), 3),
      bound: exact,
      workgroupsPerDimension: 2,
    });
  });

  it('take the lower index among equals, and order zeros, infinities and negatives', async () => {
    const inf = Number.POSITIVE_INFINITY;
    const x = Float32Array.of(-1, 0, -0, 2, 2, -inf, 1, 2, -1, 0, 1, -inf);
    await checkKernels(device(), {
      op: 'top_k',
      build: (g) => topElements(g, g.input('x', [2, 6]), 5),
      bound: exact,
      inputs: { x: x.map((value) => Math.max(value, -60000)) },
    });
  });
});

describe('top_k kernels, where keys do not tell elements apart,', () => {
  it.each<[string, number, number, (i: number) => number]>([
    ['take the first of all, beyond 65,536', 70_000, 300, () => 0.5],
    ['take all of the largest and the first of the next', 1000, 400, (i) => i % 3],
    ['take exactly all of the largest', 999, 333, (i) => i % 3],
    ['take those at the end, too', 1000, 999, (i) => (i < 3 ? -1 : 1)],
    ['take neighbours that differ in the last bit', 1000, 500, (i) => 1 + ((i * 7) % 4) * 2 ** -10],
  ])('%s', async (_, length, k, of) => {
    for (const order of ['largest', 'least'] as const) {
      await checkKernels(device(), {
        op: 'top_k',
        build: (g) => topElements(g, g.input('x', [1, length]), k, order),
        bound: exact,
        inputs: { x: Float32Array.from({ length }, (_, i) => of(i)) },
      });
    }
  });
});

describe('top_k reference', () => {
  const top = (x: readonly number[], k: number) =>
    evaluate((g) => topElements(g, g.input('x', [1, x.length]), k), { x });

  it('gives values with their indices, the lower among equals', () => {
    expect(top([1, 3, 2, 3], 3)).toEqual([3, 1, 3, 3, 2, 2]);
  });

  it('names the first element that is not a number', () => {
    expect(top([1, Number.NaN, Number.NaN], 1)).toEqual([Number.NaN, -2]);
  });
});

describe('top_k shapes', () => {
  it.each<[string, Shape, number, string]>([
    ['k = 0', [1, 3], 0, 'k is an integer from 1 to the 3 elements of a row, got 0'],
    ['k beyond the row', [1, 3], 4, 'k is an integer from 1 to the 3 elements of a row, got 4'],
    ['maps', [1, 3, 2, 2], 1, 'expects rows [N, C], got [1, 3, 2, 2]'],
    [
      'endless rows',
      [1, 2 ** 24 + 1],
      1,
      'indices of 16777217 elements are not exact; at most 16777216 are, so give fewer at once',
    ],
  ])('refuse %s', (_, shape, k, message) => {
    expect(() => buildOne((g) => topElements(g.at('best'), g.input('x', shape), k))).toThrow(
      expect.objectContaining({ name: 'ShapeError', message: `top_k "best": ${message}` }),
    );
  });

  it('go up to rows whose last index is still exact', () => {
    const { output } = buildOne((g) => topElements(g, g.input('x', [1, 2 ** 24]), 1));
    expect(output.desc.shape).toEqual([1, 1, 2]);
  });
});
