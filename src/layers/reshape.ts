/** Another shape for the same memory. */
import type { Activation, Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import { inputShape, type OpDef, requireData, shapeError } from '../runtime/operator.ts';
import { elementCount, formatShape, type Shape, tensorDesc } from '../runtime/tensor.ts';

export interface ReshapeAttributes {
  /** Extents; one of them may be -1, for what is left. */
  readonly extents: readonly number[];
}

/** Adds a view of `x` under another shape; one extent may be -1. Throws ShapeError where the elements do not fit. */
export function reshapeTo(g: GraphBuilder, x: Value, extents: Shape): Activation {
  return g.add(reshapeOp, { extents }, { x });
}

export const reshapeOp: OpDef<ReshapeAttributes> = {
  name: 'reshape',
  inferShape(call) {
    const shape = inputShape(call, 'x');
    const { extents } = call.attributes;
    const known = elementCount(extents.filter((extent) => extent !== -1));
    const rest = elementCount(shape) / known;
    const result = extents.map((extent) => (extent === -1 ? rest : extent));
    const open = extents.filter((extent) => extent === -1).length;
    const valid = open <= 1 && result.every((extent) => Number.isSafeInteger(extent) && extent > 0);
    if (!valid || elementCount(result) !== elementCount(shape)) {
      throw shapeError(
        call,
        `${formatShape(shape)} has ${elementCount(shape)} elements, which cannot be seen as ${formatShape(extents)}`,
      );
    }
    return tensorDesc(result);
  },
  reference: (node, inputs) => requireData(node, inputs, 'x'),
  multiplyAdds: () => 0,
  mixesBatch: (node) => inputShape(node, 'x')[0] !== node.output.desc.shape[0],
  isView: true,
  kernels: [],
};
