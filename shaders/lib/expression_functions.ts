/**
 * The functions of expressions: f64 arithmetic on the host, which kernels are checked against, and how WGSL and people
 * write them. Comparisons give 1 or 0, and `round` takes halves to even. Nothing lists them, and each is pure, so that
 * bundlers leave out what a page does not call.
 */
import { apply, constantOf, type Expression, type ExpressionFunction } from './expression.ts';
import { printSelect, printSpecial } from './expression_wgsl.ts';
import {
  ATAN,
  ERF,
  EXP,
  LOG,
  MAX,
  MIN,
  SIGMOID,
  SIGN,
  SIGNED_POW,
  TANH,
} from './expression_wgsl_functions.ts';

/** A function of one number. */
export type Unary = ExpressionFunction<(x: number) => number>;
/** A function of two numbers. */
export type Binary = ExpressionFunction<(a: number, b: number) => number>;
/** A function of three numbers. */
export type Ternary = ExpressionFunction<(a: number, b: number, c: number) => number>;

/** |x|. */
export const abs: Unary = { name: 'abs', evaluate: Math.abs };
/** -x. */
export const neg: Unary = { name: 'neg', evaluate: (x) => -x, sign: '-' };
/** -1, 0 or 1, by the sign of x. */
export const sign: Unary = { name: 'sign', evaluate: Math.sign, helper: SIGN };
/** The largest integer that is not above x. */
export const floor: Unary = { name: 'floor', evaluate: Math.floor };
/** The least integer that is not below x. */
export const ceil: Unary = { name: 'ceil', evaluate: Math.ceil };
/** The nearest integer; of two equally near, the even one. */
export const round: Unary = { name: 'round', evaluate: roundHalfToEven };
/** e^x. */
export const exp: Unary = { name: 'exp', evaluate: Math.exp, helper: EXP };
/** The natural logarithm. */
export const log: Unary = { name: 'log', evaluate: Math.log, helper: LOG };
/** The square root. */
export const sqrt: Unary = { name: 'sqrt', evaluate: Math.sqrt };
/** The sine, of radians. */
export const sin: Unary = { name: 'sin', evaluate: Math.sin };
/** The cosine, of radians. */
export const cos: Unary = { name: 'cos', evaluate: Math.cos };
/** The angle in radians, from -pi / 2 to pi / 2, of which x is the tangent. */
export const atan: Unary = { name: 'atan', evaluate: Math.atan, helper: ATAN };
/** The hyperbolic tangent. */
export const tanh: Unary = { name: 'tanh', evaluate: Math.tanh, helper: TANH };
/** The error function: 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x. */
export const erf: Unary = { name: 'erf', evaluate: errorFunction, helper: ERF };
/** 1 / (1 + exp(-x)). */
export const sigmoid: Unary = { name: 'sigmoid', evaluate: logistic, helper: SIGMOID };

/** a + b. */
export const add: Binary = {
  name: 'add',
  evaluate: (a, b) => a + b,
  sign: '+',
  commutative: true,
  neutral: 0,
};
/** a - b. */
export const sub: Binary = { name: 'sub', evaluate: (a, b) => a - b, sign: '-', neutral: 0 };
/** a * b. */
export const mul: Binary = {
  name: 'mul',
  evaluate: (a, b) => a * b,
  sign: '*',
  commutative: true,
  neutral: 1,
};
/** a / b. */
export const div: Binary = { name: 'div', evaluate: (a, b) => a / b, sign: '/', neutral: 1 };
/** The lesser; NaN where either is. */
export const min: Binary = {
  name: 'min',
  evaluate: (a, b) => Math.min(a, b),
  commutative: true,
  helper: MIN,
};
/** The greater; NaN where either is. */
export const max: Binary = {
  name: 'max',
  evaluate: (a, b) => Math.max(a, b),
  commutative: true,
  helper: MAX,
};

/** 1 where a < b, else 0. */
export const less: Binary = { name: 'less', evaluate: (a, b) => Number(a < b), sign: '<' };
/** 1 where a <= b, else 0. */
export const less_equal: Binary = {
  name: 'less_equal',
  evaluate: (a, b) => Number(a <= b),
  sign: '<=',
};
/** 1 where a > b, else 0. */
export const greater: Binary = { name: 'greater', evaluate: (a, b) => Number(a > b), sign: '>' };
/** 1 where a >= b, else 0. */
export const greater_equal: Binary = {
  name: 'greater_equal',
  evaluate: (a, b) => Number(a >= b),
  sign: '>=',
};
/** 1 where a is b, else 0. */
export const equal: Binary = { name: 'equal', evaluate: (a, b) => Number(a === b), sign: '==' };
/** 1 where x is not a number, else 0. */
export const is_nan: Unary = {
  name: 'is_nan',
  evaluate: (x) => Number(Number.isNaN(x)),
  print: printSpecial('>'),
};
/** 1 where x is infinite, else 0. */
export const is_inf: Unary = {
  name: 'is_inf',
  evaluate: (x) => Number(Math.abs(x) === Number.POSITIVE_INFINITY),
  print: printSpecial('=='),
};

/** Of a negative base, it is defined where the exponent is an integer, as in C and ONNX. */
export const pow: Binary = {
  name: 'pow',
  evaluate: (a, b) => a ** b,
  helper: SIGNED_POW,
  lower: powerOf,
};

/** WGSL's own. */
const POSITIVE_POW: Binary = { name: 'pow', evaluate: (a, b) => a ** b };

/** (condition, if true, if false); any condition other than 0 is true. */
export const select: Ternary = {
  name: 'select',
  evaluate: (condition, ifTrue, ifFalse) => (condition !== 0 ? ifTrue : ifFalse),
  simplify(condition, ifTrue, ifFalse) {
    const known = condition && constantOf(condition);
    return known === undefined ? undefined : known !== 0 ? ifTrue : ifFalse;
  },
  print: printSelect,
};

/**
 * Powers whose exponents are small integers, halves or their negatives are products, square roots and quotients;
 * those of positive numbers need no helper.
 */
function powerOf(base: Expression, exponent: Expression): Expression | undefined {
  if ((constantOf(base) ?? 0) > 0) return apply(POSITIVE_POW, base, exponent);
  const power = constantOf(exponent) ?? Number.NaN;
  const product = productOf(base, Math.abs(power));
  return product && power < 0 ? apply(div, 1, product) : product;
}

function productOf(base: Expression, power: number): Expression | undefined {
  switch (power) {
    case 0.5:
      return apply(sqrt, base);
    case 1:
      return base;
    case 2:
      return apply(mul, base, base);
    case 3:
      return apply(mul, apply(mul, base, base), base);
    case 4:
      return productOf(apply(mul, base, base), 2);
    default:
      return undefined;
  }
}

/** The nearest integer; of two, the even one. */
function roundHalfToEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

/** 1 / (1 + exp(-x)), without an exponential that overflows. */
function logistic(x: number): number {
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
function errorFunction(x: number): number {
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
