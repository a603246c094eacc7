/** Indices of the largest and of the least elements along an axis. */
import { type ArgReduceProblem, argReduce as shader } from '../../shaders/arg_reduce.wgsl.ts';
import type { Epilogue } from '../../shaders/lib/epilogue.ts';
import type { Activation, DataByRole, Node, OpDef, Value } from '../runtime/graph.ts';
import { checkLayer, type GraphBuilder } from '../runtime/graph_builder.ts';
import { at, candidatesOf, inputShape, requireData } from '../runtime/operator.ts';
import { tensorDesc } from '../runtime/tensor.ts';
import { checkChoices } from './choices.ts';
import { checkIndices } from './element_indices.ts';
import { extentOf, firstOfRow, rowKernel, rowProblemOf } from './rows.ts';

/** What `argMax` and `argMin` find, along which axis. */
export interface ArgReduceAttributes {
  /** Which element is looked for. */
  readonly order: ArgReduceProblem['order'];
  /** The axis that is searched, from 0; 1 by default. */
  readonly axis: number;
  /** Whether the axis stays, with an extent of 1. */
  readonly keepAxis: boolean;
  /** Which of several equal ones. */
  readonly takes: ArgReduceProblem['takes'];
}

/**
 * Adds the index, a number, of the largest element along an axis, 1 by default: the classes. The first among equals; of
 * what is not a number, if there is any.
 *
 * @param g - The builder; its path names the layer.
 * @param x - Of any shape, an axis of at most 2^24 elements.
 * @param options - The axis, whether it stays with an extent of 1, and which of equals is taken.
 * @returns The shape of `x` without the axis. Indices are numbers in f32, whatever the precision of the session.
 * @throws ShapeError for an axis that `x` lacks.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const scores = g.input('scores', [1, 21, 256, 256]);
 * const labels = argMax(g.at('labels'), scores); // [N, classes, H, W] to [N, H, W]
 */
export function argMax(
  g: GraphBuilder,
  x: Value,
  options: Partial<Omit<ArgReduceAttributes, 'order'>> = {},
): Activation {
  return argReduce(g, x, 'largest', options);
}

/**
 * Adds the index of the least element along an axis, as `argMax` does of the largest.
 *
 * @param g - The builder; its path names the layer.
 * @param x - Of any shape.
 * @param options - As those of `argMax`.
 * @returns The shape of `x` without the axis.
 * @throws ShapeError for an axis that `x` lacks.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const nearest = argMin(g.at('nearest'), x, { axis: 1, keepAxis: true }); // [1, 1, 56, 56]
 */
export function argMin(
  g: GraphBuilder,
  x: Value,
  options: Partial<Omit<ArgReduceAttributes, 'order'>> = {},
): Activation {
  return argReduce(g, x, 'least', options);
}

function argReduce(
  g: GraphBuilder,
  x: Value,
  order: ArgReduceProblem['order'],
  options: Partial<ArgReduceAttributes>,
): Activation {
  checkLayer(g, argReduceOp, { x }, options);
  const { axis = 1, keepAxis = false, takes = 'first' } = options;
  return g.add(argReduceOp, { order, axis, keepAxis, takes }, { x });
}

type ArgReduce = Node<ArgReduceAttributes, 'x'>;

function problemOf(node: ArgReduce, epilogue: Epilogue | undefined): ArgReduceProblem {
  const { order, axis, takes } = node.attributes;
  return {
    order,
    takes,
    ...rowProblemOf(node, epilogue, axis),
  };
}

export function argReduceReference(node: ArgReduce, inputs: DataByRole): Float64Array {
  const rows = problemOf(node, undefined);
  const { order, takes, outer, length, inner } = rows;
  const x = requireData(node, inputs, 'x');
  return new Float64Array(outer * inner).map((_, i) => {
    const first = firstOfRow(rows, i);
    const rank = (l: number): number => {
      const value = at(x, first + l * inner);
      if (Number.isNaN(value)) return Number.POSITIVE_INFINITY;
      // Infinity is less than what is not a number.
      return Math.min(order === 'largest' ? value : -value, Number.MAX_VALUE);
    };
    let found = 0;
    for (let l = 1; l < length; l++) {
      if (rank(l) > rank(found) || (takes === 'last' && rank(l) === rank(found))) found = l;
    }
    return found;
  });
}

export const argReduceOp: OpDef<ArgReduceAttributes, 'x'> = {
  name: 'arg_reduce',
  inferShape(call) {
    const shape = inputShape(call, 'x');
    checkChoices(call, { order: ['largest', 'least'], takes: ['first', 'last'] });
    const { axis, keepAxis } = call.attributes;
    checkIndices(call, extentOf(call, shape, axis));
    return tensorDesc(shape.toSpliced(axis, 1, ...(keepAxis ? [1] : [])));
  },
  mixesBatch: (node) => node.attributes.axis === 0,
  exact: true,
  fusesEpilogue: true,
  candidates: candidatesOf(problemOf, [rowKernel('arg_reduce', shader)]),
};
