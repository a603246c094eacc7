/** Activations, each an expression: they fuse into the layer before them. */
import { apply, type Expression, isCall } from '../../shaders/lib/expression.ts';
import * as f from '../../shaders/lib/expression_functions.ts';
import { isPointwise } from '../runtime/builtins.ts';
import type { Activation, Node, Value } from '../runtime/graph.ts';
import { checkLayer, type GraphBuilder } from '../runtime/graph_builder.ts';
import { checkChoices } from './choices.ts';
import { pointwise, pointwiseOp } from './pointwise.ts';

type Operand = Expression | number;

/**
 * Adds max(x, 0), of any shape.
 *
 * @param g - The builder; its path names the layer.
 * @param x - Of any shape.
 * @returns Of the shape of `x`, as all activations are.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const y = relu(g.at('relu1'), x);
 */
export function relu(g: GraphBuilder, x: Value): Activation {
  return pointwise(g, [x], (v) => apply(f.max, v, 0));
}

/**
 * Adds min(max(x, least), most); either bound may be left out, or be infinite, which is the same.
 *
 * @param g - The builder; its path names the layer.
 * @param x - Of any shape.
 * @param options - The bounds, of which `least` may not exceed `most`.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const relu6 = clip(g.at('relu6'), x, { least: 0, most: 6 });
 */
export function clip(
  g: GraphBuilder,
  x: Value,
  options: { readonly least?: number | undefined; readonly most?: number | undefined },
): Activation {
  checkLayer(g, pointwiseOp, { x }, options);
  const { least, most } = options;
  return pointwise(g, [x], (v) => clipped(v, least, most));
}

/**
 * Adds x, or slope * x where x < 0.
 *
 * @param g - The builder; its path names the layer.
 * @param x - Of any shape.
 * @param slope - What negative elements are multiplied by; 0.01 by default, as in PyTorch.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const y = leakyRelu(g.at('leaky'), x, 0.1);
 */
export function leakyRelu(g: GraphBuilder, x: Value, slope = 0.01): Activation {
  return pointwise(g, [x], (v) => apply(f.select, apply(f.less, v, 0), apply(f.mul, v, slope), v));
}

/**
 * Adds x, or slope * x where x < 0, with a slope that is learned: a value a channel, [C, 1, 1], or any other shape that
 * is broadcast to that of `x`. (He et al., "Delving deep into rectifiers", 2015.)
 *
 * @param g - The builder; its path names the layer.
 * @param x - [N, C, ...].
 * @param slope - The learned slopes: a weight, or any other value.
 * @throws ShapeError where the slope is not broadcast to the shape of `x`.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const at = g.at('prelu');
 * const y = prelu(at, x, at.weight('weight', [64, 1, 1]));
 */
export function prelu(g: GraphBuilder, x: Value, slope: Value): Activation {
  return pointwise(g, [x, slope], (v, s) =>
    apply(f.select, apply(f.less, v, 0), apply(f.mul, v, s), v),
  );
}

/**
 * Adds 1 / (1 + exp(-x)).
 *
 * @param g - The builder; its path names the layer.
 * @param x - Of any shape.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const gate = sigmoid(g.at('gate'), x);
 */
export function sigmoid(g: GraphBuilder, x: Value): Activation {
  return pointwise(g, [x], (v) => apply(f.sigmoid, v));
}

/** Whether the last thing that a node does is a sigmoid. */
export function endsInSigmoid(node: Node): boolean {
  const step = isPointwise(node) ? node.attributes.expression.steps.at(-1) : undefined;
  return step !== undefined && isCall(step) && step.fn === f.sigmoid;
}

/**
 * Adds tanh(x).
 *
 * @param g - The builder; its path names the layer.
 * @param x - Of any shape.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const y = tanh(g.at('tanh1'), x);
 */
export function tanh(g: GraphBuilder, x: Value): Activation {
  return pointwise(g, [x], (v) => apply(f.tanh, v));
}

/**
 * Adds min(max(slope * x + offset, 0), 1); x / 6 + 1 / 2 by default, as in PyTorch.
 *
 * @param g - The builder; its path names the layer.
 * @param x - Of any shape.
 * @param slope - Of the straight part; 1 / 6 by default.
 * @param offset - The value at 0; 1 / 2 by default.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const gate = hardSigmoid(g.at('gate'), x, 0.2); // ONNX's default slope
 */
export function hardSigmoid(
  g: GraphBuilder,
  x: Value,
  slope: number = 1 / 6,
  offset = 0.5,
): Activation {
  return pointwise(g, [x], (v) => hardSigmoidOf(v, slope, offset));
}

/**
 * Adds x * hardSigmoid(x). (Howard et al., "Searching for MobileNetV3", 2019.)
 *
 * @param g - The builder; its path names the layer.
 * @param x - Of any shape.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const y = hardSwish(g.at('act'), x);
 */
export function hardSwish(g: GraphBuilder, x: Value): Activation {
  return pointwise(g, [x], (v) => apply(f.mul, v, hardSigmoidOf(v, 1 / 6, 0.5)));
}

/**
 * Adds x / (1 + exp(-x)), also called swish. (Elfwing, Uchibe and Doya, 2017.)
 *
 * @param g - The builder; its path names the layer.
 * @param x - Of any shape.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const y = silu(g.at('act'), x);
 */
export function silu(g: GraphBuilder, x: Value): Activation {
  return pointwise(g, [x], (v) => apply(f.mul, v, apply(f.sigmoid, v)));
}

/**
 * Adds x / 2 * (1 + erf(x / sqrt 2)), or its approximation by tanh. (Hendrycks and Gimpel, "Gaussian error linear
 * units", 2016.)
 *
 * @param g - The builder; its path names the layer.
 * @param x - Of any shape.
 * @param approximate - `none`, the default, for erf, `tanh` for x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))).
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const y = gelu(g.at('act'), x, 'tanh');
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

/**
 * Adds x, or alpha * (exp(x) - 1) where x < 0. (Clevert, Unterthiner and Hochreiter, 2015.)
 *
 * @param g - The builder; its path names the layer.
 * @param x - Of any shape.
 * @param alpha - -alpha is the limit on the left; 1 by default.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const y = elu(g.at('act'), x);
 */
export function elu(g: GraphBuilder, x: Value, alpha = 1): Activation {
  return pointwise(g, [x], (v) => eluOf(v, alpha));
}

/**
 * Adds gamma * elu(x, alpha). (Klambauer et al., "Self-normalizing neural networks", 2017.)
 *
 * @param g - The builder; its path names the layer.
 * @param x - Of any shape.
 * @param alpha - That of `elu`; by default the paper's, to double precision.
 * @param gamma - What all is multiplied by; by default the paper's.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const y = selu(g.at('act'), x);
 */
export function selu(
  g: GraphBuilder,
  x: Value,
  alpha = 1.6732632423543772,
  gamma = 1.0507009873554805,
): Activation {
  return pointwise(g, [x], (v) => apply(f.mul, eluOf(v, alpha), gamma));
}

/**
 * Adds log(1 + exp(x)).
 *
 * @param g - The builder; its path names the layer.
 * @param x - Of any shape.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const y = softplus(g.at('act'), x);
 */
export function softplus(g: GraphBuilder, x: Value): Activation {
  return pointwise(g, [x], softplusOf);
}

/**
 * Adds x * tanh(softplus(x)). (Misra, "Mish: a self regularized non-monotonic activation function", 2019.)
 *
 * @param g - The builder; its path names the layer.
 * @param x - Of any shape.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const y = mish(g.at('act'), x);
 */
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
