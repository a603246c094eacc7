/** Rows put in places that are computed. */
import type { Epilogue } from '../../shaders/lib/epilogue.ts';
import type { ScatterProblem } from '../../shaders/scatter.wgsl.ts';
import type { Activation, DataByRole, Node, OpDef, Value } from '../runtime/graph.ts';
import { checkLayer, type GraphBuilder } from '../runtime/graph_builder.ts';
import {
  candidatesOf,
  elementTypesOf,
  inputShape,
  requireData,
  shapeError,
} from '../runtime/operator.ts';
import { elementCount, formatShape, type Shape, tensorDesc } from '../runtime/tensor.ts';
import { checkIndices } from './element_indices.ts';
import { putRows, scattering } from './scattering.ts';

/**
 * Adds `x` with rows of `updates` in the places of `indices`: the k-th row goes to where the k-th index says. `x` is
 * seen as rows of as many elements as `updates` has for each index. Of two rows for one place the later is taken;
 * indices out of `x` put nothing anywhere.
 *
 * @param g - The builder; its path names the layer.
 * @param x - Of any shape.
 * @param indices - Of any shape: rows of `x`, from 0.
 * @param updates - A row for each index.
 * @returns Of the shape of `x`.
 * @throws ShapeError where the shapes do not go together, and for more than 2^24 rows, whose indices would not be
 *   exact.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const tokens = g.input('tokens', [100, 64]);
 * const where = g.input('where', [30]);
 * const kept = g.input('kept', [30, 64]);
 * const moved = scatter(g.at('moved'), tokens, where, kept); // [100, 64]
 */
export function scatter(g: GraphBuilder, x: Value, indices: Value, updates: Value): Activation {
  checkLayer(g, scatterOp, { x, indices, updates });
  return g.add(scatterOp, {}, { x, indices, updates });
}

type Role = 'x' | 'indices' | 'updates';
type Scatter = Node<object, Role>;

function innerOf(indices: Shape, updates: Shape): number {
  return elementCount(updates) / elementCount(indices);
}

function problemOf(node: Scatter, epilogue: Epilogue | undefined): ScatterProblem {
  const { shape } = node.output.desc;
  const indices = inputShape(node, 'indices');
  const inner = innerOf(indices, inputShape(node, 'updates'));
  return {
    rows: elementCount(shape) / inner,
    inner,
    places: elementCount(indices),
    onto: true,
    shape,
    types: elementTypesOf(node, 'x', 'indices', 'updates'),
    epilogue,
  };
}

export function scatterReference(node: Scatter, inputs: DataByRole): Float64Array {
  const y = Float64Array.from(requireData(node, inputs, 'x'));
  putRows(requireData(node, inputs, 'indices'), requireData(node, inputs, 'updates'), y);
  return y;
}

export const scatterOp: OpDef<object, Role> = {
  name: 'scatter',
  inferShape(call) {
    const x = inputShape(call, 'x');
    const indices = inputShape(call, 'indices');
    const updates = inputShape(call, 'updates');
    const inner = innerOf(indices, updates);
    if (!Number.isSafeInteger(inner) || elementCount(x) % inner !== 0) {
      const shapes = `${formatShape(updates)} for ${formatShape(indices)} of ${formatShape(x)}`;
      throw shapeError(call, `expects a row of updates for each index, got ${shapes}`);
    }
    checkIndices(call, elementCount(x) / inner);
    return tensorDesc(x);
  },
  mixesBatch: () => true,
  exact: true,
  fusesEpilogue: true,
  candidates: candidatesOf(problemOf, [scattering('updates')]),
};
