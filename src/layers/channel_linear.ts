/** A linear layer at every pixel of a feature map. */
import type { Activation, Value } from '../runtime/graph.ts';
import { checkLayer, type GraphBuilder } from '../runtime/graph_builder.ts';
import { Reshape } from '../runtime/movement/index.ts';
import { conv2dOp } from './conv2d.ts';
import { movedWeight } from './moved_weight.ts';
import { checkIntegers, windowOf } from './window.ts';

/**
 * Adds a linear layer over the channels of each pixel: `x` [N, C, H, W] to [N, features, H, W]. Its weights are
 * `weight` [features, C] and `bias` [features], at the builder's path. It computes a 1x1 convolution, whose weights
 * have two more axes: PyTorch's models name theirs after the linear layer where they permute to channels last for it.
 *
 * @param g - The builder; its path names the layer and its weights.
 * @param x - [N, C, H, W].
 * @param features - Output channels.
 * @returns [N, features, H, W].
 * @throws ShapeError where `x` is no map, or `features` no positive integer.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const y = channelLinear(g.at('pwconv1'), x, 256); // [1, 256, 56, 56]
 */
export function channelLinear(g: GraphBuilder, x: Value, features: number): Activation {
  checkIntegers(checkLayer(g, conv2dOp, { x }), 'features', [features], 1);
  const [, channels = 1] = x.desc.shape;
  const weight = movedWeight(g.at('weight'), g.weight('weight', [features, channels]), [
    new Reshape({ extents: [features, channels, 1, 1] }),
  ]);
  const attributes = { ...windowOf({ kernel: 1 }), groups: 1 };
  return g.add(conv2dOp, attributes, { x, weight, bias: g.weight('bias', [features]) });
}
