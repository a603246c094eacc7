/**
 * DenseNet: Huang, Liu, van der Maaten and Weinberger, "Densely connected convolutional networks" (2017).
 *
 * In a dense block every layer reads the feature maps of all layers before it, and adds k to them. A transition
 * halves the channels and the size. The number in the name counts convolutions and the linear layer.
 */
import { relu } from '../layers/activations.ts';
import { batchNorm } from '../layers/batch_norm.ts';
import { concat } from '../layers/concat.ts';
import { conv2d } from '../layers/conv2d.ts';
import { linear } from '../layers/linear.ts';
import { averagePool2d, maxPool2d } from '../layers/pool2d.ts';
import type { Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import { channelMeans } from './channel_means.ts';
import { IMAGENET_CLASSES, imagenetModel } from './imagenet_model.ts';
import type { ModelDef } from './model.ts';

export interface DensenetLayers {
  /** k: how many feature maps a layer adds. */
  readonly growth: number;
  /** Layers of each dense block. */
  readonly blocks: readonly number[];
  /** Channels of the first convolution. */
  readonly stem: number;
}

/** A layer reduces what it reads to so many times k channels before its 3x3 convolution. */
const BOTTLENECK = 4;

/** Adds a DenseNet: images [N, 3, H, W], 29 x 29 at least, to logits [N, classes]. */
export function densenet(
  g: GraphBuilder,
  x: Value,
  { growth, blocks, stem }: DensenetLayers,
  classes: number,
): Value {
  const f = g.at('features');
  const wide = { kernel: 7, stride: 2, padding: 3, bias: false };
  let y: Value = conv2d(f.at('conv0'), x, { channels: stem, ...wide });
  y = relu(f.at('relu0'), batchNorm(f.at('norm0'), y));
  y = maxPool2d(f.at('pool0'), y, { kernel: 3, stride: 2, padding: 1 });
  for (const [i, layers] of blocks.entries()) {
    if (i > 0) y = transition(f.at(`transition${i}`), y);
    y = denseBlock(f.at(`denseblock${i + 1}`), y, layers, growth);
  }
  y = relu(f.at('relu5'), batchNorm(f.at('norm5'), y));
  return linear(g.at('classifier'), channelMeans(g, y), { features: classes });
}

function denseBlock(g: GraphBuilder, x: Value, layers: number, growth: number): Value {
  let y = x;
  for (let i = 1; i <= layers; i++) {
    const layer = g.at(`denselayer${i}`);
    y = concat(layer.at('concat'), [y, denseLayer(layer, y, growth)]);
  }
  return y;
}

/** Norm, ReLU, 1x1 convolution; norm, ReLU, 3x3 convolution to k channels. */
function denseLayer(g: GraphBuilder, x: Value, growth: number): Value {
  let y: Value = relu(g.at('relu1'), batchNorm(g.at('norm1'), x));
  y = conv2d(g.at('conv1'), y, { channels: BOTTLENECK * growth, kernel: 1, bias: false });
  y = relu(g.at('relu2'), batchNorm(g.at('norm2'), y));
  return conv2d(g.at('conv2'), y, { channels: growth, kernel: 3, padding: 1, bias: false });
}

function transition(g: GraphBuilder, x: Value): Value {
  const [, channels = 2] = x.desc.shape;
  const y = relu(g.at('relu'), batchNorm(g.at('norm'), x));
  const half = conv2d(g.at('conv'), y, { channels: channels / 2, kernel: 1, bias: false });
  return averagePool2d(g.at('pool'), half, { kernel: 2 });
}

function densenetModel(depth: number, layers: DensenetLayers): ModelDef {
  return imagenetModel(`densenet${depth}`, `DenseNet-${depth}`, (g, x) => ({
    logits: densenet(g, x, layers, IMAGENET_CLASSES),
  }));
}

/** Table 1, and the wide DenseNet-161 that the authors published beside it. */
export const densenetModels: readonly ModelDef[] = [
  densenetModel(121, { growth: 32, blocks: [6, 12, 24, 16], stem: 64 }),
  densenetModel(161, { growth: 48, blocks: [6, 12, 36, 24], stem: 96 }),
  densenetModel(169, { growth: 32, blocks: [6, 12, 32, 32], stem: 64 }),
  densenetModel(201, { growth: 32, blocks: [6, 12, 48, 32], stem: 64 }),
];
