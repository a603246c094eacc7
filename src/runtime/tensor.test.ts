import { describe, expect, it } from 'vitest';
import { ShapeError } from './errors.ts';
import {
  byteLength,
  elementCount,
  formatShape,
  nchw,
  rowsAndColumns,
  type Shape,
  shapesEqual,
  tensorDesc,
} from './tensor.ts';

describe('tensorDesc', () => {
  it('is f32, row-major', () => {
    expect(tensorDesc([2, 3])).toEqual({ shape: [2, 3], dtype: 'f32', layout: 'row-major' });
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
      `expected a feature map [N, C, H, W], got ${formatShape(shape)}`,
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
