import { describe, expect, it } from 'vitest';
import type { IndexMap } from '../../../shaders/lib/index_map.ts';
import { Random, seeds } from '../../../test/fixtures/random.ts';
import { randomMovement } from '../../../test/fixtures/random_movement.ts';
import { denseStrides, elementCount, type Shape, type View } from '../tensor.ts';
import {
  DepthToSpace,
  describeMovement,
  Expand,
  Flatten,
  indexMapInto,
  indexMapOf,
  type Movement,
  mixesBatch,
  moved,
  movedShape,
  Pad,
  Reshape,
  ShuffleChannels,
  Slice,
  SpaceToDepth,
  Squeeze,
  Tile,
  Transpose,
  Unsqueeze,
  viewBefore,
  viewOf,
} from './index.ts';

const reshape = (...extents: number[]): Movement => new Reshape({ extents });
const transpose = (...order: number[]): Movement => new Transpose({ order });
const slice = (axis: number, from: number, to: number | undefined, step = 1): Movement =>
  to === undefined ? new Slice({ axis, from, step }) : new Slice({ axis, from, to, step });
const pad = (before: number[], after: number[], value = 0): Movement =>
  new Pad({ before, after, value });
const expand = (...shape: number[]): Movement => new Expand({ shape });
const tile = (...repeats: number[]): Movement => new Tile({ repeats });
const flatten = (axis: number): Movement => new Flatten({ axis });
const squeeze = (...axes: number[]): Movement => new Squeeze({ axes });
const unsqueeze = (...axes: number[]): Movement => new Unsqueeze({ axes });
const depthToSpace = (block: number, order: 'DCR' | 'CRD'): Movement =>
  new DepthToSpace({ block, order });
const spaceToDepth = (block: number): Movement => new SpaceToDepth({ block });
const shuffle = (groups: number): Movement => new ShuffleChannels({ groups });

const full = (...extents: number[]) => extents.map((extent) => [0, extent] as const);

/** 1, 2, 3, ... so that 0 is none of them. */
const counted = (count: number) => Float64Array.from({ length: count }, (_, i) => i + 1);

