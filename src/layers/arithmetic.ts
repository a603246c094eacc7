/** Arithmetic with broadcasting, each operation an expression: it fuses into the layer before it. */
import { apply } from '../../shaders/lib/expression.ts';
import * as f from '../../shaders/lib/expression_functions.ts';
import { checkArgument } from '../runtime/arguments.ts';
import type { Activation } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import { type OperandLike, pointwise } from './pointwise.ts';

/**
 * Adds a function of two values, or of a value and a number; extents of 1 are repeated, as in NumPy.
 *
 * @param g - The builder; its path names the layer.
 * @param fn - One of `functions`, such as `functions.max`.
 * @param a - A value, or a number.
 * @param b - A value, or a number; one of the two is a value.
 * @returns Of the shape that both are broadcast to.
 * @throws ShapeError where the shapes do not go together.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const brighter = binary(g.at('brighter'), functions.max, x, 0.5);
 */
export function binary(g: GraphBuilder, fn: f.Binary, a: OperandLike, b: OperandLike): Activation {
  checkArgument(typeof fn?.evaluate === 'function', 'binary: fn', 'one of functions', fn);
  return combined(g, fn, a, b);
}

function combined(g: GraphBuilder, fn: f.Binary, a: OperandLike, b: OperandLike): Activation {
  return pointwise(g, [a, b], (left = 0, right = 0) => apply(fn, left, right));
}

/**
 * Adds a + b: the residual connection, among others.
 *
 * @param g - The builder; its path names the layer.
 * @param a - A value, or a number.
 * @param b - A value, or a number; extents of 1 are repeated, as in NumPy.
 * @throws ShapeError where the shapes do not go together.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const branch = conv2d(g.at('conv'), x, { channels: 64, kernel: 3, padding: 1 });
 * const y = add(g.at('residual'), branch, x);
 */
export function add(g: GraphBuilder, a: OperandLike, b: OperandLike): Activation {
  return combined(g, f.add, a, b);
}

/**
 * Adds a - b.
 *
 * @param g - The builder; its path names the layer.
 * @param a - A value, or a number.
 * @param b - A value, or a number; extents of 1 are repeated, as in NumPy.
 * @throws ShapeError where the shapes do not go together.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const centred = sub(g.at('centred'), x, globalAveragePool2d(g.at('mean'), x));
 */
export function sub(g: GraphBuilder, a: OperandLike, b: OperandLike): Activation {
  return combined(g, f.sub, a, b);
}

/**
 * Adds a * b: the gate of squeeze-and-excitation, among others.
 *
 * @param g - The builder; its path names the layer.
 * @param a - A value, or a number.
 * @param b - A value, or a number; extents of 1 are repeated, as in NumPy.
 * @throws ShapeError where the shapes do not go together.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const gate = sigmoid(g.at('gate'), globalAveragePool2d(g.at('pool'), x)); // [1, 64, 1, 1]
 * const gated = mul(g.at('gated'), x, gate);
 */
export function mul(g: GraphBuilder, a: OperandLike, b: OperandLike): Activation {
  return combined(g, f.mul, a, b);
}

/**
 * Adds a / b.
 *
 * @param g - The builder; its path names the layer.
 * @param a - A value, or a number.
 * @param b - A value, or a number; extents of 1 are repeated, as in NumPy.
 * @throws ShapeError where the shapes do not go together.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const pixels = div(g.at('scaled'), x, 255);
 */
export function div(g: GraphBuilder, a: OperandLike, b: OperandLike): Activation {
  return combined(g, f.div, a, b);
}
