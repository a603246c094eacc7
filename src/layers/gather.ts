/** Rows taken from places that are computed. */
import { GATHER_THREADS, type GatherProblem, gather as shader } from '../../shaders/gather.wgsl.ts';
import type { Epilogue } from '../../shaders/lib/epilogue.ts';
import type { Activation, DataByRole, Node, OpDef, Value } from '../runtime/graph.ts';
import { checkLayer, type GraphBuilder } from '../runtime/graph_builder.ts';
import { candidatesOf, elementTypesOf, inputShape, requireData } from '../runtime/operator.ts';
import { elementCount, tensorDesc } from '../runtime/tensor.ts';
import { checkIndices } from './element_indices.ts';
import { oneDispatch } from './one_dispatch.ts';

/**
 * Adds rows of `x`: the k-th is that which the k-th index says, and zeros where `x` has no such row. Single elements
 * are the rows of a vector; rows along another axis are those of a transposed `x`.
 *
 * @param g - The builder; its path names the layer.
 * @param x - [R, ...], R at most 2^24.
 * @param indices - Of any shape: rows of `x`, from 0; fractions are dropped.
 * @returns Of the shape of the indices, followed by that of a row.
 * @throws ShapeError for more than 2^24 rows, whose indices would not be exact.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const boxes = g.input('boxes', [8400, 4]);
 * const best = g.input('best', [300]);
 * const chosen = gather(g.at('chosen'), boxes, best); // [300, 4]
 */
export function gather(g: GraphBuilder, x: Value, indices: Value): Activation {
  checkLayer(g, gatherOp, { x, indices });
  return g.add(gatherOp, {}, { x, indices });
}

type Role = 'x' | 'indices';
type Gather = Node<object, Role>;

function problemOf(node: Gather, epilogue: Epilogue | undefined): GatherProblem {
  const [rows = 1, ...row] = inputShape(node, 'x');
  return {
    rows,
    inner: elementCount(row),
    places: elementCount(inputShape(node, 'indices')),
    shape: node.output.desc.shape,
    types: elementTypesOf(node, 'x', 'indices'),
    epilogue,
  };
}

export function gatherReference(node: Gather, inputs: DataByRole): Float64Array {
  const { rows, inner, places } = problemOf(node, undefined);
  const x = requireData(node, inputs, 'x');
  const y = new Float64Array(places * inner);
  for (const [k, index] of requireData(node, inputs, 'indices').entries()) {
    const row = Math.trunc(index);
    if (index >= 0 && row < rows) y.set(x.subarray(row * inner, (row + 1) * inner), k * inner);
  }
  return y;
}

export const gatherOp: OpDef<object, Role> = {
  name: 'gather',
  inferShape(call) {
    const [rows = 1, ...row] = inputShape(call, 'x');
    checkIndices(call, rows);
    return tensorDesc([...inputShape(call, 'indices'), ...row]);
  },
  mixesBatch: () => true,
  exact: true,
  fusesEpilogue: true,
  candidates: candidatesOf(problemOf, [
    oneDispatch<GatherProblem, Role>({
      name: 'gather',
      source: shader,
      tiles: ({ places, inner }) => Math.ceil((places * inner) / GATHER_THREADS),
      reads: () => ['x', 'indices'],
    }),
  ]),
};
