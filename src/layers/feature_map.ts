import type { OpCall } from '../runtime/graph.ts';
import { inputShape, shapeError } from '../runtime/operator.ts';
import { formatShape, type Nchw, nchw } from '../runtime/tensor.ts';

/** A required input's extents by name. Throws ShapeError, with the layer's name, unless it is a feature map. */
export function featureMap<R extends string>(call: OpCall<object, R>, role: R): Nchw {
  const shape = inputShape(call, role);
  if (shape.length !== 4) {
    throw shapeError(call, `expects a feature map [N, C, H, W], got ${formatShape(shape)}`);
  }
  return nchw(shape);
}
