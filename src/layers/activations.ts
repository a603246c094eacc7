/** Activations, each an expression: they fuse into the layer before them. */
import { apply, type Expression } from '../../shaders/lib/expression.ts';
import type { Activation, Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import { pointwise } from './pointwise.ts';

type Operand = Expression | number;

/** Adds max(x, 0), of any shape. */
export function relu(g: GraphBuilder, x: Value): Activation {
  return pointwise(g, [x], (v) => apply('max', v, 0));
}

/** Adds min(max(x, least), most); either bound may be left out. */
export function clip(
  g: GraphBuilder,
  x: Value,
  { least, most }: { readonly least?: number | undefined; readonly most?: number | undefined },
): Activation {
  return pointwise(g, [x], (v) => clipped(v, least, most));
}

/** Adds x, or slope * x where x < 0. */
export function leakyRelu(g: GraphBuilder, x: Value, slope = 0.01): Activation {
  return pointwise(g, [x], (v) => apply('select', apply('less', v, 0), apply('mul', v, slope), v));
}

/** Adds 1 / (1 + exp(-x)). */
export function sigmoid(g: GraphBuilder, x: Value): Activation {
  return pointwise(g, [x], (v) => apply('sigmoid', v));
}

/** Adds tanh(x). */
export function tanh(g: GraphBuilder, x: Value): Activation {
  return pointwise(g, [x], (v) => apply('tanh', v));
}

/** Adds min(max(slope * x + offset, 0), 1); x / 6 + 1 / 2 by default, as in PyTorch. */
export function hardSigmoid(g: GraphBuilder, x: Value, slope = 1 / 6, offset = 0.5): Activation {
  return pointwise(g, [x], (v) => hardSigmoidOf(v, slope, offset));
}

/** Adds x * hardSigmoid(x). (Howard et al., "Searching for MobileNetV3", 2019.) */
export function hardSwish(g: GraphBuilder, x: Value): Activation {
  return pointwise(g, [x], (v) => apply('mul', v, hardSigmoidOf(v, 1 / 6, 0.5)));
}

/** Adds x / (1 + exp(-x)), also called swish. (Elfwing, Uchibe and Doya, 2017.) */
export function silu(g: GraphBuilder, x: Value): Activation {
  return pointwise(g, [x], (v) => apply('mul', v, apply('sigmoid', v)));
}

/**
 * Adds x / 2 * (1 + erf(x / sqrt 2)), or its approximation by tanh.
 * (Hendrycks and Gimpel, "Gaussian error linear units", 2016.)
 */
export function gelu(g: GraphBuilder, x: Value, approximate: 'none' | 'tanh' = 'none'): Activation {
  return pointwise(g, [x], (v) => {
    const inner =
      approximate === 'none'
        ? apply('erf', apply('mul', v, Math.SQRT1_2))
        : apply('tanh', apply('mul', Math.sqrt(2 / Math.PI), cubic(v, 0.044715)));
    return apply('mul', apply('mul', v, 0.5), apply('add', inner, 1));
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
  return pointwise(g, [x], (v) => apply('mul', eluOf(v, alpha), gamma));
}

/** Adds log(1 + exp(x)). */
export function softplus(g: GraphBuilder, x: Value): Activation {
  return pointwise(g, [x], softplusOf);
}

/** Adds x * tanh(softplus(x)). (Misra, "Mish: a self regularized non-monotonic activation function", 2019.) */
export function mish(g: GraphBuilder, x: Value): Activation {
  return pointwise(g, [x], (v) => apply('mul', v, apply('tanh', softplusOf(v))));
}

function clipped(v: Operand, least: number | undefined, most: number | undefined): Expression {
  const raised = least === undefined ? v : apply('max', v, least);
  return most === undefined ? apply('add', raised, 0) : apply('min', raised, most);
}

function hardSigmoidOf(v: Operand, slope: number, offset: number): Expression {
  return clipped(apply('add', apply('mul', v, slope), offset), 0, 1);
}

/** v + factor v^3 */
function cubic(v: Operand, factor: number): Expression {
  return apply('add', v, apply('mul', apply('mul', apply('mul', v, v), v), factor));
}

/** The exponential only of what is negative: a positive one may overflow. */
function eluOf(v: Operand, alpha: number): Expression {
  const below = apply('mul', apply('sub', apply('exp', apply('min', v, 0)), 1), alpha);
  return apply('select', apply('less', v, 0), below, v);
}

/** max(v, 0) + log(1 + exp(-|v|)), which does not overflow. */
function softplusOf(v: Operand): Expression {
  const decay = apply('exp', apply('neg', apply('abs', v)));
  return apply('add', apply('max', v, 0), apply('log', apply('add', decay, 1)));
}
