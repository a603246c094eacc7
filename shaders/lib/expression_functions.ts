/** The functions of expressions, as f64 arithmetic on the host: what kernels are checked against. */

export const UNARY = {
  abs: Math.abs,
  neg: (x: number) => -x,
  sign: Math.sign,
  floor: Math.floor,
  ceil: Math.ceil,
  round: roundHalfToEven,
  exp: Math.exp,
  log: Math.log,
  sqrt: Math.sqrt,
  reciprocal: (x: number) => 1 / x,
  sin: Math.sin,
  cos: Math.cos,
  tanh: Math.tanh,
  erf,
  sigmoid,
} as const;

export const BINARY = {
  add: (a: number, b: number) => a + b,
  sub: (a: number, b: number) => a - b,
  mul: (a: number, b: number) => a * b,
  div: (a: number, b: number) => a / b,
  min: (a: number, b: number) => Math.min(a, b),
  max: (a: number, b: number) => Math.max(a, b),
  pow: (a: number, b: number) => a ** b,
  less: (a: number, b: number) => Number(a < b),
  less_equal: (a: number, b: number) => Number(a <= b),
  greater: (a: number, b: number) => Number(a > b),
  greater_equal: (a: number, b: number) => Number(a >= b),
  equal: (a: number, b: number) => Number(a === b),
} as const;

export const TERNARY = {
  select: (condition: number, ifTrue: number, ifFalse: number) =>
    condition !== 0 ? ifTrue : ifFalse,
} as const;

export type UnaryFunction = keyof typeof UNARY;
export type BinaryFunction = keyof typeof BINARY;
export type TernaryFunction = keyof typeof TERNARY;
export type ExpressionFunction = UnaryFunction | BinaryFunction | TernaryFunction;

export function isUnary(fn: ExpressionFunction): fn is UnaryFunction {
  return Object.hasOwn(UNARY, fn);
}

export function isBinary(fn: ExpressionFunction): fn is BinaryFunction {
  return Object.hasOwn(BINARY, fn);
}

/** The nearest integer; of two, the even one. */
function roundHalfToEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

/** 1 / (1 + exp(-x)), without an exponential that overflows. */
function sigmoid(x: number): number {
  const decay = Math.exp(-Math.abs(x));
  return (x < 0 ? decay : 1) / (1 + decay);
}

/** Where the series of erf gives way to the continued fraction of 1 - erf. */
const SERIES_END = 3;

/** 1 - erf is below half an ULP of 1 from here on. */
const ERF_IS_ONE = 6;

/**
 * The error function, within a few ULP of f64: by its series of positive terms, which cancels nothing, and where
 * that gets long, by Laplace's continued fraction of 1 - erf, at most 2.3e-5 there. (Abramowitz and Stegun,
 * "Handbook of Mathematical Functions", 1964, 7.1.6 and 7.1.14.)
 */
export function erf(x: number): number {
  const t = Math.abs(x);
  if (t >= ERF_IS_ONE) return Math.sign(x);
  const scale = Math.exp(-t * t) / Math.sqrt(Math.PI);
  if (t >= SERIES_END) {
    let fraction = t;
    for (let k = 40; k >= 1; k--) fraction = t + k / 2 / fraction;
    return Math.sign(x) * (1 - scale / fraction);
  }
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 2 ** -54 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return 2 * scale * sum;
}
