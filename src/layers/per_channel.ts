import { type Activation, type Constant, isConstant, type Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import { formatShape, type Shape, tensorDesc } from '../runtime/tensor.ts';
import { reshapeTo } from './rearrange.ts';

/**
 * A value a channel, [C], as it is broadcast along `axis` of a tensor of `rank` axes: [C, 1, 1] for the channels of
 * feature maps. A view; of weights, the same data under another shape.
 */
export function perChannel(g: GraphBuilder, vector: Value, rank: number, axis = 1): Value {
  const shape = [...vector.desc.shape, ...Array<number>(Math.max(0, rank - 1 - axis)).fill(1)];
  if (shape.length === vector.desc.shape.length) return vector;
  return isConstant(vector) ? reshaped(vector, shape) : viewed(g, vector, shape);
}

function viewed(g: GraphBuilder, vector: Value, shape: Shape): Activation {
  return reshapeTo(g.at(`${vector.name} as ${formatShape(shape)}`), vector, shape);
}

function reshaped(vector: Constant, shape: Shape): Constant {
  return {
    kind: 'derived',
    name: `${vector.name} as ${formatShape(shape)}`,
    desc: tensorDesc(shape),
    sources: [vector],
    compute: ([data = new Float32Array()]) => data,
  };
}