describe('moved', () => {
  it.each<{ step: Movement; shape: Shape; to: Shape; elements: readonly number[] }>([
    { step: reshape(3, -1), shape: [2, 3], to: [3, 2], elements: [1, 2, 3, 4, 5, 6] },
    { step: flatten(1), shape: [1, 3, 2], to: [1, 6], elements: [1, 2, 3, 4, 5, 6] },
    { step: flatten(0), shape: [2, 3], to: [6], elements: [1, 2, 3, 4, 5, 6] },
    { step: flatten(2), shape: [2, 3], to: [2, 3, 1], elements: [1, 2, 3, 4, 5, 6] },
    { step: transpose(1, 0), shape: [2, 3], to: [3, 2], elements: [1, 4, 2, 5, 3, 6] },
    { step: transpose(1, 2, 0), shape: [2, 1, 3], to: [1, 3, 2], elements: [1, 4, 2, 5, 3, 6] },
    { step: slice(0, 1, 4, 2), shape: [5], to: [2], elements: [2, 4] },
    { step: slice(0, -2, undefined), shape: [5], to: [2], elements: [4, 5] },
    { step: slice(0, -99, 99, 3), shape: [5], to: [2], elements: [1, 4] },
    { step: slice(0, 99, undefined, -2), shape: [5], to: [3], elements: [5, 3, 1] },
    { step: slice(0, -1, -(2 ** 63), -3), shape: [5], to: [2], elements: [5, 2] },
    { step: slice(0, 3, 0, -1), shape: [5], to: [3], elements: [4, 3, 2] },
    { step: slice(1, 0, -1), shape: [2, 3], to: [2, 2], elements: [1, 2, 4, 5] },
    { step: pad([1], [2], 9), shape: [3], to: [6], elements: [9, 1, 2, 3, 9, 9] },
    { step: pad([0, -1], [0, 1], 9), shape: [2, 2], to: [2, 2], elements: [2, 9, 4, 9] },
    { step: pad([-4], [2], 9), shape: [3], to: [1], elements: [9] },
    {
      step: expand(2, 1, 3),
      shape: [2, 1],
      to: [2, 2, 3],
      elements: [1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2],
    },
    { step: expand(1), shape: [2, 2], to: [2, 2], elements: [1, 2, 3, 4] },
    { step: tile(2, 2), shape: [1, 2], to: [2, 4], elements: [1, 2, 1, 2, 1, 2, 1, 2] },
    {
      step: depthToSpace(2, 'DCR'),
      shape: [1, 8, 1, 1],
      to: [1, 2, 2, 2],
      elements: [1, 3, 5, 7, 2, 4, 6, 8],
    },
    {
      step: depthToSpace(2, 'CRD'),
      shape: [1, 8, 1, 1],
      to: [1, 2, 2, 2],
      elements: [1, 2, 3, 4, 5, 6, 7, 8],
    },
    {
      step: spaceToDepth(2),
      shape: [1, 2, 2, 2],
      to: [1, 8, 1, 1],
      elements: [1, 5, 2, 6, 3, 7, 4, 8],
    },
    { step: shuffle(3), shape: [1, 6], to: [1, 6], elements: [1, 3, 5, 2, 4, 6] },
    { step: squeeze(0, 2), shape: [1, 2, 1], to: [2], elements: [1, 2] },
    { step: unsqueeze(0, 2), shape: [2], to: [1, 2, 1], elements: [1, 2] },
  ])('$step of $shape is $elements', ({ step, shape, to, elements }) => {
    expect(movedShape([step], shape)).toEqual(to);
    expect([...moved([step], shape, counted(elementCount(shape)))]).toEqual(elements);
    checkLowered([step], shape);
  });

  it('has space_to_depth for the inverse of depth_to_space', () => {
    const x = counted(2 * 27 * 2 * 5);
    const steps = [depthToSpace(3, 'DCR'), spaceToDepth(3)];
    expect(moved(steps, [2, 27, 2, 5], x)).toEqual(x);
  });

  it('refuses data of another size', () => {
    expect(() => moved([], [2, 3], counted(5))).toThrow('[2, 3] does not hold 5 elements');
  });
});

describe('movedShape', () => {
  it.each<{ step: Movement; shape: Shape; message: string }>([
    {
      step: reshape(4),
      shape: [2, 3],
      message: '[2, 3] has 6 elements, which cannot be seen as [4]',
    },
    { step: reshape(-1, -1), shape: [4], message: 'cannot be seen as [-1, -1]' },
    { step: reshape(0, 6), shape: [2, 3], message: 'cannot be seen as [0, 6]' },
    { step: reshape(-2, -3), shape: [2, 3], message: 'cannot be seen as [-2, -3]' },
    { step: reshape(1.5, 4), shape: [2, 3], message: 'cannot be seen as [1.5, 4]' },
    { step: flatten(3), shape: [2, 3], message: '[2, 3] has no axis 3 to flatten from' },
    { step: transpose(0, 0), shape: [2, 3], message: '[0, 0] is no order of the axes of [2, 3]' },
    { step: transpose(0), shape: [2, 3], message: '[0] is no order of the axes of [2, 3]' },
    { step: slice(2, 0, 1), shape: [2, 3], message: '[2, 3] has no axis 2 to slice' },
    {
      step: slice(1, 3, 9),
      shape: [2, 3],
      message: 'slice 3:9:1 of axis 1 leaves nothing of [2, 3]',
    },
    { step: slice(1, 0, 1, 0), shape: [2, 3], message: 'a step other than 0' },
    { step: slice(1, Number.NaN, 1), shape: [2, 3], message: 'needs integers' },
    { step: pad([1], [1]), shape: [2, 3], message: 'an integer for each axis of [2, 3]' },
    { step: pad([0, -2], [0, -1]), shape: [2, 3], message: 'positive integers, got [2, 0]' },
    { step: pad([0], [0], Number.NaN), shape: [2], message: 'padding with NaN' },
    { step: expand(4, 3), shape: [2, 3], message: '[2, 3] cannot be expanded to [4, 3]' },
    { step: expand(0, 1), shape: [1, 3], message: 'positive integers, got [0, 1]' },
    { step: expand(2 ** 40), shape: [1], message: 'more than 2147483647 elements' },
    { step: expand(...Array<number>(9).fill(1)), shape: [1], message: 'more than 8 axes' },
    { step: expand(2 ** 60), shape: [1], message: 'positive integers' },
    { step: tile(0.5), shape: [2], message: 'a number for each axis of [2]' },
    { step: tile(65536, 32768), shape: [1, 1], message: 'more than 2147483647 elements' },
    { step: depthToSpace(2, 'DCR'), shape: [1, 6, 2, 2], message: 'is no feature map' },
    {
      step: depthToSpace(2, 'CRD'),
      shape: [4, 2],
      message: '[4, 2] is no feature map',
    },
    { step: spaceToDepth(2), shape: [1, 1, 2, 3], message: 'is no feature map' },
    { step: spaceToDepth(0), shape: [1, 1, 2, 3], message: 'is no feature map' },
    { step: shuffle(4), shape: [1, 6], message: 'the channels of [1, 6] are not 4 groups' },
    { step: shuffle(1), shape: [6], message: 'the channels of [6] are not 1 groups' },
    { step: squeeze(1), shape: [1, 2], message: 'axes [1] of [1, 2] are not all 1' },
    { step: squeeze(0, 0), shape: [1, 2], message: 'axes [0, 0] of [1, 2] are not all 1' },
    { step: unsqueeze(3), shape: [1, 2], message: '[3] are no axes to add to [1, 2]' },
  ])('refuses $step of $shape: $message', ({ step, shape, message }) => {
    expect(() => movedShape([step], shape)).toThrow(message);
    expect(() => indexMapOf([step], shape)).toThrow(message);
  });
});

