import { describe, expect, it } from 'vitest';
import { buildOne, evaluate } from '../../test/fixtures/build_one.ts';
import { checkKernels } from '../../test/fixtures/check_kernels.ts';
import { useDevice } from '../../test/fixtures/device.ts';
import { exact } from '../../test/fixtures/rounding_bounds.ts';
import type { Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import type { Shape } from '../runtime/tensor.ts';
import { concat } from './concat.ts';

const device = useDevice();

function inputs(g: GraphBuilder, shapes: readonly Shape[]): readonly Value[] {
  return shapes.map((shape, i) => g.input(`input${i}`, shape));
}

describe('concat kernels', () => {
  it.each<[string, number, Shape[]]>([
    [
      '2 inputs along the channels',
      1,
      [
        [2, 3, 4, 5],
        [2, 7, 4, 5],
      ],
    ],
    [
      '4 inputs along the channels',
      1,
      [
        [1, 3, 3, 3],
        [1, 1, 3, 3],
        [1, 17, 3, 3],
        [1, 2, 3, 3],
      ],
    ],
    [
      '3 inputs along the rows',
      2,
      [
        [2, 3, 1, 5],
        [2, 3, 4, 5],
        [2, 3, 2, 5],
      ],
    ],
    [
      '2 inputs along the columns',
      3,
      [
        [2, 3, 4, 5],
        [2, 3, 4, 1],
      ],
    ],
    [
      '2 inputs along the images',
      0,
      [
        [1, 3, 4, 5],
        [2, 3, 4, 5],
      ],
    ],
    [
      '2 vectors',
      1,
      [
        [3, 10],
        [3, 70],
      ],
    ],
    ['1 input', 1, [[3, 10]]],
  ])('are exact for %s', async (_, axis, shapes) => {
    await checkKernels(device(), {
      op: 'concat',
      build: (g) => concat(g, inputs(g, shapes), axis),
      bound: exact,
    });
  });

  it('are exact for the same value twice', async () => {
    await checkKernels(device(), {
      op: 'concat',
      build(g) {
        const [x, other] = [g.input('x', [2, 3, 4, 4]), g.input('other', [2, 1, 4, 4])];
        return concat(g, [x, other, x]);
      },
      bound: exact,
    });
  });

  it('are exact where a dispatch has several rows of workgroups', async () => {
    await checkKernels(device(), {
      op: 'concat',
      build: (g) =>
        concat(
          g,
          inputs(g, [
            [2, 99, 3],
            [2, 120, 3],
          ]),
        ),
      bound: exact,
      workgroupsPerDimension: 4,
    });
  });
});

describe('concat reference', () => {
  it('puts the inputs one behind the other along the axis', () => {
    const data = { input0: [1, 2, 3, 4], input1: [5, 6] };
    const shapes = [
      [2, 2],
      [2, 1],
    ];
    expect(evaluate((g) => concat(g, inputs(g, shapes)), data)).toEqual([1, 2, 5, 3, 4, 6]);
  });
});

describe('concat shapes', () => {
  it('adds up the extents of the axis', () => {
    const node = buildOne((g) =>
      concat(
        g,
        inputs(g, [
          [1, 3, 4],
          [1, 3, 5],
          [1, 3, 1],
        ]),
        2,
      ),
    );
    expect(node.output.desc.shape).toEqual([1, 3, 10]);
  });

  it.each<[string, number, Shape[], string]>([
    [
      'extents that differ beside the axis',
      1,
      [
        [1, 3, 4, 4],
        [1, 5, 4, 5],
      ],
      'inputs must agree but for axis 1, got [1, 3, 4, 4] and [1, 5, 4, 5]',
    ],
    [
      'ranks that differ',
      1,
      [
        [1, 3, 4],
        [1, 3],
      ],
      'inputs must agree but for axis 1, got [1, 3, 4] and [1, 3]',
    ],
    ['axes that do not exist', 2, [[1, 3]], 'expects inputs with an axis 2, got [1, 3]'],
    ['no inputs', 1, [], 'expects inputs with an axis 1, got []'],
  ])('refuse %s', (_, axis, shapes, message) => {
    expect(() => buildOne((g) => concat(g.at('cat'), inputs(g, shapes), axis))).toThrow(
      expect.objectContaining({ name: 'ShapeError', message: `concat "cat": ${message}` }),
    );
  });
});
