import { describe, expect, it } from 'vitest';
import { ShapeError } from './errors.ts';
import {
  byteLength,
  channelMajor,
  copyRowMajor,
  denseStrides,
  elementCount,
  elementSpan,
  formatShape,
  mapStrides,
  mapStridesOf,
  nchw,
  rowsAndColumns,
  type Shape,
  shapesEqual,
  storedElements,
  type TensorDesc,
  tensorDesc,
  viewOfDesc,
  withView,
} from './tensor.ts';

describe('tensorDesc', () => {
  it('is f32, and dense', () => {
    expect(tensorDesc([2, 3])).toEqual({ shape: [2, 3], dtype: 'f32' });
  });

  it.each<Shape[]>([[[1, 0, 2]], [[1, -1]], [[1.5]], [[Number.NaN]], [[2 ** 53]]])(
    'refuses %j',
    (shape) => {
      expect(() => tensorDesc(shape)).toThrow(ShapeError);
    },
  );
});

describe('shapes', () => {
  it('have as many elements as the product of their extents, and 4 bytes for each', () => {
    expect(elementCount([2, 3, 4])).toBe(24);
    expect(elementCount([])).toBe(1);
    expect(byteLength(tensorDesc([2, 3, 4]))).toBe(96);
  });

  it('are equal extent by extent', () => {
    expect(shapesEqual([1, 2], [1, 2])).toBe(true);
    expect(shapesEqual([1, 2], [2, 1])).toBe(false);
    expect(shapesEqual([1, 2], [1, 2, 1])).toBe(false);
  });

  it('are written in brackets', () => {
    expect(formatShape([1, 64, 56, 56])).toBe('[1, 64, 56, 56]');
  });
});

describe('nchw', () => {
  it('names the extents', () => {
    expect(nchw([1, 2, 3, 4])).toEqual({ batch: 1, channels: 2, height: 3, width: 4 });
  });

  it.each<Shape[]>([[[1, 2, 3]], [[1, 2, 3, 4, 5]], [[]]])('refuses %j', (shape) => {
    expect(() => nchw(shape)).toThrow(
      `expects a feature map [N, C, H, W], got ${formatShape(shape)}`,
    );
  });
});

describe('rowsAndColumns', () => {
  it('gives both extents', () => {
    expect(rowsAndColumns([5, 7])).toEqual([5, 7]);
  });

  it('refuses other ranks', () => {
    expect(() => rowsAndColumns([5])).toThrow('expected a matrix [rows, columns], got [5]');
  });
});

describe('views', () => {
  it('of a dense tensor say where its elements follow one another', () => {
    expect(denseStrides([2, 3, 4])).toEqual([12, 4, 1]);
    expect(viewOfDesc(tensorDesc([2, 3, 4]))).toEqual({ offset: 0, strides: [12, 4, 1] });
  });

  it('are left out where they say no more than the shape', () => {
    const desc = tensorDesc([2, 1, 4]);
    expect(withView(desc, { offset: 0, strides: [4, 99, 1] })).toEqual(desc);
    const shifted = { offset: 4, strides: [4, 4, 1] };
    expect(withView(desc, shifted)).toEqual({ ...desc, view: shifted });
    expect(withView({ ...desc, view: shifted }, { offset: 0, strides: [4, 4, 1] })).toEqual(desc);
  });

  it('take the memory between the first element and the last, up to whole fours', () => {
    const desc = withView(tensorDesc([2, 3]), { offset: 5, strides: [10, 2] });
    expect(elementSpan(desc)).toBe(15);
    expect(storedElements(desc)).toBe(16);
    expect(byteLength(desc)).toBe(64);
    expect(byteLength({ ...desc, dtype: 'f16' })).toBe(32);
  });

  it('that are channel-major put the pixels of all images of a channel together', () => {
    const desc = withView(tensorDesc([2, 3, 1, 3]), channelMajor([2, 3, 1, 3]));
    // Six pixels and padding to whole fours.
    expect(desc.view).toEqual({ offset: 0, strides: [3, 8, 3, 1] });
    expect(storedElements(desc)).toBe(24);
    const same = tensorDesc([1, 3, 2, 2]);
    expect(withView(same, channelMajor(same.shape))).toEqual(same);
  });

  it('of maps are the distances of their planes, which must be dense', () => {
    const part = { offset: 24, strides: [72, 12, 4, 1] };
    const desc = withView(tensorDesc([2, 2, 3, 4]), part);
    expect(mapStrides(desc)).toEqual({ offset: 24, image: 72, channel: 12 });
    expect(mapStrides(tensorDesc([2, 5]))).toEqual({ offset: 0, image: 5, channel: 1 });
    const turned = withView(tensorDesc([2, 2, 4, 3]), { ...part, strides: [72, 12, 1, 4] });
    expect(mapStridesOf(turned)).toBeUndefined();
    expect(mapStridesOf(tensorDesc([5]))).toBeUndefined();
    expect(() => mapStrides(turned)).toThrow('expected planes of a map, got [2, 2, 4, 3]');
  });
});

describe('copyRowMajor', () => {
  const stored = Float32Array.from({ length: 40 }, (_, i) => i);

  function copied(desc: TensorDesc): readonly number[] {
    const target = new Float32Array(elementCount(desc.shape));
    copyRowMajor(desc, stored.subarray(0, storedElements(desc)), target);
    return [...target];
  }

  it('copies dense tensors as they are', () => {
    expect(copied(tensorDesc([2, 3]))).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it.each<[string, Shape, readonly number[], readonly number[]]>([
    ['a part of rows', [2, 3], [5, 1], [0, 1, 2, 5, 6, 7]],
    ['a transposed matrix', [3, 2], [1, 4], [0, 4, 1, 5, 2, 6]],
    ['every other column', [2, 2], [8, 2], [0, 2, 8, 10]],
    ['channel-major maps', [2, 2, 1, 3], [3, 8, 3, 1], [0, 1, 2, 8, 9, 10, 3, 4, 5, 11, 12, 13]],
  ])('copies %s row by row', (_, shape, strides, expected) => {
    // From the first element on: the offset is where the memory begins.
    expect(copied(withView(tensorDesc(shape), { offset: 7, strides }))).toEqual(expected);
  });
});
