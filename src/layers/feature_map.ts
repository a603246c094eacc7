import type { OpCall } from '../runtime/graph.ts';
import { describe, inputShape } from '../runtime/operator.ts';
import { type Nchw, nchw } from '../runtime/tensor.ts';

/** A required input's extents by name. Throws ShapeError, with the layer's name, unless it is a feature map. */
export function featureMap<R extends string>(call: OpCall<object, R>, role: R): Nchw {
  return nchw(inputShape(call, role), describe(call));
}
