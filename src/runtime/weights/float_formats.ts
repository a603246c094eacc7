/** Conversions to f32. All are exact: every f16 and bf16 value is an f32 value too. */

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

/** f16 bit patterns to f32, by `table` from `float16Table`: one load an element. */
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
