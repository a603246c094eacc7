/**
 * ConvNeXt: Liu, Mao, Wu, Feichtenhofer, Darrell and Xie, "A ConvNet for the 2020s" (2022). A ResNet with what vision
 * transformers do: patches, wide depthwise convolutions, layer norm over the channels, inverted bottlenecks, GELU.
 *
 *     3x224x224 -> conv 4/4 -> Cx56x56 -> blocks -> conv 2/2 -> 2Cx28x28 -> blocks -> 4Cx14x14 -> blocks -> 8Cx7x7
 *               -> blocks -> mean -> classes
 */
import { gelu } from '../layers/activations.ts';
import { globalAveragePool2d } from '../layers/adaptive_average_pool2d.ts';
import { add, mul } from '../layers/arithmetic.ts';
import { channelLinear } from '../layers/channel_linear.ts';
import { conv2d } from '../layers/conv2d.ts';
import { flatten } from '../layers/flatten.ts';
import { linear } from '../layers/linear.ts';
import { layerNorm } from '../layers/normalize.ts';
import type { Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import { IMAGENET_CLASSES, imagenetModel } from './imagenet_model.ts';
import type { ModelDef } from './model.ts';

export interface ConvnextLayers {
  /** C: channels of the first stage; each later one has twice as many. */
  readonly channels: number;
  /** Blocks of the stages. */
  readonly blocks: readonly [number, number, number, number];
}

/** Norms are those of the channels of each pixel. */
const OF_CHANNELS = { from: 1, to: 2, epsilon: 1e-6 };
/** Channels between the two linear layers of a block, in multiples of C. */
const EXPANSION = 4;

/** Adds a ConvNeXt: images [N, 3, H, W], 32 x 32 at least, to logits [N, classes]. */
export function convnext(
  g: GraphBuilder,
  x: Value,
  { channels, blocks }: ConvnextLayers,
  classes: number,
): Value {
  const f = g.at('features');
  let y: Value = conv2d(f.at(0).at(0), x, { channels, kernel: 4, stride: 4 });
  y = layerNorm(f.at(0).at(1), y, OF_CHANNELS);
  for (const [stage, count] of blocks.entries()) {
    if (stage > 0) y = downsample(f.at(2 * stage), y, channels << stage);
    for (let i = 0; i < count; i++) y = block(f.at(2 * stage + 1).at(i), y);
  }
  const c = g.at('classifier');
  y = layerNorm(c.at(0), globalAveragePool2d(g.at('avgpool'), y), OF_CHANNELS);
  return linear(c.at(2), flatten(c.at(1), y), { features: classes });
}

function downsample(g: GraphBuilder, x: Value, channels: number): Value {
  return conv2d(g.at(1), layerNorm(g.at(0), x, OF_CHANNELS), { channels, kernel: 2, stride: 2 });
}

/** x + scale * F(x), F of a depthwise 7x7, norm, linear, GELU, linear. */
function block(g: GraphBuilder, x: Value): Value {
  const [, channels = 1] = x.desc.shape;
  const b = g.at('block');
  let y: Value = conv2d(b.at(0), x, { channels, kernel: 7, padding: 3, groups: channels });
  // Permutations to channels last and back, which nothing here needs, have the numbers 1 and 6.
  y = layerNorm(b.at(2), y, OF_CHANNELS);
  y = gelu(b.at(4), channelLinear(b.at(3), y, EXPANSION * channels));
  y = channelLinear(b.at(5), y, channels);
  const scale = g.weight('layer_scale', [channels, 1, 1]);
  return add(g.at('add'), mul(g.at('layer_scale'), y, scale), x);
}

function convnextModel(size: string, layers: ConvnextLayers): ModelDef {
  return imagenetModel(`convnext_${size}`, `ConvNeXt, ${size},`, (g, x) => ({
    logits: convnext(g, x, layers, IMAGENET_CLASSES),
  }));
}

export const convnextModels: readonly ModelDef[] = [
  convnextModel('tiny', { channels: 96, blocks: [3, 3, 9, 3] }),
  convnextModel('small', { channels: 96, blocks: [3, 3, 27, 3] }),
  convnextModel('base', { channels: 128, blocks: [3, 3, 27, 3] }),
  convnextModel('large', { channels: 192, blocks: [3, 3, 27, 3] }),
];
