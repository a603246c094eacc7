import { describe, expect, it } from 'vitest';
import { buildOne, evaluate } from '../../test/fixtures/build_one.ts';
import { checkKernels } from '../../test/fixtures/check_kernels.ts';
import { useDevice } from '../../test/fixtures/device.ts';
import { exact } from '../../test/fixtures/rounding_bounds.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import { elementCount, type Shape } from '../runtime/tensor.ts';
import { relu } from './activations.ts';
import { type MaxPool2dIndicesOptions, maxPool2dIndices } from './max_pool2d_indices.ts';

const device = useDevice();

/** With many equal values, zeros of both signs among them, and infinities. */
function withEquals(shape: Shape): Float32Array {
  const values = [3, -0, 0, -3, 3, Number.NEGATIVE_INFINITY, 1, -3];
  return Float32Array.from({ length: elementCount(shape) }, (_, i) => values[(i * 7) % 8] ?? 0);
}

describe('max_pool2d_indices', () => {
  it.each<[Shape, MaxPool2dIndicesOptions]>([
    [[2, 3, 7, 6], { kernel: 2 }],
    [[1, 2, 9, 11], { kernel: 3, stride: 2, padding: 1 }],
    [
      [1, 2, 9, 8],
      { kernel: [3, 2], stride: [1, 3], padding: { top: 1, left: 0, bottom: 2, right: 1 } },
    ],
    [[2, 1, 8, 9], { kernel: 3, stride: 2, ceilMode: true }],
    [[1, 3, 10, 9], { kernel: [2, 3], stride: 1, dilation: [3, 2] }],
    [[3, 2, 1, 1], { kernel: 1 }],
    [[1, 1, 5, 5], { kernel: 5, padding: 2, stride: 1 }],
  ])('agrees with the reference for %j by %j', async (shape, options) => {
    for (const order of ['rows', 'columns'] as const) {
      for (const inputs of [{}, { x: withEquals(shape) }]) {
        await checkKernels(device(), {
          op: 'max_pool2d_indices',
          build: (g) => maxPool2dIndices(g, g.input('x', shape), { ...options, order }),
          inputs,
          bound: exact,
          workgroupsPerDimension: 2,
        });
      }
    }
  });

  it('finds what is not a number', async () => {
    const x = new Float32Array(2 * 36).fill(1);
    x[7] = Number.NaN;
    x[8] = Number.POSITIVE_INFINITY;
    await checkKernels(device(), {
      op: 'max_pool2d_indices',
      build: (g) => maxPool2dIndices(g, g.input('x', [1, 2, 6, 6]), { kernel: 3 }),
      inputs: { x },
      bound: exact,
      variants: [],
    });
  });

  it('fuses what follows', async () => {
    await checkKernels(device(), {
      op: 'max_pool2d_indices',
      build: (g) =>
        relu(g.at('relu'), maxPool2dIndices(g, g.input('x', [2, 3, 5, 5]), { kernel: 2 })),
      bound: exact,
    });
  });

  const build = (order: 'rows' | 'columns') => (g: GraphBuilder) =>
    maxPool2dIndices(g, g.input('x', [1, 2, 2, 3]), { kernel: 2, stride: 1, order });

  it('counts through all of the tensor, row by row or column by column', () => {
    const x = [0, 9, 0, 0, 0, 0, 5, 5, 5, 5, 5, 6];
    expect(evaluate(build('rows'), { x })).toEqual([1, 1, 6, 11]);
    expect(evaluate(build('columns'), { x })).toEqual([2, 2, 6, 11]);
  });

  it('refuses what has more elements than indices can say', () => {
    const build = (g: GraphBuilder) =>
      maxPool2dIndices(g.at('where'), g.input('x', [5, 64, 256, 256]), { kernel: 2 });
    expect(() => buildOne(build)).toThrow(
      'max_pool2d_indices "where": indices of 20971520 elements are not exact; at most 16777216 are, so give fewer at once',
    );
  });
});
