/** Arithmetic with broadcasting, each operation an expression: it fuses into the layer before it. */
import { apply } from '../../shaders/lib/expression.ts';
import * as f from '../../shaders/lib/expression_functions.ts';
import { checkArgument } from '../runtime/arguments.ts';
import type { Activation } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import { type OperandLike, pointwise } from './pointwise.ts';

/**
 * Adds a function of two values, or of a value and a number; extents of 1 are repeated, as in NumPy. Throws
 * ShapeError where the shapes do not go together.
 *
 * @example
 * const larger = binary(g, functions.max, a, b);
 */
export function binary(g: GraphBuilder, fn: f.Binary, a: OperandLike, b: OperandLike): Activation {
  checkArgument(typeof fn?.evaluate === 'function', 'binary: fn', 'one of functions', fn);
  return combined(g, fn, a, b);
}

function combined(g: GraphBuilder, fn: f.Binary, a: OperandLike, b: OperandLike): Activation {
  return pointwise(g, [a, b], (left = 0, right = 0) => apply(fn, left, right));
}

/** Adds a + b: the residual connection, among others. */
export function add(g: GraphBuilder, a: OperandLike, b: OperandLike): Activation {
  return combined(g, f.add, a, b);
}

/** Adds a - b. */
export function sub(g: GraphBuilder, a: OperandLike, b: OperandLike): Activation {
  return combined(g, f.sub, a, b);
}

/** Adds a * b: the gate of squeeze-and-excitation, among others. */
export function mul(g: GraphBuilder, a: OperandLike, b: OperandLike): Activation {
  return combined(g, f.mul, a, b);
}

/** Adds a / b. */
export function div(g: GraphBuilder, a: OperandLike, b: OperandLike): Activation {
  return combined(g, f.div, a, b);
}
