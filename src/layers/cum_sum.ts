/** Running sums along an axis. */
import { type CumSumProblem, cumSum as shader } from '../../shaders/cum_sum.wgsl.ts';
import type { Epilogue } from '../../shaders/lib/epilogue.ts';
import type { Activation, DataByRole, Node, OpDef, Value } from '../runtime/graph.ts';
import { checkLayer, type GraphBuilder } from '../runtime/graph_builder.ts';
import { at, candidatesOf, requireData } from '../runtime/operator.ts';
import { firstOfRow, rowKernel, rowProblemOf, shapeAlong } from './rows.ts';

/** How `cumSum` adds up. */
export interface CumSumAttributes {
  /** Along which is summed, from 0. */
  readonly axis: number;
  /** Whether an element is no part of its own sum; false by default. */
  readonly exclusive: boolean;
  /** Whether sums run from the end of the axis; false by default. */
  readonly reverse: boolean;
}

/**
 * Adds the running sums of `x` along an axis: of the shape of `x`.
 *
 * @param g - The builder; its path names the layer.
 * @param x - Of any shape.
 * @param axis - Along which is summed, from 0.
 * @param options - Whether a sum leaves out its own element, and whether sums run from the end.
 * @returns Of the shape of `x`.
 * @throws ShapeError for an axis that `x` lacks.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const mask = g.input('mask', [1, 1, 32, 32]);
 * const rows = cumSum(g.at('rows'), mask, 2); // how many pixels there are up to each
 */
export function cumSum(
  g: GraphBuilder,
  x: Value,
  axis: number,
  options: Partial<Omit<CumSumAttributes, 'axis'>> = {},
): Activation {
  checkLayer(g, cumSumOp, { x }, options);
  const { exclusive = false, reverse = false } = options;
  return g.add(cumSumOp, { axis, exclusive, reverse }, { x });
}

type CumSum = Node<CumSumAttributes, 'x'>;

function problemOf(node: CumSum, epilogue: Epilogue | undefined): CumSumProblem {
  const { axis, exclusive, reverse } = node.attributes;
  return {
    exclusive,
    reverse,
    ...rowProblemOf(node, epilogue, axis),
  };
}

export function cumSumReference(node: CumSum, inputs: DataByRole): Float64Array {
  const rows = problemOf(node, undefined);
  const { exclusive, reverse, outer, length, inner } = rows;
  const x = requireData(node, inputs, 'x');
  const y = new Float64Array(x.length);
  for (let row = 0; row < outer * inner; row++) {
    const first = firstOfRow(rows, row);
    let sum = 0;
    for (let nth = 0; nth < length; nth++) {
      const element = first + (reverse ? length - 1 - nth : nth) * inner;
      const before = sum;
      sum += at(x, element);
      y[element] = exclusive ? before : sum;
    }
  }
  return y;
}

export const cumSumOp: OpDef<CumSumAttributes, 'x'> = {
  name: 'cum_sum',
  inferShape: shapeAlong,
  mixesBatch: (node) => node.attributes.axis === 0,
  fusesEpilogue: true,
  candidates: candidatesOf(problemOf, [rowKernel('cum_sum', shader)]),
};
