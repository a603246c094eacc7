import { describe, expect, it } from 'vitest';
import { evaluate } from '../../test/fixtures/build_one.ts';
import { checkKernels } from '../../test/fixtures/check_kernels.ts';
import { useDevice } from '../../test/fixtures/device.ts';
import { exact } from '../../test/fixtures/rounding_bounds.ts';
import type { Shape } from '../runtime/tensor.ts';
import { relu } from './relu.ts';

const device = useDevice();

const SHAPES: readonly Shape[] = [[1], [5, 63], [2, 3, 5, 7], [1, 17, 8, 8]];

describe('relu kernels', () => {
  it.each(SHAPES.map((shape) => [shape]))('are exact for %j', async (shape) => {
    await checkKernels(device(), {
      op: 'relu',
      build: (g) => relu(g, g.input('x', shape)),
      bound: exact,
    });
  });

  it('are exact where a dispatch has several rows of workgroups', async () => {
    await checkKernels(device(), {
      op: 'relu',
      build: (g) => relu(g, g.input('x', [7, 99])),
      bound: exact,
      workgroupsPerDimension: 4,
    });
  });
});

describe('relu reference', () => {
  it('is max(x, 0)', () => {
    expect(evaluate((g) => relu(g, g.input('x', [4])), { x: [-1, 0, 0.5, 3] })).toEqual([
      0, 0, 0.5, 3,
    ]);
  });
});
