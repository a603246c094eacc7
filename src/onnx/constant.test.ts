import { describe, expect, it } from 'vitest';
import { constant } from './constant.ts';
import { isElementType } from './element_type.ts';

describe('constant', () => {
  it('holds numbers under a shape, in f64', () => {
    const made = constant([2, 2], new Set([1, 0.1, 2 ** 53 - 1, -3]), 'double');
    expect(made).toMatchObject({ name: '', shape: [2, 2], type: 'double' });
    expect([...made.numbers()]).toEqual([1, 0.1, 2 ** 53 - 1, -3]);
  });

  it.each<[what: string, shape: unknown, values: unknown, type: unknown, message: string]>([
    ['no shape', '2', [1, 2], 'int64', 'constant: shape must be an array of extents, got 2'],
    ['no numbers', [2], 5, 'int64', 'constant: values must be numbers, got 5'],
    [
      'no type',
      [2],
      [1, 2],
      'float8',
      "constant: type must be an ElementType, such as 'float32', got float8",
    ],
    [
      'too few',
      [2, 3],
      [1, 2],
      'int64',
      'constant: shape and values: [2, 3] has 6 elements, got 2',
    ],
    ['texts', [2], ['1', '2'], 'int64', 'constant: shape and values: [2] has 2 elements, got 2'],
  ])('refuses %s', (_, shape, values, type, message) => {
    const make = () => Reflect.apply(constant, undefined, [shape, values, type]);
    expect(make).toThrow(expect.objectContaining({ message }));
  });
});

describe('isElementType', () => {
  it.each([
    ['float32', true],
    ['bfloat16', true],
    ['bool', true],
    ['uint64', true],
    ['float8', false],
    ['FLOAT', false],
    [undefined, false],
  ])('%s: %s', (type, expected) => {
    expect(isElementType(type)).toBe(expected);
  });
});
