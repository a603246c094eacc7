import { describe, expect, it } from 'vitest';
import { buildOne, evaluate } from '../../test/fixtures/build_one.ts';
import { checkKernels } from '../../test/fixtures/check_kernels.ts';
import { useDevice } from '../../test/fixtures/device.ts';
import { exact, gridSample as sampled } from '../../test/fixtures/rounding_bounds.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import type { Shape } from '../runtime/tensor.ts';
import { relu } from './activations.ts';
import { type GridSampleAttributes, gridSample } from './grid_sample.ts';

const device = useDevice();

const SHAPES: readonly [x: Shape, grid: Shape][] = [
  [
    [2, 3, 5, 7],
    [2, 4, 3, 2],
  ],
  [
    [1, 2, 1, 4],
    [1, 1, 9, 2],
  ],
  [
    [1, 2, 3, 4, 5],
    [1, 2, 3, 2, 3],
  ],
];

describe('grid_sample', () => {
  const check = (x: Shape, grid: Shape, options: Partial<GridSampleAttributes>) =>
    checkKernels(device(), {
      op: 'grid_sample',
      build: (g) =>
        relu(g.at('relu'), gridSample(g, g.input('x', x), g.input('grid', grid), options)),
      bound: options.filter === 'nearest' ? exact : sampled,
      workgroupsPerDimension: 3,
    });

  it.each(SHAPES)('agrees with the reference: %j at %j', async (x, grid) => {
    for (const filter of ['nearest', 'linear', 'cubic'] as const) {
      await check(x, grid, { filter });
      await check(x, grid, { filter, padding: 'border', alignCorners: true });
      await check(x, grid, { filter, padding: 'reflection' });
      await check(x, grid, { filter, padding: 'reflection', alignCorners: true });
    }
  });

  const row = (places: readonly number[], options: Partial<GridSampleAttributes>) =>
    evaluate(
      (g) =>
        gridSample(
          g,
          g.input('x', [1, 1, 1, 4]),
          g.input('grid', [1, 1, places.length, 2]),
          options,
        ),
      { x: [1, 2, 3, 4], grid: places.flatMap((place) => [place, 0]) },
    );

  it('takes -1 and 1 as edges, or as centres, of the corner pixels', () => {
    expect(row([-1, -0.75, 0, 1], {})).toEqual([0.5, 1, 2.5, 2]);
    expect(row([-1, 0, 1], { alignCorners: true })).toEqual([1, 2.5, 4]);
  });

  it('has zeros, the border or the mirrored map outside', () => {
    // Pixels -2 and 5.
    const places = [-1.75, 1.75];
    expect(row(places, {})).toEqual([0, 0]);
    expect(row(places, { padding: 'border' })).toEqual([1, 4]);
    expect(row(places, { padding: 'reflection' })).toEqual([2, 3]);
  });

  it('refuses shapes that do not go together', () => {
    const build = (g: GraphBuilder) =>
      gridSample(g.at('warp'), g.input('x', [2, 3, 5, 7]), g.input('grid', [1, 4, 4, 2]));
    expect(() => buildOne(build)).toThrow(
      'grid_sample "warp": expects [N, C, H, W] and a grid [N, P, Q, 2], got [2, 3, 5, 7] and [1, 4, 4, 2]',
    );
  });
});
