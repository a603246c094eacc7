import type { Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import { Reshape } from '../runtime/movement/index.ts';
import { formatShape } from '../runtime/tensor.ts';
import { movedWeight } from './moved_weight.ts';

/**
 * A value a channel, [C], as it is broadcast along `axis` of a tensor of `rank` axes: [C, 1, 1] for the channels of
 * feature maps. A view; of weights, the same data under another shape.
 */
export function perChannel(g: GraphBuilder, vector: Value, rank: number, axis = 1): Value {
  const shape = [...vector.desc.shape, ...Array<number>(Math.max(0, rank - 1 - axis)).fill(1)];
  if (shape.length === vector.desc.shape.length) return vector;
  const at = g.at(`${vector.name} as ${formatShape(shape)}`);
  return movedWeight(at, vector, [new Reshape({ extents: shape })]);
}
