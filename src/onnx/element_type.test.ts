import { describe, expect, it } from 'vitest';
import { bfloat16ToFloat32, float16Table } from '../runtime/weights/float_formats.ts';
import { castingTo, type ElementType, roundingOf } from './element_type.ts';

const { NaN: none, POSITIVE_INFINITY: infinite } = Number;

describe('roundingOf', () => {
  it.each<[ElementType, number, number]>([
    ['float32', 16777217, 16777216],
    ['double', 0.1, 0.1],
    ['float16', 65519, 65504],
    ['float16', 65520, infinite],
    ['float16', 2 ** -25 * 3, 2 ** -23],
    ['float16', 2 ** -25, 0],
    ['bfloat16', 257, 256],
    ['bfloat16', -259, -260],
    ['int8', 128, -128],
    ['int8', -129, 127],
    ['int8', -1.5, -1],
    ['uint8', -1, 255],
    ['uint16', 65537.9, 1],
    ['int32', 2 ** 31, -(2 ** 31)],
    ['uint32', -1, 2 ** 32 - 1],
    ['int64', 2 ** 63, 2 ** 63],
    ['int64', 2 ** 53 - 1, 2 ** 53 - 1],
    ['int32', none, 0],
    ['bool', -2, 1],
    ['bool', none, 1],
  ])('%s of %d is %d', (type, x, expected) => {
    expect(roundingOf(type)(x)).toBe(expected);
  });

  it('keeps every float16 and bfloat16', () => {
    const patterns = Uint16Array.from({ length: 2 ** 16 }, (_, bits) => bits);
    expect(float16Table().map(roundingOf('float16'))).toEqual(float16Table());
    const brains = bfloat16ToFloat32(patterns);
    expect(brains.map(roundingOf('bfloat16'))).toEqual(brains);
  });

  it('takes the even of two neighbours, and the nearer otherwise', () => {
    const table = float16Table();
    for (let bits = 0; bits < 0x7bff; bits++) {
      const [low = 0, high = 0] = [table[bits], table[bits + 1]];
      const middle = (low + high) / 2;
      const even = bits % 2 === 0 ? low : high;
      const found = [middle, (low + middle) / 2, (middle + high) / 2].map(roundingOf('float16'));
      if (found[0] !== even || found[1] !== low || found[2] !== high)
        expect(found).toBe([even, low, high]);
    }
  });
});

describe('castingTo', () => {
  it.each<[ElementType, ElementType, number, number]>([
    ['uint8', 'float32', 300.7, 255],
    ['uint8', 'float32', -3, 0],
    ['int8', 'float32', -1.9, -1],
    ['int32', 'float32', none, 0],
    ['int32', 'float32', -infinite, -(2 ** 31)],
    ['uint8', 'int32', 300, 44],
    ['int8', 'uint8', 200, -56],
    ['bool', 'float32', 0.25, 1],
    ['float16', 'int32', 2049, 2048],
  ])('%s of a %s: %d is %d', (type, from, x, expected) => {
    expect(castingTo(type, from)(x)).toBe(expected);
  });
});
