import { describe, expect, it } from 'vitest';
import { buildOne, evaluate } from '../../test/fixtures/build_one.ts';
import { checkKernels, type KernelCase } from '../../test/fixtures/check_kernels.ts';
import { useDevice } from '../../test/fixtures/device.ts';
import { dotProduct } from '../../test/fixtures/rounding_bounds.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import type { Shape } from '../runtime/tensor.ts';
import { relu } from './activations.ts';
import { add } from './arithmetic.ts';
import { matmul } from './matmul.ts';
import { transpose } from './rearrange.ts';

const device = useDevice();

function check(build: KernelCase['build']): Promise<void> {
  return checkKernels(device(), {
    op: 'matmul',
    build,
    bound: dotProduct,
    workgroupsPerDimension: 5,
  });
}

describe('matmul', () => {
  it.each<[Shape, Shape, boolean, boolean]>([
    [[1, 1], [1, 1], false, false],
    [[3, 70], [70, 5], false, false],
    [[70, 3], [70, 5], true, false],
    [[3, 70], [5, 70], false, true],
    [[70, 3], [5, 70], true, true],
    [[2, 3, 4, 5], [5, 6], false, false],
    [[6, 4], [2, 3, 4, 5], false, false],
    [[2, 3, 4, 5], [2, 3, 5, 6], false, false],
    [[3, 1, 4], [3, 6, 4], false, true],
    [[2, 1, 11, 8], [3, 8, 12], false, false],
    [[1, 3, 9, 8], [2, 1, 13, 8], false, true],
    [[2, 8, 17], [8, 12], true, false],
    [[5, 67], [67, 41], false, false],
  ])('%j times %j, transposed %s and %s', async (a, b, transposeA, transposeB) => {
    const options = { transposeA, transposeB, scale: 0.5 };
    const build = (g: GraphBuilder) => matmul(g, g.input('a', a), g.input('b', b), options);
    await check(build);
  });

  it('computes an epilogue, of matrices that are broadcast', async () => {
    await check((g) => {
      const product = matmul(g, g.input('a', [2, 1, 5, 8]), g.input('b', [3, 8, 9]));
      return relu(g.at('relu'), add(g.at('sum'), product, g.input('c', [3, 1, 1])));
    });
  });

  it('reads a transposed factor as it lies', async () => {
    await check((g) => {
      const [a, b] = [g.input('a', [2, 9, 3, 8]), g.input('b', [2, 11, 3, 8])];
      const heads = transpose(g.at('heads'), a, [0, 2, 1, 3]);
      return matmul(g, heads, transpose(g.at('keys'), b, [0, 2, 3, 1]));
    });
  });

  it('broadcasts stacks', () => {
    const build = (g: GraphBuilder) =>
      matmul(g, g.input('a', [2, 1, 1, 1]), g.input('b', [3, 1, 1]));
    expect(evaluate(build, { a: [1, 10], b: [2, 3, 4] })).toEqual([2, 3, 4, 20, 30, 40]);
  });

  it('is the product of matrices', () => {
    const build = (g: GraphBuilder) => matmul(g, g.input('a', [2, 2]), g.input('b', [2, 2]));
    expect(evaluate(build, { a: [1, 2, 3, 4], b: [5, 6, 7, 8] })).toEqual([19, 22, 43, 50]);
  });

  it('refuses matrices that cannot be multiplied', () => {
    const build = (g: GraphBuilder) =>
      matmul(g.at('fc'), g.input('a', [2, 3]), g.input('b', [2, 3]));
    expect(() => buildOne(build)).toThrow(
      'matmul "fc": expects matrices that can be multiplied, got [2, 3] and [2, 3]',
    );
  });
});
