/** Flattening: another shape for the same memory. */
import type { Activation, Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import { inputShape, type OpDef, requireData, shapeError } from '../runtime/operator.ts';
import { elementCount, formatShape, tensorDesc } from '../runtime/tensor.ts';

export interface FlattenAttributes {
  readonly axis: number;
}

/** Adds a flattening of the axes from `axis` on, 1 by default: [N, C, H, W] to [N, C * H * W]. */
export function flatten(g: GraphBuilder, x: Value, axis = 1): Activation {
  return g.add(flattenOp, { axis }, { x });
}

export const flattenOp: OpDef<FlattenAttributes> = {
  name: 'flatten',
  inferShape(call) {
    const shape = inputShape(call, 'x');
    const { axis } = call.attributes;
    if (!Number.isInteger(axis) || axis < 0 || axis > shape.length) {
      throw shapeError(call, `axis ${axis} is not between 0 and the rank of ${formatShape(shape)}`);
    }
    return tensorDesc([...shape.slice(0, axis), elementCount(shape.slice(axis))]);
  },
  reference: (node, inputs) => requireData(node, inputs, 'x'),
  multiplyAdds: () => 0,
  mixesBatch: (node) => node.attributes.axis === 0,
  isView: true,
  kernels: [],
};