describe('indexMapOf', () => {
  it.each<{ claim: string; steps: readonly Movement[]; shape: Shape; map: Partial<IndexMap> }>([
    {
      claim: 'a copy is one axis',
      steps: [],
      shape: [2, 3, 1, 5],
      map: { extents: [30], strides: [1] },
    },
    { claim: 'one element is one axis', steps: [], shape: [], map: { extents: [1], strides: [1] } },
    {
      claim: 'to channels last',
      steps: [transpose(0, 2, 3, 1)],
      shape: [2, 3, 5, 7],
      map: { extents: [2, 35, 3], strides: [105, 1, 35], offset: 0 },
    },
    {
      claim: 'a reshape across a transpose refines',
      steps: [transpose(0, 2, 1), reshape(2, -1), reshape(2, 5, 3)],
      shape: [2, 3, 5],
      map: { extents: [2, 5, 3], strides: [15, 1, 5] },
    },
    {
      claim: 'tokens of an attention, split in heads',
      steps: [transpose(1, 0, 2), reshape(5, 2, 2, 4), transpose(1, 2, 0, 3)],
      shape: [2, 5, 8],
      map: { extents: [2, 2, 5, 4], strides: [40, 4, 8, 1] },
    },
    {
      claim: 'channels shuffled',
      steps: [shuffle(3)],
      shape: [2, 6, 5, 5],
      map: { extents: [2, 2, 3, 25], strides: [150, 25, 50, 1] },
    },
    {
      claim: 'reversed',
      steps: [slice(1, -1, undefined, -1)],
      shape: [2, 3],
      map: { extents: [2, 3], strides: [3, -1], offset: 2 },
    },
    {
      claim: 'reversed along all axes is one axis',
      steps: [slice(1, -1, undefined, -1), slice(0, -1, undefined, -1)],
      shape: [2, 3],
      map: { extents: [6], strides: [-1], offset: 5 },
    },
    {
      claim: 'repeated',
      steps: [tile(1, 4)],
      shape: [2, 3],
      map: { extents: [2, 4, 3], strides: [3, 0, 1], offset: 0 },
    },
    {
      claim: 'padded along the outer axis is one axis',
      steps: [pad([1, 0], [2, 0], 7)],
      shape: [2, 3],
      map: { extents: [15], strides: [1], offset: -3, bounds: [[3, 9]], fill: 7 },
    },
    {
      claim: 'padded twice with one value',
      steps: [pad([1, 0], [0, 0], 7), transpose(1, 0), pad([0, 1], [1, 0], 7)],
      shape: [2, 3],
      map: {
        extents: [4, 4],
        strides: [1, 3],
        offset: -6,
        bounds: [
          [0, 3],
          [2, 4],
        ],
        fill: 7,
      },
    },
    {
      claim: 'padding that is cut off again',
      steps: [pad([1], [1], 7), slice(0, 1, -1), pad([0], [1], 8)],
      shape: [3],
      map: { extents: [4], strides: [1], offset: 0, bounds: [[0, 3]], fill: 8 },
    },
    {
      claim: 'nothing but padding',
      steps: [pad([4], [0], 7), slice(0, 0, 4), reshape(2, 2)],
      shape: [3],
      map: { extents: [4], strides: [0], bounds: [[0, 0]], fill: 7 },
    },
    {
      claim: 'a reshape that only the next one would have to cut in pieces',
      steps: [transpose(1, 0), reshape(3, 2), reshape(2, 3), transpose(1, 0)],
      shape: [3, 2],
      map: { extents: [6], strides: [1] },
    },
    {
      claim: 'a window of few rows, seen as one axis and cut in blocks again',
      steps: [pad([2, 0], [2, 0], 7), reshape(-1), reshape(3, 6)],
      shape: [2, 3],
      map: { extents: [18], strides: [1], offset: -6, bounds: [[6, 12]], fill: 7 },
    },
  ])('$claim', ({ steps, shape, map }) => {
    const found = indexMapOf(steps, shape);
    expect(found).toMatchObject({ bounds: full(...(map.extents ?? [])), fill: 0, ...map });
    checkLowered(steps, shape);
  });

  it.each<{ claim: string; steps: readonly Movement[]; shape: Shape }>([
    {
      claim: 'rows of another length across a transpose',
      steps: [transpose(1, 0), reshape(3, 2), transpose(1, 0)],
      shape: [3, 2],
    },
    { claim: 'two values', steps: [pad([1], [0], 7), pad([0], [1], 8)], shape: [3] },
    {
      claim: 'padded rows in other rows',
      steps: [pad([0, 1], [0, 0]), reshape(3, 2), transpose(1, 0)],
      shape: [2, 2],
    },
    {
      claim: 'padding of half rows',
      steps: [transpose(1, 0), reshape(-1), pad([1], [0])],
      shape: [3, 2],
    },
  ])('is none for $claim', ({ steps, shape }) => {
    expect(indexMapOf(steps, shape)).toBeUndefined();
  });

  it('reads a view, channels as rows of a matrix', () => {
    // [2, 3, 1, 5] with 10 pixels a channel, padded to 12.
    const view = { offset: 4, strides: [5, 12, 5, 1] };
    expect(indexMapOf([], [2, 3, 1, 5], view)).toMatchObject({
      extents: [2, 3, 5],
      strides: [5, 12, 1],
      offset: 4,
    });
    expect(indexMapOf([transpose(1, 0, 2, 3)], [2, 3, 1, 5], view)).toMatchObject({
      extents: [3, 10],
      strides: [12, 1],
    });
    checkLowered([transpose(1, 0, 2, 3), flatten(1)], [2, 3, 1, 5], view);
  });

  it('refuses a view of another rank', () => {
    expect(() => indexMapOf([], [2, 3], { offset: 0, strides: [1] })).toThrow(
      '1 strides for 2 axes',
    );
  });
});

