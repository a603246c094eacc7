/** Softmax and its logarithm, along one axis. */
import type { Epilogue } from '../../shaders/lib/epilogue.ts';
import { type SoftmaxProblem, softmax as shader } from '../../shaders/softmax.wgsl.ts';
import type { SoftmaxAxis } from '../runtime/builtins.ts';
import type { Activation, DataByRole, Node, OpDef, Value } from '../runtime/graph.ts';
import { checkLayer, type GraphBuilder } from '../runtime/graph_builder.ts';
import { at, candidatesOf, requireData } from '../runtime/operator.ts';
import { firstOfRow, rowKernel, rowProblemOf, shapeAlong } from './rows.ts';

export interface SoftmaxAttributes extends SoftmaxAxis {
  /** Whether the result is its logarithm. */
  readonly logarithm: boolean;
}

/**
 * Adds a softmax along `axis`, 1 by default: the classes. The maximum is taken away first, so nothing overflows.
 *
 * @param g - The builder; its path names the layer.
 * @param x - Of any shape.
 * @param axis - From 0.
 * @returns Of the shape of `x`.
 * @throws ShapeError for an axis that `x` lacks.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const logits = g.input('logits', [1, 1000]);
 * const probabilities = softmax(g.at('softmax'), logits);
 */
export function softmax(g: GraphBuilder, x: Value, axis = 1): Activation {
  return normalized(g, x, axis, false);
}

/**
 * Adds the logarithm of a softmax along `axis`, 1 by default: exact also where the softmax is too small to be stored.
 *
 * @param g - The builder; its path names the layer.
 * @param x - Of any shape.
 * @param axis - From 0.
 * @returns Of the shape of `x`.
 * @throws ShapeError for an axis that `x` lacks.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const logits = g.input('logits', [1, 1000]);
 * const logProbabilities = logSoftmax(g.at('log_softmax'), logits);
 */
export function logSoftmax(g: GraphBuilder, x: Value, axis = 1): Activation {
  return normalized(g, x, axis, true);
}

function normalized(g: GraphBuilder, x: Value, axis: number, logarithm: boolean): Activation {
  checkLayer(g, softmaxOp, { x });
  return g.add(softmaxOp, { axis, logarithm }, { x });
}

type Softmax = Node<SoftmaxAttributes, 'x'>;

function problemOf(node: Softmax, epilogue: Epilogue | undefined): SoftmaxProblem {
  const { axis, logarithm } = node.attributes;
  return { logarithm, ...rowProblemOf(node, epilogue, axis) };
}

export function softmaxReference(node: Softmax, inputs: DataByRole): Float64Array {
  const rows = problemOf(node, undefined);
  const { logarithm, outer, length, inner } = rows;
  const x = requireData(node, inputs, 'x');
  const y = new Float64Array(x.length);
  for (let row = 0; row < outer * inner; row++) {
    const first = firstOfRow(rows, row);
    const value = (i: number): number => at(x, first + i * inner);
    let largest = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < length; i++) largest = Math.max(largest, value(i));
    let sum = 0;
    for (let i = 0; i < length; i++) sum += Math.exp(value(i) - largest);
    for (let i = 0; i < length; i++) {
      const shifted = value(i) - largest;
      y[first + i * inner] = logarithm ? shifted - Math.log(sum) : Math.exp(shifted) / sum;
    }
  }
  return y;
}

export const softmaxOp: OpDef<SoftmaxAttributes, 'x'> = {
  name: 'softmax',
  inferShape: shapeAlong,
  mixesBatch: (node) => node.attributes.axis === 0,
  fusesEpilogue: true,
  candidates: candidatesOf(problemOf, [rowKernel('softmax', shader)]),
};
