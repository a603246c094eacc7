import { describe, expect, it } from 'vitest';
import { buildOne, evaluate } from '../../test/fixtures/build_one.ts';
import { checkKernels } from '../../test/fixtures/check_kernels.ts';
import { useDevice } from '../../test/fixtures/device.ts';
import { batchNorm as batchNormBound } from '../../test/fixtures/rounding_bounds.ts';
import type { Shape } from '../runtime/tensor.ts';
import { relu } from './activations.ts';
import { batchNorm, batchNormOp } from './batch_norm.ts';

const device = useDevice();

describe('batch_norm kernels', () => {
  it.each<[string, Shape]>([
    ['feature maps', [2, 5, 7, 3]],
    ['vectors', [3, 17]],
    ['one pixel', [1, 33, 1, 1]],
    ['sequences', [2, 3, 11]],
  ])('agree with the reference for %s', async (_, shape) => {
    await checkKernels(device(), {
      op: 'batch_norm',
      build: (g) => batchNorm(g.at('norm'), g.input('x', shape)),
      bound: batchNormBound,
    });
  });

  it.each<[string, Shape]>([
    ['feature maps', [2, 5, 7, 3]],
    ['vectors', [3, 17]],
  ])('agree with the reference for %s with a relu behind', async (_, shape) => {
    await checkKernels(device(), {
      op: 'batch_norm',
      build: (g) => relu(g, batchNorm(g.at('norm'), g.input('x', shape))),
      bound: batchNormBound,
    });
  });

  it('agree with the reference for another epsilon', async () => {
    await checkKernels(device(), {
      op: 'batch_norm',
      build: (g) => batchNorm(g.at('norm'), g.input('x', [2, 5, 3, 3]), 0.125),
      bound: batchNormBound,
    });
  });

  it('agree with the reference where a dispatch has several rows of workgroups', async () => {
    await checkKernels(device(), {
      op: 'batch_norm',
      build: (g) => batchNorm(g.at('norm'), g.input('x', [1, 7, 9, 11])),
      bound: batchNormBound,
      workgroupsPerDimension: 4,
    });
  });
});

describe('batch_norm reference', () => {
  const weights = {
    'norm.weight': [2, 3],
    'norm.bias': [10, 20],
    'norm.running_mean': [1, -1],
    'norm.running_var': [3, 0],
  };

  it('is an affine map of each channel', () => {
    const y = evaluate((g) => batchNorm(g.at('norm'), g.input('x', [2, 2, 1, 2]), 1), {
      ...weights,
      x: [1, 2, 3, 4, 5, 6, 7, 8],
    });
    // Channel 0: (x - 1) * 2 / sqrt(3 + 1) + 10; channel 1: (x + 1) * 3 / sqrt(0 + 1) + 20.
    expect(y).toEqual([10, 11, 32, 35, 14, 15, 44, 47]);
  });

  it('takes axis 1 of vectors for the channels', () => {
    const y = evaluate((g) => batchNorm(g.at('norm'), g.input('x', [2, 2]), 1), {
      ...weights,
      x: [1, 2, 3, 4],
    });
    expect(y).toEqual([10, 29, 12, 35]);
  });
});

describe('batch_norm shapes', () => {
  it('reads weight, bias, running_mean and running_var at its path', () => {
    const { inputs, output } = buildOne((g) => batchNorm(g.at('a').at(0), g.input('x', [1, 7, 2])));
    expect(Object.values(inputs).map(({ name, desc }) => [name, desc.shape])).toEqual([
      ['x', [1, 7, 2]],
      ['a.0.weight', [7]],
      ['a.0.bias', [7]],
      ['a.0.running_mean', [7]],
      ['a.0.running_var', [7]],
    ]);
    expect(output.desc.shape).toEqual([1, 7, 2]);
  });

  it('refuses inputs without an axis of channels', () => {
    expect(() => buildOne((g) => batchNorm(g.at('norm'), g.input('x', [7])))).toThrow(
      expect.objectContaining({
        name: 'ShapeError',
        message: 'batch_norm "norm": expects an input [N, C, ...], got [7]',
      }),
    );
  });

  it.each(['weight', 'bias', 'running_mean', 'running_var'])(
    'refuses a %s of another length',
    (role) => {
      expect(() =>
        buildOne((g) => {
          const x = g.input('x', [1, 64, 4, 4]);
          const { inputs } = buildOne((other) => batchNorm(other, other.input('x', [1, 64, 4, 4])));
          const short = g.weight('short', [32]);
          return g.at('bn1').add(batchNormOp, { epsilon: 0 }, { ...inputs, x, [role]: short });
        }),
      ).toThrow(
        expect.objectContaining({
          name: 'ShapeError',
          message: `batch_norm "bn1": expects ${role} [64], got [32]`,
        }),
      );
    },
  );
});
