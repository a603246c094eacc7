import { describe, expect, it } from 'vitest';
import { buildOne, evaluate } from '../../test/fixtures/build_one.ts';
import { checkKernels, type KernelCase } from '../../test/fixtures/check_kernels.ts';
import { useDevice } from '../../test/fixtures/device.ts';
import { exact } from '../../test/fixtures/rounding_bounds.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import type { Shape } from '../runtime/tensor.ts';
import { pad2d } from './pad2d.ts';

const device = useDevice();

function check(build: KernelCase['build']): Promise<void> {
  return checkKernels(device(), { op: 'pad2d', build, bound: exact, workgroupsPerDimension: 5 });
}

describe('pad2d', () => {
  const x: Shape = [2, 3, 5, 4];
  const sides = [
    { top: 1, left: 2, bottom: 3, right: 0 },
    { top: -1, left: 1, bottom: 0, right: -2 },
  ];

  it.each(
    (['constant', 'edge', 'wrap', 'reflect'] as const).flatMap((mode) =>
      sides.map((padding) => [mode, padding] as const),
    ),
  )('%s by %j is exact', async (mode, padding) => {
    const build = (g: GraphBuilder) => pad2d(g, g.input('x', x), padding, { mode, value: 0.25 });
    await check(build);
  });

  it('reflects without repeating the edge', () => {
    const padding = { top: 0, left: 2, bottom: 0, right: 1 };
    const build = (g: GraphBuilder) =>
      pad2d(g, g.input('x', [1, 1, 1, 3]), padding, { mode: 'reflect' });
    expect(evaluate(build, { x: [1, 2, 3] })).toEqual([3, 2, 1, 2, 3, 2]);
  });

  it('wraps round as often as it takes', () => {
    const padding = { top: 0, left: 4, bottom: 0, right: 4 };
    const build = (g: GraphBuilder) =>
      pad2d(g, g.input('x', [1, 1, 1, 3]), padding, { mode: 'wrap' });
    expect(evaluate(build, { x: [1, 2, 3] })).toEqual([3, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1]);
  });

  it('refuses to reflect further than the image, and to leave nothing', () => {
    const padded = (top: number, mode: 'reflect' | 'constant') => () =>
      buildOne((g) =>
        pad2d(g.at('pad'), g.input('x', x), { top, left: 0, bottom: 0, right: 0 }, { mode }),
      );
    expect(padded(5, 'reflect')).toThrow(/reflected padding must be less than the 5 x 4/);
    expect(padded(-5, 'constant')).toThrow(/leaves nothing of 5 rows/);
  });
});
