import { describe, expect, it } from 'vitest';
import { buildOne, evaluate } from '../../test/fixtures/build_one.ts';
import { checkKernels, type KernelCase } from '../../test/fixtures/check_kernels.ts';
import { useDevice } from '../../test/fixtures/device.ts';
import { exact } from '../../test/fixtures/rounding_bounds.ts';
import type { Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import { Expand, Flatten, Pad, Slice, Tile, Transpose } from '../runtime/movement/index.ts';
import type { Shape } from '../runtime/tensor.ts';
import { flatten } from './flatten.ts';
import {
  depthToSpace,
  rearrange,
  reshapeTo,
  shuffleChannels,
  slice,
  split,
  transpose,
} from './rearrange.ts';

const device = useDevice();

type Build = (g: GraphBuilder, x: Value) => Value;

const shapeOf = (shape: Shape, build: Build): Shape =>
  buildOne((g) => build(g, g.input('x', shape))).output.desc.shape;

/** What becomes of 0, 1, 2, ... */
const of = (shape: Shape, build: Build): readonly number[] => {
  const count = shape.reduce((product, extent) => product * extent, 1);
  const x = Array.from({ length: count }, (_, i) => i);
  return evaluate((g) => build(g, g.input('x', shape)), { x });
};

describe('rearrange kernels', () => {
  const check = (build: KernelCase['build'], more: Partial<KernelCase> = {}): Promise<void> =>
    checkKernels(device(), { op: 'rearrange', build, bound: exact, ...more });

  it.each<[string, Shape, Build]>([
    ['a flattening', [2, 3, 5, 7], (g, x) => flatten(g, x)],
    ['a flattening of one pixel', [3, 5, 1, 1], (g, x) => flatten(g, x)],
    ['another shape', [2, 3, 4, 5], (g, x) => reshapeTo(g, x, [6, -1])],
    ['channels last', [2, 3, 5, 7], (g, x) => transpose(g, x, [0, 2, 3, 1])],
    ['images and channels swapped', [2, 3, 5, 4], (g, x) => transpose(g, x, [1, 0, 2, 3])],
    ['some channels', [2, 7, 3, 5], (g, x) => slice(g, x, 1, 2, 5)],
    [
      'every other column, from the last on',
      [2, 3, 4, 7],
      (g, x) => slice(g, x, 3, -1, undefined, -2),
    ],
    ['one image', [3, 2, 3, 5], (g, x) => slice(g, x, 0, 1, 2)],
    ['a pixel shuffle', [2, 8, 3, 5], (g, x) => depthToSpace(g, x, 2)],
    ['a pixel shuffle as TensorFlow has it', [1, 18, 2, 3], (g, x) => depthToSpace(g, x, 3, 'DCR')],
    ['a channel shuffle', [2, 6, 3, 5], (g, x) => shuffleChannels(g, x, 3)],
    ['a channel shuffle of whole fours', [1, 6, 2, 2], (g, x) => shuffleChannels(g, x, 2)],
    [
      'a padding',
      [2, 3, 5],
      (g, x) => rearrange(g, x, [new Pad({ before: [0, 1, 2], after: [0, 0, 1], value: 0.5 })]),
    ],
    ['a repetition', [2, 1, 3], (g, x) => rearrange(g, x, [new Expand({ shape: [4, 3] })])],
    ['tiles', [2, 3], (g, x) => rearrange(g, x, [new Tile({ repeats: [1, 3] })])],
    [
      'several steps at once',
      [2, 3, 4, 5],
      (g, x) =>
        rearrange(g, x, [
          new Slice({ axis: 2, from: 1, step: 2 }),
          new Transpose({ order: [0, 2, 3, 1] }),
          new Flatten({ axis: 1 }),
        ]),
    ],
    ['one step after another', [2, 3, 4], (g, x) => transpose(g, slice(g, x, 2, 1), [0, 2, 1])],
  ])('are exact for %s', (_, shape, build) => check((g) => build(g, g.input('x', shape))));

  it('are exact where a dispatch has several rows of workgroups', () =>
    check((g) => transpose(g, g.input('x', [37, 41]), [1, 0]), { workgroupsPerDimension: 5 }));
});

describe('rearrange shapes', () => {
  it.each<[Shape, number, Shape]>([
    [[2, 3, 4, 5], 1, [2, 60]],
    [[2, 3, 4, 5], 0, [120]],
    [[2, 3, 4, 5], 2, [2, 3, 20]],
    [[2, 3, 4, 5], 4, [2, 3, 4, 5, 1]],
    [[7, 3], 1, [7, 3]],
  ])('flattened, %j is from axis %d on %j', (shape, axis, expected) => {
    expect(shapeOf(shape, (g, x) => flatten(g, x, axis))).toEqual(expected);
  });

  it('find the extent that is left open', () => {
    expect(shapeOf([2, 3, 4], (g, x) => reshapeTo(g, x, [-1, 6]))).toEqual([4, 6]);
  });

  it.each<[string, Shape, Build, string]>([
    ...[5, -1, 1.5].map((axis): [string, Shape, Build, string] => [
      `flattening from axis ${axis}`,
      [2, 3, 4, 5],
      (g, x) => flatten(g, x, axis),
      `[2, 3, 4, 5] has no axis ${axis} to flatten from`,
    ]),
    [
      'another number of elements',
      [2, 3],
      (g, x) => reshapeTo(g, x, [4, -1]),
      '[2, 3] has 6 elements, which cannot be seen as [4, -1]',
    ],
    [
      'an order that is none',
      [2, 3],
      (g, x) => transpose(g, x, [0, 0]),
      '[0, 0] is no order of the axes of [2, 3]',
    ],
    [
      'slices of nothing',
      [2, 3],
      (g, x) => slice(g, x, 1, 3),
      'slice 3::1 of axis 1 leaves nothing of [2, 3]',
    ],
    [
      'a step that leaves nothing, after others',
      [2, 1, 10],
      (g, x) =>
        rearrange(g, x, [
          new Transpose({ order: [0, 1, 2] }),
          new Slice({ axis: 1, from: 1, step: 1 }),
        ]),
      'slice 1::1 of axis 1 leaves nothing of [2, 1, 10]',
    ],
    ['slices of no axis', [2, 3], (g, x) => slice(g, x, 2, 0), '[2, 3] has no axis 2 to slice'],
    [
      'channels that are no groups',
      [1, 4, 2, 2],
      (g, x) => shuffleChannels(g, x, 3),
      'the channels of [1, 4, 2, 2] are not 3 groups',
    ],
    [
      'channels that are no blocks',
      [1, 6, 2, 2],
      (g, x) => depthToSpace(g, x, 2),
      '[1, 6, 2, 2] is no feature map whose channels are 2 x 2 blocks',
    ],
  ])('refuse %s', (_, shape, build, message) => {
    expect(() => buildOne((g) => build(g.at('moved'), g.input('x', shape)))).toThrow(
      expect.objectContaining({ name: 'ShapeError', message: `rearrange "moved": ${message}` }),
    );
  });
});

describe('rearrange reference', () => {
  it('keeps the elements in row-major order where only the shape is another', () => {
    expect(of([2, 2, 1, 2], (g, x) => flatten(g, x))).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it.each<[string, Shape, Build, number[]]>([
    ['transpose', [2, 3], (g, x) => transpose(g, x, [1, 0]), [0, 3, 1, 4, 2, 5]],
    ['slice', [2, 4], (g, x) => slice(g, x, 1, 1, -1), [1, 2, 5, 6]],
    ['slice backwards', [4], (g, x) => slice(g, x, 0, -1, undefined, -2), [3, 1]],
    ['shuffle', [1, 4, 1, 1], (g, x) => shuffleChannels(g, x, 2), [0, 2, 1, 3]],
    // PyTorch's pixel_shuffle: the four channels of a pixel are its block, row by row.
    ['pixel shuffle', [1, 4, 1, 2], (g, x) => depthToSpace(g, x, 2), [0, 2, 1, 3, 4, 6, 5, 7]],
  ])('%s gives the values worked out by hand', (_, shape, build, expected) => {
    expect(of(shape, build)).toEqual(expected);
  });

  it('depth_to_space takes the place in a block from the inner or the outer part of a channel', () => {
    const first = (order: 'CRD' | 'DCR') =>
      of([1, 8, 1, 1], (g, x) => depthToSpace(g, x, 2, order)).slice(0, 4);
    expect(first('CRD')).toEqual([0, 1, 2, 3]);
    expect(first('DCR')).toEqual([0, 2, 4, 6]);
  });

  it('split gives the parts in their order', () => {
    const part = (i: number) =>
      of([1, 5], (g, x) => {
        const parts = split(g, x, [2, 3]);
        return parts[i] ?? x;
      });
    expect([part(0), part(1)]).toEqual([
      [0, 1],
      [2, 3, 4],
    ]);
  });

  it.each([[[1, 2]], [[3, 3]], [[-1, 6]], [[2.5, 2.5]], [[]]])(
    'split refuses parts %j of 5',
    (parts) => {
      const build = () => of([1, 5], (g, x) => split(g, x, parts)[0] ?? x);
      expect(build).toThrow(
        `split "split": parts [${parts.join(', ')}] must be positive and add up to axis 1 of [1, 5]`,
      );
    },
  );
});
