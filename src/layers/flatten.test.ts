import { describe, expect, it } from 'vitest';
import { buildOne, evaluate } from '../../test/fixtures/build_one.ts';
import { checkKernels } from '../../test/fixtures/check_kernels.ts';
import { useDevice } from '../../test/fixtures/device.ts';
import { exact } from '../../test/fixtures/rounding_bounds.ts';
import type { Shape } from '../runtime/tensor.ts';
import { flatten } from './flatten.ts';

const device = useDevice();

describe('flatten', () => {
  it.each<[Shape, number, Shape]>([
    [[2, 3, 4, 5], 1, [2, 60]],
    [[2, 3, 4, 5], 0, [120]],
    [[2, 3, 4, 5], 2, [2, 3, 20]],
    [[2, 3, 4, 5], 4, [2, 3, 4, 5, 1]],
    [[7, 3], 1, [7, 3]],
  ])('of %j from axis %d is %j', (shape, axis, expected) => {
    const node = buildOne((g) => flatten(g, g.input('x', shape), axis));
    expect(node.output.desc.shape).toEqual(expected);
  });

  it('keeps the elements in row-major order, in the reference', () => {
    const x = [1, 2, 3, 4, 5, 6, 7, 8];
    expect(evaluate((g) => flatten(g, g.input('x', [2, 2, 1, 2])), { x })).toEqual(x);
  });

  it('is exact on the GPU, where it runs nothing', async () => {
    await checkKernels(device(), {
      op: 'flatten',
      build: (g) => flatten(g, g.input('x', [2, 3, 5, 7])),
      bound: exact,
    });
  });

  it.each([5, -1, 1.5])('refuses axis %d of a feature map', (axis) => {
    expect(() => buildOne((g) => flatten(g.at('flat'), g.input('x', [2, 3, 4, 5]), axis))).toThrow(
      expect.objectContaining({
        name: 'ShapeError',
        message: `flatten "flat": axis ${axis} is not between 0 and the rank of [2, 3, 4, 5]`,
      }),
    );
  });
});