describe('indexMapInto', () => {
  it('splits the axes that the output does not have as one', () => {
    // Channels 2 and 3 of 7.
    const found = indexMapInto({ offset: 10, strides: [35, 5, 1] }, [], [3, 2, 5]);
    expect(found).toEqual({
      map: { extents: [3, 10], strides: [10, 1], offset: 0, bounds: full(3, 10), fill: 0 },
      target: { offset: 10, strides: [35, 1] },
    });
  });

  it('is none where the axes of both cross', () => {
    const rows = { offset: 0, strides: [9, 1] };
    const steps = [transpose(1, 0), reshape(3, 2)];
    expect(indexMapOf(steps, [3, 2])).toBeDefined();
    expect(indexMapInto(rows, steps, [3, 2])).toBeUndefined();
  });
});

describe('viewOf', () => {
  it.each<{ steps: readonly Movement[]; shape: Shape; view?: View; to: View | undefined }>([
    { steps: [], shape: [2, 3], to: { offset: 0, strides: [3, 1] } },
    { steps: [], shape: [], to: { offset: 0, strides: [] } },
    { steps: [reshape(3, 1, 2)], shape: [2, 3], to: { offset: 0, strides: [2, 2, 1] } },
    { steps: [unsqueeze(0, 3)], shape: [2, 3], to: { offset: 0, strides: [6, 3, 1, 1] } },
    { steps: [transpose(1, 0)], shape: [2, 3], to: { offset: 0, strides: [1, 3] } },
    { steps: [slice(1, 1, 3)], shape: [2, 3], to: { offset: 1, strides: [3, 1] } },
    { steps: [slice(1, 1, undefined, 2)], shape: [2, 6], to: { offset: 1, strides: [6, 2] } },
    { steps: [pad([0, -1], [0, -1])], shape: [2, 3], to: { offset: 1, strides: [3, 1] } },
    { steps: [pad([1], [1]), slice(0, 1, 4)], shape: [3], to: { offset: 0, strides: [1] } },
    {
      steps: [slice(1, 1, undefined, -1), slice(1, -1, undefined, -1)],
      shape: [2, 2],
      to: { offset: 0, strides: [2, 1] },
    },
    { steps: [tile(1, 1)], shape: [2, 3], to: { offset: 0, strides: [3, 1] } },
    {
      steps: [flatten(1)],
      shape: [2, 2, 3],
      view: { offset: 1, strides: [99, 6, 2] },
      to: { offset: 1, strides: [99, 2] },
    },
    {
      steps: [flatten(1)],
      shape: [2, 2, 3],
      view: { offset: 1, strides: [99, 7, 2] },
      to: undefined,
    },
    {
      steps: [flatten(0)],
      shape: [2, 1, 3],
      view: { offset: 1, strides: [3, 99, 1] },
      to: { offset: 1, strides: [1] },
    },
    { steps: [transpose(1, 0), flatten(0)], shape: [2, 3], to: undefined },
    { steps: [slice(0, -1, undefined, -1)], shape: [3], to: undefined },
    { steps: [expand(2, 3)], shape: [3], to: undefined },
    { steps: [tile(2)], shape: [3], to: undefined },
    { steps: [pad([1], [0])], shape: [3], to: undefined },
    { steps: [shuffle(2)], shape: [1, 4, 3], to: undefined },
  ])('$steps of $shape', ({ steps, shape, view, to }) => {
    expect(viewOf(steps, shape, view)).toEqual(to);
    checkLowered(steps, shape, view);
  });
});

