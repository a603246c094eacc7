import { describe, expect, it } from 'vitest';
import { buildOne, evaluate } from '../../test/fixtures/build_one.ts';
import { checkKernels } from '../../test/fixtures/check_kernels.ts';
import { useDevice } from '../../test/fixtures/device.ts';
import { oneRounding } from '../../test/fixtures/rounding_bounds.ts';
import type { Shape } from '../runtime/tensor.ts';
import { add } from './add.ts';
import { relu } from './relu.ts';

const device = useDevice();

const SHAPES: readonly Shape[] = [[1], [5, 63], [2, 3, 5, 7], [1, 17, 8, 8]];

describe('add kernels', () => {
  it.each(SHAPES.map((shape) => [shape]))('agree with the reference for %j', async (shape) => {
    await checkKernels(device(), {
      op: 'add',
      build: (g) => add(g, g.input('a', shape), g.input('b', shape)),
      bound: oneRounding,
    });
  });

  it('agree with the reference with a relu behind', async () => {
    await checkKernels(device(), {
      op: 'add',
      build: (g) => relu(g, add(g, g.input('a', [2, 3, 5, 7]), g.input('b', [2, 3, 5, 7]))),
      bound: oneRounding,
    });
  });

  it('agree with the reference for a value added to itself', async () => {
    await checkKernels(device(), {
      op: 'add',
      build(g) {
        const x = g.input('x', [2, 3, 5, 7]);
        return add(g, x, x);
      },
      bound: oneRounding,
    });
  });

  it('agree with the reference where a dispatch has several rows of workgroups', async () => {
    await checkKernels(device(), {
      op: 'add',
      build: (g) => add(g, g.input('a', [7, 99]), g.input('b', [7, 99])),
      bound: oneRounding,
      workgroupsPerDimension: 4,
    });
  });
});

describe('add reference', () => {
  it('adds element by element', () => {
    const y = evaluate((g) => add(g, g.input('a', [2, 2]), g.input('b', [2, 2])), {
      a: [1, 2, 3, 4],
      b: [10, -20, 30, -40],
    });
    expect(y).toEqual([11, -18, 33, -36]);
  });
});

describe('add shapes', () => {
  it.each<[Shape, Shape]>([
    [
      [1, 256, 56, 56],
      [1, 256, 28, 28],
    ],
    [
      [1, 64, 1, 1],
      [1, 64],
    ],
  ])('refuses %j and %j', (a, b) => {
    expect(() => buildOne((g) => add(g.at('sum'), g.input('a', a), g.input('b', b)))).toThrow(
      expect.objectContaining({
        name: 'ShapeError',
        message: `add "sum": expects two equal shapes, got [${a.join(', ')}] and [${b.join(', ')}]`,
      }),
    );
  });
});
