import { describe, expect, it } from 'vitest';
import { ShapeError } from './errors.ts';
import {
  byteLength,
  copyRowMajor,
  elementCount,
  formatShape,
  nchw,
  rowsAndColumns,
  type Shape,
  shapesEqual,
  storedOrder,
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

describe('storedOrder', () => {
  const rowMajor = Float32Array.from({ length: 2 * 3 * 1 * 3 }, (_, i) => i + 1);

  it('leaves row-major tensors as they are', () => {
    expect(storedOrder(tensorDesc([2, 3, 1, 3]), rowMajor)).toBe(rowMajor);
  });

  it('puts the pixels of all images of a channel together, padded to whole fours, and back', () => {
    const desc = { ...tensorDesc([2, 3, 1, 3]), layout: 'channel-major' } as const;
    const stored = storedOrder(desc, rowMajor);
    expect([...stored.subarray(0, 8)]).toEqual([1, 2, 3, 10, 11, 12, 0, 0]);
    expect(stored.byteLength).toBe(byteLength(desc));
    const back = new Float32Array(rowMajor.length);
    copyRowMajor(desc, stored, back);
    expect(back).toEqual(rowMajor);
  });
});
