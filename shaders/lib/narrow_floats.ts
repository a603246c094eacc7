/** Numbers as floats of fewer digits hold them. */
import type { Helper } from './expression.ts';
import { round, type Unary } from './expression_functions.ts';

/** A format: digits in base 2, the least exponent of those that have all of them, and the largest number. */
export interface FloatFormat {
  readonly digits: number;
  readonly least: number;
  readonly most: number;
}

export const FLOAT16: FloatFormat = { digits: 11, least: -14, most: 65504 };
export const BFLOAT16: FloatFormat = { digits: 8, least: -126, most: (2 - 2 ** -7) * 2 ** 127 };

/** The nearest number of a format, ties to even; infinite beyond its range. */
export function narrowed(x: number, { digits, least, most }: FloatFormat): number {
  if (!Number.isFinite(x) || x === 0) return x;
  const exponent = Math.max(Math.floor(Math.log2(Math.abs(x))), least);
  const unit = 2 ** (exponent - digits + 1);
  const nearest = round.evaluate(x / unit) * unit;
  return Math.abs(nearest) > most ? Math.sign(x) * Number.POSITIVE_INFINITY : nearest;
}

/**
 * A bfloat16 is the upper half of an f32: half of its last place is added, less one where that would be a tie that the
 * even number is below, and the lower half is cut off. Not-a-number stays as it is. On bits, since compilers may
 * simplify sums that split a float.
 */
const ROUND_TO_UPPER_HALF: Helper = {
  name: 'to_bfloat16',
  source(type, name) {
    const unsigned = type === 'f32' ? 'u32' : 'vec4u';
    return `
fn ${name}(x: ${type}) -> ${type} {
  let bits = bitcast<${unsigned}>(x);
  let odd = (bits >> ${unsigned}(16u)) & ${unsigned}(1u);
  let rounded = (bits + odd + 0x7fffu) & ${unsigned}(0xffff0000u);
  let is_nan = (bits & ${unsigned}(0x7fffffffu)) > ${unsigned}(0x7f800000u);
  return bitcast<${type}>(select(rounded, bits, is_nan));
}
`;
  },
};

/** The nearest bfloat16. */
export const toBfloat16: Unary = {
  name: 'to_bfloat16',
  evaluate: (x) => narrowed(x, BFLOAT16),
  helper: ROUND_TO_UPPER_HALF,
};
