import { describe, expect, it } from 'vitest';
import { buildOne, evaluate } from '../../test/fixtures/build_one.ts';
import { checkKernels, type KernelCase } from '../../test/fixtures/check_kernels.ts';
import { useDevice } from '../../test/fixtures/device.ts';
import { localResponseNorm as bound } from '../../test/fixtures/rounding_bounds.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import type { Shape } from '../runtime/tensor.ts';
import { type LocalResponseNormAttributes, localResponseNorm } from './local_response_norm.ts';

const device = useDevice();

function check(build: KernelCase['build']): Promise<void> {
  return checkKernels(device(), {
    op: 'local_response_norm',
    build,
    bound,
    workgroupsPerDimension: 5,
  });
}

describe('local_response_norm', () => {
  it.each<[Shape, number]>([
    [[1, 1, 2, 2], 3],
    [[2, 7, 3, 5], 5],
    [[2, 7, 3, 5], 4],
    [[1, 3, 4], 9],
  ])('%j over %i channels agrees with the reference', async (shape, size) => {
    const build = (g: GraphBuilder) =>
      localResponseNorm(g, g.input('x', shape), { size, alpha: 0.5, beta: 0.75, bias: 2 });
    await check(build);
  });

  it('is x / (bias + alpha / size * sum of squares)^beta', () => {
    const build = (g: GraphBuilder) =>
      localResponseNorm(g, g.input('x', [1, 3, 1]), { size: 2, alpha: 2, beta: 0.5, bias: 1 });
    // Of two channels, one is in front of the middle for sizes that are odd, else behind it.
    const [a, b, c] = [2, 4, 0];
    expect(evaluate(build, { x: [a, b, c] })).toEqual([
      a / Math.sqrt(1 + a * a + b * b),
      b / Math.sqrt(1 + b * b + c * c),
      0,
    ]);
  });

  it.each<[string, Shape, Partial<LocalResponseNormAttributes>, string]>([
    ['vectors', [3], {}, 'expects an input [N, C, ...], got [3]'],
    ['no channels', [1, 3, 4], { size: 0 }, 'size must be integers >= 1, got [0]'],
    ['what is no number', [1, 3, 4], { beta: Number.NaN }, 'beta must be finite, got NaN'],
  ])('refuses %s', (_, shape, options, message) => {
    const build = (g: GraphBuilder) =>
      localResponseNorm(g.at('lrn'), g.input('x', shape), { size: 3, ...options });
    expect(() => buildOne(build)).toThrow(
      expect.objectContaining({
        name: 'ShapeError',
        message: `local_response_norm "lrn": ${message}`,
      }),
    );
  });
});
