import { describe, expect, it } from 'vitest';
import { buildOne, evaluate } from '../../test/fixtures/build_one.ts';
import { checkKernels } from '../../test/fixtures/check_kernels.ts';
import { useDevice } from '../../test/fixtures/device.ts';
import { exact } from '../../test/fixtures/rounding_bounds.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import { elementCount, type Shape } from '../runtime/tensor.ts';
import { relu } from './activations.ts';
import { maxPool2dIndices } from './max_pool2d_indices.ts';
import { maxUnpool } from './max_unpool.ts';
import { maxPool2d } from './pool2d.ts';

const device = useDevice();

/** Places of the output in no order, many of them twice, and some out of it. */
function places(shape: Shape, extent: number): Float32Array {
  return Float32Array.from(
    { length: elementCount(shape) },
    (_, i) => ((i * 37) % (extent + 4)) - 2,
  );
}

describe('max_unpool', () => {
  it.each<[Shape, size: Shape]>([
    [
      [2, 3, 3, 4],
      [6, 9],
    ],
    [
      [1, 1, 1, 1],
      [3, 1],
    ],
    [[2, 5, 7], [15]],
    [
      [1, 2, 2, 3, 2],
      [4, 5, 4],
    ],
    [
      [1, 3, 9, 9],
      [2, 2],
    ],
  ])('agrees with the reference: %j to %j', async (shape, size) => {
    const [images = 1, channels = 1] = shape;
    const indices = places(shape, images * channels * elementCount(size));
    await checkKernels(device(), {
      op: 'max_unpool',
      build: (g) => maxUnpool(g, g.input('x', shape), g.input('indices', shape), size),
      inputs: { indices },
      bound: exact,
      workgroupsPerDimension: 2,
    });
    await checkKernels(device(), {
      op: 'max_unpool',
      build: (g) =>
        relu(g.at('relu'), maxUnpool(g, g.input('x', shape), g.input('indices', shape), size)),
      inputs: { indices },
      bound: exact,
    });
  });

  it('puts back what was pooled', () => {
    const build = (g: GraphBuilder) => {
      const x = g.input('x', [1, 2, 2, 4]);
      const pooled = maxPool2d(g.at('pool'), x, { kernel: 2 });
      const indices = maxPool2dIndices(g.at('indices'), x, { kernel: 2 });
      return maxUnpool(g.at('unpool'), pooled, indices, [2, 4]);
    };
    const x = [1, 2, 3, 4, 5, 6, 7, 8, -4, -3, -2, -1, -8, -7, -6, -5];
    expect(evaluate(build, { x })).toEqual([0, 0, 0, 0, 0, 6, 0, 8, 0, -3, 0, -1, 0, 0, 0, 0]);
  });

  it('refuses shapes that do not go together', () => {
    const build = (indices: Shape, size: Shape) => () =>
      buildOne((g) =>
        maxUnpool(g.at('up'), g.input('x', [1, 2, 3, 3]), g.input('indices', indices), size),
      );
    expect(build([1, 2, 3, 4], [6, 6])).toThrow(
      'max_unpool "up": expects an index for each element of [1, 2, 3, 3], got [1, 2, 3, 4]',
    );
    expect(build([1, 2, 3, 3], [6])).toThrow(
      'max_unpool "up": size [6] does not name the axes of [1, 2, 3, 3]',
    );
    expect(build([1, 2, 3, 3], [6, 0])).toThrow('size must be integers >= 1, got [6, 0]');
  });
});
