import { describe, expect, it } from 'vitest';
import { buildOne, evaluate } from '../../test/fixtures/build_one.ts';
import { checkKernels, type KernelCase } from '../../test/fixtures/check_kernels.ts';
import { useDevice } from '../../test/fixtures/device.ts';
import { exact, mean, type RoundingBound } from '../../test/fixtures/rounding_bounds.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import type { Shape } from '../runtime/tensor.ts';
import { reduce } from './reduce.ts';

const device = useDevice();

function check(build: KernelCase['build'], bound: RoundingBound = exact): Promise<void> {
  return checkKernels(device(), { op: 'reduce', build, bound, workgroupsPerDimension: 5 });
}

describe('reduce', () => {
  it.each<[Shape, number, number]>([
    [[7], 0, 1],
    [[2, 3, 5, 7], 2, 4],
    [[2, 130, 3], 1, 2],
    [[4, 3, 200], 0, 2],
  ])('%j over axes %i to %i: mean and maximum', async (shape, from, to) => {
    const length = shape.slice(from, to).reduce((a, b) => a * b, 1);
    for (const kind of ['mean', 'max'] as const) {
      const build = (g: GraphBuilder) =>
        reduce(g, g.input('x', shape), { kind, from, to, keepAxes: true });
      await check(build, kind === 'mean' ? mean(length) : exact);
    }
  });

  it('drops axes, or keeps them with an extent of 1', () => {
    const shapeFor = (keepAxes: boolean) =>
      buildOne((g) => reduce(g, g.input('x', [2, 3, 5]), { kind: 'max', from: 1, to: 2, keepAxes }))
        .output.desc.shape;
    expect([shapeFor(true), shapeFor(false)]).toEqual([
      [2, 1, 5],
      [2, 5],
    ]);
  });

  it('is the mean or the maximum', () => {
    const of = (kind: 'mean' | 'max') => (g: GraphBuilder) =>
      reduce(g, g.input('x', [2, 2, 2]), { kind, from: 1, to: 2, keepAxes: false });
    const x = [1, 2, 3, 4, 5, 6, 7, 9];
    expect(evaluate(of('mean'), { x })).toEqual([2, 3, 6, 7.5]);
    expect(evaluate(of('max'), { x })).toEqual([3, 4, 7, 9]);
  });

  it.each([
    [2, 2],
    [1, 4],
    [-1, 2],
    [0.5, 2],
  ])('refuses axes %d to %d of three', (from, to) => {
    const build = (g: GraphBuilder) =>
      reduce(g.at('mean'), g.input('x', [2, 3, 5]), { kind: 'mean', from, to, keepAxes: true });
    expect(() => buildOne(build)).toThrow(
      expect.objectContaining({
        name: 'ShapeError',
        message: `reduce "mean": axes ${from} to ${to} are not axes of [2, 3, 5]`,
      }),
    );
  });
});
