/** Conversions to f32, which are exact: every f16 and bf16 value is an f32 value too; and back to f16. */

/** Every f16 value by its bit pattern: sign, 5 bits of exponent, 10 of fraction (IEEE 754 binary16). */
export function float16Table(): Float32Array {
  const table = new Float32Array(1 << 16);
  for (let bits = 0; bits < table.length; bits++) table[bits] = float16Value(bits);
  return table;
}

function float16Value(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (0x400 + fraction) * 2 ** (exponent - 25);
}

/** f16 bit patterns to f32, by `table` from `float16Table`: one load for each element. */
export function float16ToFloat32(bits: Uint16Array, table: Float32Array): Float32Array {
  const values = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) values[i] = table[bits[i] ?? 0] ?? 0;
  return values;
}

/** bf16 bit patterns, which are the upper halves of f32 bit patterns, to f32. */
export function bfloat16ToFloat32(bits: Uint16Array): Float32Array {
  const patterns = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) patterns[i] = (bits[i] ?? 0) << 16;
  return new Float32Array(patterns.buffer);
}

/** The largest finite f16. */
export const LARGEST_FLOAT16 = 65504;

/**
 * f32 to f16 bit patterns, rounded to the nearest, ties to even. Finite values stay finite: those beyond the largest
 * f16 become that, as they do where kernels store.
 */
export function float32ToFloat16(values: Float32Array): Uint16Array {
  const patterns = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const bits = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) bits[i] = float16Bits(patterns[i] ?? 0, values[i] ?? 0);
  return bits;
}

/** The f32 values that are left after rounding to f16. */
export function roundToFloat16(values: Float32Array): Float32Array {
  return float16ToFloat32(float32ToFloat16(values), float16Table());
}

const F32_INFINITY = 0x7f80_0000;
const F16_INFINITY = 0x7c00;
/** The smallest normal f16, 2^-14, and the exponents' difference, as f32 bit patterns. */
const F16_NORMAL = 0x3880_0000;
const REBIAS = 0x3800_0000;
/** Added to an f64 and taken away again, it leaves the nearest integer, ties to even. */
const ROUNDER = 1.5 * 2 ** 52;

/** An f32, of which this is the bit pattern, in f16. */
function float16Bits(pattern: number, value: number): number {
  const sign = (pattern >>> 16) & 0x8000;
  const magnitude = pattern & 0x7fff_ffff;
  if (magnitude > F32_INFINITY) return sign | 0x7e00;
  if (magnitude === F32_INFINITY) return sign | F16_INFINITY;
  // Multiples of 2^-24.
  if (magnitude < F16_NORMAL) return sign | (Math.abs(value) * 2 ** 24 + ROUNDER - ROUNDER);
  // 13 bits of the fraction go; adding less than a half, or a half where the last bit is odd, rounds.
  const rounded = (magnitude - REBIAS + 0xfff + ((magnitude >>> 13) & 1)) >>> 13;
  return sign | Math.min(rounded, F16_INFINITY - 1);
}
