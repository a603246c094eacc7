/** Arithmetic with broadcasting, each operation an expression: it fuses into the layer before it. */
import { apply } from '../../shaders/lib/expression.ts';
import type { Activation } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import { type OperandLike, pointwise } from './pointwise.ts';

export type BinaryKind = 'add' | 'sub' | 'mul' | 'div' | 'min' | 'max' | 'pow';

/**
 * Adds an operation on two values, or on a value and a number; extents of 1 are repeated, as in NumPy. Throws
 * ShapeError where the shapes do not go together.
 */
export function binary(
  g: GraphBuilder,
  kind: BinaryKind,
  a: OperandLike,
  b: OperandLike,
): Activation {
  return pointwise(g, [a, b], (left = 0, right = 0) => apply(kind, left, right));
}

/** Adds a + b: the residual connection, among others. */
export function add(g: GraphBuilder, a: OperandLike, b: OperandLike): Activation {
  return binary(g, 'add', a, b);
}

/** Adds a - b. */
export function sub(g: GraphBuilder, a: OperandLike, b: OperandLike): Activation {
  return binary(g, 'sub', a, b);
}

/** Adds a * b: the gate of squeeze-and-excitation, among others. */
export function mul(g: GraphBuilder, a: OperandLike, b: OperandLike): Activation {
  return binary(g, 'mul', a, b);
}

/** Adds a / b. */
export function div(g: GraphBuilder, a: OperandLike, b: OperandLike): Activation {
  return binary(g, 'div', a, b);
}