describe('mixesBatch', () => {
  it.each<[boolean, Movement, Shape]>([
    [false, reshape(2, -1), [2, 3, 5]],
    [true, reshape(6, -1), [2, 3, 5]],
    [false, flatten(1), [2, 3]],
    [true, flatten(0), [1, 3]],
    [false, transpose(0, 2, 1), [2, 3, 5]],
    [true, transpose(1, 0), [2, 2]],
    [false, slice(1, 0, 1), [2, 3]],
    [false, slice(0, 0, undefined), [2, 3]],
    [true, slice(0, -1, undefined, -1), [2, 3]],
    [false, pad([0, 1], [0, 1]), [2, 3]],
    [true, pad([1, 0], [-1, 0]), [2, 3]],
    [false, expand(2, 3), [2, 1]],
    [true, expand(2, 3), [1, 3]],
    [false, expand(1, 1, 3), [1, 3]],
    [false, tile(1, 2), [2, 3]],
    [true, tile(2, 1), [2, 3]],
    [false, depthToSpace(2, 'CRD'), [2, 4, 1, 1]],
    [false, spaceToDepth(2), [2, 4, 2, 2]],
    [false, shuffle(2), [2, 4, 2, 2]],
    [false, squeeze(1), [2, 1]],
    [false, squeeze(0), [1, 1]],
    [true, unsqueeze(0), [2, 3]],
  ])('is %s for %o of %o', (mixes, step, shape) => {
    expect(mixesBatch([step], shape)).toBe(mixes);
    expect(mixesBatch([tile(...shape.map(() => 1)), step], shape)).toBe(mixes);
  });

  it.each(seeds(300))('keeps images apart where it says so, seed %i', (seed) => {
    const { shape, steps } = randomMovement(new Random(seed));
    const [batch = 1] = shape;
    if (shape.length === 0 || mixesBatch(steps, shape)) return;
    const images = Float64Array.from(
      { length: elementCount(shape) },
      (_, i) => Math.floor((i * batch) / elementCount(shape)) + 10,
    );
    const result = moved(steps, shape, images);
    const owners = result.map((_, i) => Math.floor((i * batch) / result.length) + 10);
    expect([...result].every((image, i) => image < 10 || image === owners[i])).toBe(true);
  });
});

