/**
 * The functions that WGSL lacks, or has with gaps. NaN stays NaN through all of them: they look at its bits, since a
 * compiler may assume of floats that all are numbers.
 */
import type { Helper } from './expression.ts';
import { extremeText, INFINITY, isSpecial, MINUS_INFINITY, NAN, orBits } from './special_values.ts';

export const MAX: Helper = {
  name: 'max_of',
  source: (type, name) => extremeText('max', name, type),
};

export const MIN: Helper = {
  name: 'min_of',
  source: (type, name) => extremeText('min', name, type),
};

/** One of WGSL's own. */
const keepingNan = (wgsl: string, type: 'f32' | 'vec4f', name: string): string => `
fn ${name}(x: ${type}) -> ${type} {
  return select(${wgsl}(x), x, ${isSpecial('x', type)});
}
`;

export const EXP: Helper = {
  name: 'exp_of',
  source: (type, name) => keepingNan('exp', type, name),
};

export const SIGN: Helper = {
  name: 'sign_of',
  source: (type, name) => keepingNan('sign', type, name),
};

/**
 * Below 1 by an odd polynomial, above as 1 - exp(polynomial), which is 1 from 4 on. Both are minimax fits: a
 * relative error of 4.0e-8 of the first, so that GELU is right near 0, and of 1.7e-9 of the second. (Lawson's
 * algorithm: iterated, weighted least squares on 4000 Chebyshev nodes. That erf splits well so is njuffa's, in
 * https://stackoverflow.com/q/35148198.)
 */
export const ERF: Helper = {
  name: 'erf',
  source: (type, name, splat) => `
fn ${name}(x: ${type}) -> ${type} {
  let t = min(abs(x), ${splat('4.0')});
  let s = t * t;
  let small = t + t * (0.12837912 + s * (-0.37612325 + s * (0.11280181
    + s * (-0.026711315 + s * (0.0049175555 + s * -0.00056314375)))));
  let tail = -0.00016644777 + t * (-1.1277972 + t * (-0.63697606 + t * (-0.104113676
    + t * (0.022315213 + t * (-0.0030654902 + t * 0.00019821965)))));
  let erf = sign(x) * select(1.0 - exp(tail), small, t < ${splat('1.0')});
  return select(erf, x, ${isSpecial('x', type)});
}
`,
};

/**
 * The power of JavaScript: WGSL's is for positive bases. It is NaN where base or exponent are, but of x^0, and where a
 * finite, negative base has an exponent that is no integer. In C, 1^NaN is 1.
 */
export const SIGNED_POW: Helper = {
  name: 'signed_pow',
  source: (type, name, splat) => `
fn ${name}(x: ${type}, y: ${type}) -> ${type} {
  let power = pow(abs(x), y);
  let negative = x < ${splat('0.0')};
  let odd = abs(y - 2.0 * floor(0.5 * y)) == ${splat('1.0')};
  let signed = select(power, -power, negative & odd);
  let undefined = negative & (y != floor(y)) & !(${isSpecial('x', type, '>=')});
  let defined = select(signed, ${orBits('x', type, NAN)}, undefined | (${isSpecial('x', type)}));
  let of_exponent = select(defined, y, ${isSpecial('y', type)});
  let of_zero = select(${orBits('abs(x)', type, INFINITY)}, ${splat('0.0')}, y > ${splat('0.0')});
  let of_any = select(of_exponent, of_zero, (x == ${splat('0.0')}) & !(${isSpecial('y', type)}));
  return select(of_any, ${splat('1.0')}, y == ${splat('0.0')});
}
`,
};

/** WGSL leaves open what the logarithms of 0 and of negative numbers are: -Infinity and NaN. */
export const LOG: Helper = {
  name: 'log_of',
  source: (type, name, splat) => `
fn ${name}(x: ${type}) -> ${type} {
  let of_finite = select(log(x), x, ${isSpecial('x', type, '>=')});
  let of_positive = select(of_finite, ${orBits('x', type, NAN)}, x < ${splat('0.0')});
  return select(of_positive, ${orBits('x', type, MINUS_INFINITY)}, x == ${splat('0.0')});
}
`,
};

/**
 * Of |x|, or from 1 on of its reciprocal, by an odd polynomial: a minimax fit with a relative error of 1.7e-8, found as
 * that of ERF. WGSL's own is within 4096 units in the last place.
 */
export const ATAN: Helper = {
  name: 'atan_of',
  source: (type, name, splat) => `
fn ${name}(x: ${type}) -> ${type} {
  let steep = abs(x) > ${splat('1.0')};
  let t = select(abs(x), 1.0 / abs(x), steep);
  let s = t * t;
  let small = t + t * s * (-0.33333153 + s * (0.19993773 + s * (-0.14211056 + s * (0.10666005
    + s * (-0.07552215 + s * (0.043211862 + s * (-0.01636793 + s * 0.0029206926)))))));
  let atan = sign(x) * select(small, 1.5707963267948966 - small, steep);
  return select(atan, x, ${isSpecial('x', type)});
}
`,
};

/** exp(-x) overflows where x is large and negative; exp(-abs(x)) never does. */
export const SIGMOID: Helper = {
  name: 'sigmoid',
  source: (type, name, splat) => `
fn ${name}(x: ${type}) -> ${type} {
  let decay = exp(-abs(x));
  let sigmoid = select(${splat('1.0')}, decay, x < ${splat('0.0')}) / (1.0 + decay);
  return select(sigmoid, x, ${isSpecial('x', type)});
}
`,
};

/**
 * In place of WGSL's, which is sinh / cosh and may overflow. The polynomial's relative error is 1.3e-7.
 * (Moshier, Cephes, single/tanhf.c, https://www.netlib.org/cephes/.)
 */
export const TANH: Helper = {
  name: 'safe_tanh',
  source: (type, name, splat) => `
fn ${name}(x: ${type}) -> ${type} {
  let t = min(abs(x), ${splat('10.0')});
  let s = t * t;
  let small = t + t * s * (-0.333332819422 + s * (0.133314422036
    + s * (-0.0537397155531 + s * (0.0206390887954 + s * -0.00570498872745))));
  let decay = exp(-2.0 * t);
  let tanh = sign(x) * select((1.0 - decay) / (1.0 + decay), small, t < ${splat('0.625')});
  return select(tanh, x, ${isSpecial('x', type)});
}
`,
};
