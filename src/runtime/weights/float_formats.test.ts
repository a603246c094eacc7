import { describe, expect, it } from 'vitest';
import {
  bfloat16ToFloat32,
  float16Table,
  float16ToFloat32,
  float32ToFloat16,
  roundToFloat16,
} from './float_formats.ts';

const ALL_PATTERNS = Uint16Array.from({ length: 0x10000 }, (_, bits) => bits);

function convertFloat16(...bits: number[]): number[] {
  return [...float16ToFloat32(Uint16Array.from(bits), float16Table())];
}

/** Moves the fields of an f16 to where an f32 has them: integer arithmetic only. */
function float32Bits(half: number): number {
  const sign = (half >>> 15) << 31;
  let exponent = (half >>> 10) & 0x1f;
  let fraction = half & 0x3ff;
  if (exponent === 0x1f) return (sign | (0xff << 23) | (fraction << 13)) >>> 0;
  if (exponent === 0 && fraction === 0) return sign >>> 0;
  if (exponent === 0) {
    exponent = 1;
    while ((fraction & 0x400) === 0) {
      fraction <<= 1;
      exponent--;
    }
    fraction &= 0x3ff;
  }
  return (sign | ((exponent - 15 + 127) << 23) | (fraction << 13)) >>> 0;
}

describe('float16ToFloat32', () => {
  it('converts values of every class', () => {
    expect(convertFloat16(0x3c00, 0xc000, 0x3555, 0x7bff, 0xfbff)).toEqual([
      1, -2, 0.333251953125, 65504, -65504,
    ]);
    expect(convertFloat16(0x0001, 0x8001, 0x03ff, 0x0400)).toEqual([
      2 ** -24,
      -(2 ** -24),
      1023 * 2 ** -24,
      2 ** -14,
    ]);
    expect(convertFloat16(0x7c00, 0xfc00, 0x7e00, 0x7c01, 0xfdff)).toEqual([
      Infinity,
      -Infinity,
      NaN,
      NaN,
      NaN,
    ]);
    expect(convertFloat16(0x0000, 0x8000)).toEqual([0, -0]);
  });

  it('gives the same bits as integer arithmetic for all 65536 patterns', () => {
    const values = float16ToFloat32(ALL_PATTERNS, float16Table());
    const got = new Uint32Array(values.buffer);
    const wrong = [...ALL_PATTERNS].filter((half) => {
      const expected = float32Bits(half);
      const notANumber = (expected & 0x7fffffff) > 0x7f800000;
      return notANumber ? !Number.isNaN(values[half]) : got[half] !== expected;
    });
    expect(wrong).toEqual([]);
  });
});

describe('bfloat16ToFloat32', () => {
  it('converts values of every class', () => {
    const bits = [0x3f80, 0xc000, 0x7f7f, 0x0001, 0x0080, 0x7f80, 0xff80, 0x7fc0, 0, 0x8000];
    expect([...bfloat16ToFloat32(Uint16Array.from(bits))]).toEqual([
      1,
      -2,
      255 * 2 ** 120,
      2 ** -133,
      2 ** -126,
      Infinity,
      -Infinity,
      NaN,
      0,
      -0,
    ]);
  });

  it('puts every pattern into the upper half of an f32', () => {
    const view = new DataView(new ArrayBuffer(4));
    const values = bfloat16ToFloat32(ALL_PATTERNS);
    const wrong = [...ALL_PATTERNS].filter((bits) => {
      view.setUint16(0, bits);
      return !Object.is(values[bits], view.getFloat32(0));
    });
    expect(wrong).toEqual([]);
  });
});

describe('float32ToFloat16', () => {
  const table = float16Table();

  it('gives back every f16 from the f32 that it is', () => {
    const bits = float32ToFloat16(float16ToFloat32(ALL_PATTERNS, table));
    const notANumber = (pattern: number) => (pattern & 0x7fff) > 0x7c00;
    const wrong = [...ALL_PATTERNS].filter((pattern) =>
      notANumber(pattern) ? !notANumber(bits[pattern] ?? 0) : bits[pattern] !== pattern,
    );
    expect(wrong).toEqual([]);
  });

  it('rounds to the nearer neighbour, and to the even one from half-way', () => {
    const wrong: number[] = [];
    for (let pattern = 0; pattern < 0x7bff; pattern++) {
      const [low = 0, high = 0] = [table[pattern], table[pattern + 1]];
      const middle = (low + high) / 2;
      const even = pattern % 2 === 0 ? low : high;
      const between = Float32Array.of(
        middle,
        middle - (high - low) / 4096,
        middle + (high - low) / 4096,
        -middle,
      );
      const [tie, below, above, negative] = float16ToFloat32(float32ToFloat16(between), table);
      if (tie !== even || below !== low || above !== high || negative !== -even)
        wrong.push(pattern);
    }
    expect(wrong).toEqual([]);
  });

  it('keeps what is finite finite, and infinities and NaN', () => {
    const values = Float32Array.of(65504, 65519, 65520, 1e30, -1e30, Infinity, -Infinity, NaN);
    expect([...roundToFloat16(values)]).toEqual([
      65504,
      65504,
      65504,
      65504,
      -65504,
      Infinity,
      -Infinity,
      NaN,
    ]);
    const aboveHalf = 2 ** -25 + 2 ** -48;
    const small = Float32Array.of(2 ** -25, aboveHalf, 1.5 * 2 ** -25, 1e-30, -0);
    expect([...roundToFloat16(small)]).toEqual([0, 2 ** -24, 2 ** -24, 0, -0]);
  });
});
