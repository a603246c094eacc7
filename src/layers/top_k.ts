/** The largest elements of each row, with their indices. */
import { RANK_THREADS, type TopKProblem, topKRank, topKSelect } from '../../shaders/top_k.wgsl.ts';
import { kindOf } from '../runtime/device_profile.ts';
import type { Activation, DataByRole, Node, OpDef, Value } from '../runtime/graph.ts';
import { checkLayer, type GraphBuilder } from '../runtime/graph_builder.ts';
import { kernel } from '../runtime/kernel.ts';
import {
  candidatesOf,
  elementTypesOf,
  inputShape,
  requireData,
  shapeError,
} from '../runtime/operator.ts';
import { formatShape, rowsAndColumns, tensorDesc } from '../runtime/tensor.ts';
import { inOrder } from './bindings.ts';
import { checkChoices } from './choices.ts';
import { dispatchOf } from './dispatch.ts';
import { checkIndices } from './element_indices.ts';

export interface TopKAttributes {
  readonly k: number;
  readonly order: TopKProblem['order'];
}

/**
 * Adds the `k` largest, or least, elements of each row of `x`: each its value and its index, in this order, the lower
 * index first among equals. What is not a number comes first, with the index -1 - i in place of i.
 *
 * @param g - The builder; its path names the layer.
 * @param x - [N, C], C at most 2^24.
 * @param k - How many; at most C.
 * @param order - `largest` by default, or `least`.
 * @returns [N, k, 2], in f32 whatever the precision of the session.
 * @throws ShapeError where rows have fewer than `k` elements.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const probabilities = g.input('probabilities', [1, 1000]);
 * const best = topElements(g.at('best'), probabilities, 5); // [1, 5, 2]
 */
export function topElements(
  g: GraphBuilder,
  x: Value,
  k: number,
  order: TopKProblem['order'] = 'largest',
): Activation {
  checkLayer(g, topKOp, { x });
  return g.add(topKOp, { k, order }, { x });
}

type TopK = Node<TopKAttributes, 'x'>;

export function topKReference(node: TopK, inputs: DataByRole): Float64Array {
  const [rows, length] = rowsAndColumns(inputShape(node, 'x'));
  const x = requireData(node, inputs, 'x');
  const { k, order } = node.attributes;
  const y = new Float64Array(rows * k * 2);
  for (let row = 0; row < rows; row++) {
    best(x.subarray(row * length, (row + 1) * length), k, order).forEach((entry, i) => {
      y.set(entry, (row * k + i) * 2);
    });
  }
  return y;
}

/** NaN in front of all. */
function best(
  values: Float64Array,
  k: number,
  order: TopKProblem['order'],
): readonly (readonly [number, number])[] {
  const rank = (value: number): number => (Number.isNaN(value) ? 1 : 0);
  const sign = order === 'largest' ? 1 : -1;
  return Array.from(values, (value, index) => ({ value, index }))
    .sort(
      (a, b) => rank(b.value) - rank(a.value) || sign * (b.value - a.value) || a.index - b.index,
    )
    .slice(0, k)
    .map(({ value, index }) => [value, Number.isNaN(value) ? -1 - index : index]);
}

function problemOf(node: TopK): TopKProblem {
  const [rows, length] = rowsAndColumns(inputShape(node, 'x'));
  return { rows, length, ...node.attributes, types: elementTypesOf(node, 'x') };
}

export const topKOp: OpDef<TopKAttributes, 'x'> = {
  name: 'top_k',
  inferShape(call) {
    const shape = inputShape(call, 'x');
    const [rows, length] = shape;
    checkChoices(call, { order: ['largest', 'least'] });
    const { k } = call.attributes;
    if (shape.length !== 2 || rows === undefined || length === undefined) {
      throw shapeError(call, `expects rows [N, C], got ${formatShape(shape)}`);
    }
    checkIndices(call, length);
    if (!Number.isSafeInteger(k) || k < 1 || k > length) {
      throw shapeError(call, `k is an integer from 1 to the ${length} elements of a row, got ${k}`);
    }
    return tensorDesc([rows, k, 2]);
  },
  exact: true,
  candidates: candidatesOf(problemOf, [
    kernel<TopKProblem, { readonly threads: number }, string>({
      name: 'top_k',
      // CPU adapters run a subgroup as one vector, and wait long at barriers for several.
      configs: (_problem, device) => [
        { threads: kindOf(device) === 'cpu' ? (device.subgroupSize ?? 4) : 256 },
      ],
      lower(problem, { threads }, device) {
        const { rows, k } = problem;
        const select = dispatchOf(device, rows, inOrder(['x'], 'chosen'), (grid) => ({
          source: topKSelect(problem, threads, grid),
        }));
        const tiles = Math.ceil((rows * k) / RANK_THREADS);
        const rank = dispatchOf(device, tiles, inOrder(['x', 'chosen'], 'y'), (grid) => ({
          source: topKRank(problem, grid),
        }));
        return {
          dispatches: [select, rank],
          scratch: { chosen: 2 * rows * k * Uint32Array.BYTES_PER_ELEMENT },
        };
      },
    }),
  ]),
};
