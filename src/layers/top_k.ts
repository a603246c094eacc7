/** The largest elements of each row, with their indices. */

import { gridOf } from '../../shaders/lib/grid.ts';
import { topK as shader, type TopKGeometry } from '../../shaders/top_k.wgsl.ts';
import type { Activation, Node, Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import {
  type DeviceProfile,
  inputShape,
  type KernelDef,
  type OpDef,
  requireData,
  shapeError,
} from '../runtime/operator.ts';
import { formatShape, rowsAndColumns, tensorDesc } from '../runtime/tensor.ts';
import { inOrder } from './bindings.ts';
import { elementTypesOf } from './element_types.ts';

export interface TopKAttributes {
  readonly k: number;
}

/** Indices beyond it are no f32. */
const MOST_ELEMENTS = 2 ** 24;

/**
 * Adds the `k` largest elements of each row of `x` [N, C]: [N, k, 2], each its value and its index, the largest first,
 * the lower index first among equals. Where a row holds what is not a number, the first index of its results is
 * -1 - i, i the first such element. Throws ShapeError where rows have fewer than `k` elements.
 */
export function topElements(g: GraphBuilder, x: Value, k: number): Activation {
  return g.add(topKOp, { k }, { x });
}

function reference(
  node: Node<TopKAttributes>,
  inputs: Readonly<Record<string, Float64Array>>,
): Float64Array {
  const [rows, length] = rowsAndColumns(inputShape(node, 'x'));
  const x = requireData(node, inputs, 'x');
  const { k } = node.attributes;
  const y = new Float64Array(rows * k * 2);
  for (let row = 0; row < rows; row++) {
    best(x.subarray(row * length, (row + 1) * length), k).forEach((entry, i) => {
      y.set(entry, (row * k + i) * 2);
    });
  }
  return y;
}

/** NaN in front of all. */
function best(values: Float64Array, k: number): readonly (readonly [number, number])[] {
  const rank = (value: number): number => (Number.isNaN(value) ? 1 : 0);
  return Array.from(values, (value, index) => ({ value, index }))
    .sort((a, b) => rank(b.value) - rank(a.value) || b.value - a.value || a.index - b.index)
    .slice(0, k)
    .map(({ value, index }) => [value, Number.isNaN(value) ? -1 - index : index]);
}

function geometryOf(
  node: Node<TopKAttributes>,
  { kind, subgroupSize }: DeviceProfile,
): TopKGeometry {
  const [rows, length] = rowsAndColumns(inputShape(node, 'x'));
  // CPU adapters run a subgroup as one vector, and wait long at barriers for several.
  const threads = kind === 'cpu' ? (subgroupSize ?? 4) : 64;
  return { rows, length, k: node.attributes.k, threads, types: elementTypesOf(node, 'x') };
}

const kernel: KernelDef<TopKAttributes> = {
  name: 'top_k',
  supports: () => true,
  configs: () => [{}],
  lower(node, _config, device) {
    const g = geometryOf(node, device);
    const grid = gridOf(g.rows, device.limits.maxComputeWorkgroupsPerDimension);
    return {
      dispatches: [
        {
          source: shader(g, grid),
          bindings: inOrder(['x'], 'y'),
          workgroups: [grid.columns, grid.rows, 1],
        },
      ],
    };
  },
};

export const topKOp: OpDef<TopKAttributes> = {
  name: 'top_k',
  inferShape(call) {
    const shape = inputShape(call, 'x');
    const [rows, length] = shape;
    const { k } = call.attributes;
    if (shape.length !== 2 || rows === undefined || length === undefined) {
      throw shapeError(call, `expects rows [N, C], got ${formatShape(shape)}`);
    }
    if (length >= MOST_ELEMENTS) {
      throw shapeError(
        call,
        `rows have less than ${MOST_ELEMENTS} elements, got ${formatShape(shape)}`,
      );
    }
    if (!Number.isSafeInteger(k) || k < 1 || k > length) {
      throw shapeError(call, `k is an integer from 1 to the ${length} elements of a row, got ${k}`);
    }
    return tensorDesc([rows, k, 2]);
  },
  reference,
  multiplyAdds: () => 0,
  readsF32: true,
  kernels: [kernel],
};
