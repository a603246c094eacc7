/** Activations, each an expression: they fuse into the layer before them. */
import { apply, type Expression } from '../../shaders/lib/expression.ts';
import * as f from '../../shaders/lib/expression_functions.ts';
import type { Activation, Value } from '../runtime/graph.ts';
import { checkLayer, type GraphBuilder } from '../runtime/graph_builder.ts';
import { checkChoices } from './choices.ts';
import { pointwise, pointwiseOp } from './pointwise.ts';

type Operand = Expression | number;

/** Adds max(x, 0), of any shape. */
export function relu(g: GraphBuilder, x: Value): Activation {
  return pointwise(g, [x], (v) => apply(f.max, v, 0));
}

/** Adds min(max(x, least), most); either bound may be left out, or be infinite, which is the same. */
export function clip(
  g: GraphBuilder,
  x: Value,
  options: { readonly least?: number | undefined; readonly most?: number | undefined },
): Activation {
  checkLayer(g, pointwiseOp, { x }, options);
  const { least, most } = options;
  return pointwise(g, [x], (v) => clipped(v, least, most));
}

/** Adds x, or slope * x where x < 0. */
export function leakyRelu(g: GraphBuilder, x: Value, slope = 0.01): Activation {
  return pointwise(g, [x], (v) => apply(f.select, apply(f.less, v, 0), apply(f.mul, v, slope), v));
}

/**
 * Adds x, or slope * x where x < 0, with a slope that is learned: a value a channel, [C, 1, 1], or any other shape that
 * is broadcast to that of `x`. (He et al., "Delving deep into rectifiers", 2015.)
 */
export function prelu(g: GraphBuilder, x: Value, slope: Value): Activation {
  return pointwise(g, [x, slope], (v, s) =>
    apply(f.select, apply(f.less, v, 0), apply(f.mul, v, s), v),
  );
}

/** Adds 1 / (1 + exp(-x)). */
export function sigmoid(g: GraphBuilder, x: Value): Activation {
  return pointwise(g, [x], (v) => apply(f.sigmoid, v));
}

/** Adds tanh(x). */
export function tanh(g: GraphBuilder, x: Value): Activation {
  return pointwise(g, [x], (v) => apply(f.tanh, v));
}

/** Adds min(max(slope * x + offset, 0), 1); x / 6 + 1 / 2 by default, as in PyTorch. */
export function hardSigmoid(g: GraphBuilder, x: Value, slope = 1 / 6, offset = 0.5): Activation {
  return pointwise(g, [x], (v) => hardSigmoidOf(v, slope, offset));
}

/** Adds x * hardSigmoid(x). (Howard et al., "Searching for MobileNetV3", 2019.) */
export function hardSwish(g: GraphBuilder, x: Value): Activation {
  return pointwise(g, [x], (v) => apply(f.mul, v, hardSigmoidOf(v, 1 / 6, 0.5)));
}

/** Adds x / (1 + exp(-x)), also called swish. (Elfwing, Uchibe and Doya, 2017.) */
export function silu(g: GraphBuilder, x: Value): Activation {
  return pointwise(g, [x], (v) => apply(f.mul, v, apply(f.sigmoid, v)));
}

/**
 * Adds x / 2 * (1 + erf(x / sqrt 2)), or its approximation by tanh.
 * (Hendrycks and Gimpel, "Gaussian error linear units", 2016.)
 */
export function gelu(g: GraphBuilder, x: Value, approximate: 'none' | 'tanh' = 'none'): Activation {
  const call = checkLayer(g, pointwiseOp, { x });
  checkChoices({ ...call, attributes: { approximate } }, { approximate: ['none', 'tanh'] });
  return pointwise(g, [x], (v) => {
    const inner =
      approximate === 'none'
        ? apply(f.erf, apply(f.mul, v, Math.SQRT1_2))
        : apply(f.tanh, apply(f.mul, Math.sqrt(2 / Math.PI), cubic(v, 0.044715)));
    return apply(f.mul, apply(f.mul, v, 0.5), apply(f.add, inner, 1));
  });
}

/** Adds x, or alpha * (exp(x) - 1) where x < 0. (Clevert, Unterthiner and Hochreiter, 2015.) */
export function elu(g: GraphBuilder, x: Value, alpha = 1): Activation {
  return pointwise(g, [x], (v) => eluOf(v, alpha));
}

/** Adds gamma * elu(x, alpha). (Klambauer et al., "Self-normalizing neural networks", 2017.) */
export function selu(
  g: GraphBuilder,
  x: Value,
  alpha = 1.6732632423543772,
  gamma = 1.0507009873554805,
): Activation {
  return pointwise(g, [x], (v) => apply(f.mul, eluOf(v, alpha), gamma));
}

/** Adds log(1 + exp(x)). */
export function softplus(g: GraphBuilder, x: Value): Activation {
  return pointwise(g, [x], softplusOf);
}

/** Adds x * tanh(softplus(x)). (Misra, "Mish: a self regularized non-monotonic activation function", 2019.) */
export function mish(g: GraphBuilder, x: Value): Activation {
  return pointwise(g, [x], (v) => apply(f.mul, v, apply(f.tanh, softplusOf(v))));
}

function clipped(v: Operand, least: number | undefined, most: number | undefined): Expression {
  const raised =
    least === undefined || least === Number.NEGATIVE_INFINITY ? v : apply(f.max, v, least);
  return most === undefined || most === Number.POSITIVE_INFINITY
    ? apply(f.add, raised, 0)
    : apply(f.min, raised, most);
}

function hardSigmoidOf(v: Operand, slope: number, offset: number): Expression {
  return clipped(apply(f.add, apply(f.mul, v, slope), offset), 0, 1);
}

/** v + factor v^3 */
function cubic(v: Operand, factor: number): Expression {
  return apply(f.add, v, apply(f.mul, apply(f.mul, apply(f.mul, v, v), v), factor));
}

/** The exponential only of what is negative: a positive one may overflow. */
function eluOf(v: Operand, alpha: number): Expression {
  const below = apply(f.mul, apply(f.sub, apply(f.exp, apply(f.min, v, 0)), 1), alpha);
  return apply(f.select, apply(f.less, v, 0), below, v);
}

/** max(v, 0) + log(1 + exp(-|v|)), which does not overflow. */
function softplusOf(v: Operand): Expression {
  const decay = apply(f.exp, apply(f.neg, apply(f.abs, v)));
  return apply(f.add, apply(f.max, v, 0), apply(f.log, apply(f.add, decay, 1)));
}