describe('describeMovement', () => {
  it('is short', () => {
    expect(describeMovement([transpose(0, 2, 3, 1), reshape(1, -1)])).toBe(
      'transpose [0, 2, 3, 1], reshape [1, -1]',
    );
    expect(describeMovement([slice(1, 0, undefined, 2), pad([0, 1], [0, 2], 7)])).toBe(
      'slice 0::2 of axis 1, pad [0, 1] before, [0, 2] after with 7',
    );
    expect(describeMovement([])).toBe('copy');
  });
});

describe('random movements', () => {
  it('are mapped as they are moved', () => {
    const counts = { all: 0, mapped: 0, views: 0, before: 0, possible: 0, missed: 0 };
    for (const seed of seeds(1000)) {
      const random = new Random(seed);
      const { shape, steps } = randomMovement(random);
      const view = random.chance(0.3) ? randomView(random, shape) : undefined;
      const { map, asView, before } = checkLowered(steps, shape, view, `seed ${seed}`);
      counts.all++;
      if (map) counts.mapped++;
      if (asView) counts.views++;
      if (before) counts.before++;
      const padded = steps.some(({ kind }) => kind === 'pad');
      if (padded || !isAffine(sourcesOf(steps, shape, view))) continue;
      counts.possible++;
      if (!map) counts.missed++;
    }
    expect(counts.mapped / counts.all).toBeGreaterThan(0.9);
    expect(counts.views / counts.all).toBeGreaterThan(0.1);
    expect(counts.before / counts.all).toBeGreaterThan(0.1);
    // Where there is an affine map, by trying all, it is found.
    expect(counts.missed / counts.possible).toBeLessThan(0.01);
  });
});

