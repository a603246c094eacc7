/** Exact ratios, so that positions in an image can be computed in integers. */

/** In lowest terms, both parts positive integers. */
export interface Fraction {
  readonly numerator: number;
  readonly denominator: number;
}

/** a / b of positive integers. */
export function ratioOf(a: number, b: number): Fraction {
  let [divisor, rest] = [a, b];
  while (rest > 0) [divisor, rest] = [rest, divisor % rest];
  return { numerator: a / divisor, denominator: b / divisor };
}

/** Half an ULP of f32, as a share of the value. */
const F32_PRECISION = 2 ** -24;

/**
 * The simplest fraction that is the same number in f32: 0.6 is 3 / 5, also where it comes from a file as
 * 0.6000000238418579. By continued fractions, whose error falls with the square of the denominator.
 */
export function fractionOf(value: number): Fraction {
  let [numerator, denominator] = [1, 0];
  let [numeratorBefore, denominatorBefore] = [0, 1];
  let rest = value;
  for (;;) {
    const whole = Math.floor(rest);
    [numeratorBefore, numerator] = [numerator, whole * numerator + numeratorBefore];
    [denominatorBefore, denominator] = [denominator, whole * denominator + denominatorBefore];
    if (Math.abs(numerator / denominator - value) <= F32_PRECISION * value) {
      return { numerator, denominator };
    }
    rest = 1 / (rest - whole);
  }
}