/** Fails where the lowered steps move other than the reference does. */
function checkLowered(steps: readonly Movement[], shape: Shape, view?: View, who = '') {
  const sources = sourcesOf(steps, shape, view);
  const text = `${who} ${describeMovement(steps)} of [${shape.join(', ')}]`;
  const map = indexMapOf(steps, shape, view);
  if (map) {
    const fills = map.bounds.some(([from, to], axis) => from > 0 || to < (map.extents[axis] ?? 0));
    expect(mappedSources(map), text).toEqual(sources);
    expect(map.extents.length === 1 || !map.extents.includes(1), `${text}: extents of 1`).toBe(
      true,
    );
    expect(fills || map.fill === 0, `${text}: fill`).toBe(true);
  }
  // Every output in rows of an odd stride.
  const to = movedShape(steps, shape);
  const strides = denseStrides(to).map((stride, axis) => (axis < to.length - 1 ? 3 : 1) * stride);
  const into = indexMapInto({ offset: 7, strides }, steps, shape, view);
  if (into) {
    const identity = {
      ...into.target,
      extents: into.map.extents,
      bounds: full(...into.map.extents),
    };
    expect(mappedSources(into.map), text).toEqual(sources);
    expect(mappedSources({ ...identity, fill: 0 }), text).toEqual(
      mappedSources({ offset: 7, strides, extents: to, bounds: full(...to), fill: 0 }),
    );
  }
  const before = viewBefore(steps, shape, { offset: 7, strides });
  if (before) {
    // What is written there is where the result has it.
    const whole = (extents: Shape) => ({ extents, bounds: full(...extents), fill: 0 });
    const written = mappedSources({ ...before, ...whole(shape) });
    const places = mappedSources({ offset: 7, strides, ...whole(to) });
    const from = sourcesOf(steps, shape);
    expect(
      from.map((source) => written[source]),
      text,
    ).toEqual(places);
    expect(new Set(written).size, text).toBe(places.length);
  }
  const asView = viewOf(steps, shape, view);
  if (asView) {
    const bounds = to.map((extent) => [0, extent] as const);
    expect(asView.strides.length, text).toBe(to.length);
    expect(
      asView.strides.every((stride) => stride > 0),
      text,
    ).toBe(true);
    expect(mappedSources({ ...asView, extents: to, bounds, fill: 0 }), text).toEqual(sources);
    expect(map, text).toBeDefined();
  }
  return { map, asView, before };
}

/** Where in memory each element comes from, or -1 less the fill: fills are at least 0 here. */
function sourcesOf(steps: readonly Movement[], shape: Shape, view?: View): readonly number[] {
  const { offset, strides } = view ?? { offset: 0, strides: denseStrides(shape) };
  const bounds = shape.map((extent) => [0, extent] as const);
  const memory = mappedSources({ offset, strides, extents: shape, bounds, fill: 0 });
  const negative = steps.map((step) =>
    step instanceof Pad ? new Pad({ ...step, value: -1 - step.value }) : step,
  );
  return [...moved(negative, shape, Float64Array.from(memory))];
}

function mappedSources({ extents, strides, offset, bounds, fill }: IndexMap): readonly number[] {
  return Array.from({ length: elementCount(extents) }, (_, at) => {
    let [rest, source, inside] = [at, offset, true];
    for (let axis = extents.length - 1; axis >= 0; axis--) {
      const extent = extents[axis] ?? 1;
      const [from, to] = bounds[axis] ?? [0, 0];
      const i = rest % extent;
      rest = Math.floor(rest / extent);
      source += i * (strides[axis] ?? Number.NaN);
      inside &&= i >= from && i < to;
    }
    return inside ? source : -1 - fill;
  });
}

/** Axes in any order in memory, with gaps. */
function randomView(random: Random, shape: Shape): View {
  const strides = shape.map(() => 0);
  const order = shape.map((_, axis) => axis);
  let stride = random.pick([1, 1, 2]);
  while (order.length > 0) {
    const [axis = 0] = order.splice(
      random.chance(0.7) ? order.length - 1 : random.int(0, order.length - 1),
      1,
    );
    strides[axis] = stride;
    stride = stride * (shape[axis] ?? 1) + random.pick([0, 0, 3]);
  }
  return { offset: random.int(0, 5), strides };
}

/** Whether numbers are an affine function of the digits of their position, in some mixed radix: tries all. */
function isAffine(numbers: readonly number[]): boolean {
  if (numbers.length === 1) return true;
  return primeFactors(numbers.length).some((extent) => {
    const stride = (numbers[1] ?? 0) - (numbers[0] ?? 0);
    const outer = numbers.filter((_, at) => at % extent === 0);
    const even = numbers.every(
      (number, at) => number === (outer[Math.floor(at / extent)] ?? 0) + (at % extent) * stride,
    );
    return even && isAffine(outer);
  });
}

function primeFactors(count: number): readonly number[] {
  const factors: number[] = [];
  for (let factor = 2, rest = count; rest > 1; factor++) {
    if (rest % factor === 0) factors.push(factor);
    while (rest % factor === 0) rest /= factor;
  }
  return factors;
}
