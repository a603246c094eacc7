/**
 * Residual networks: He, Zhang, Ren and Sun, "Deep residual learning for image recognition" (2015).
 *
 * A block computes relu(F(x) + shortcut(x)). Where a section begins, its first block is a downscaling
 * one: it takes its steps with stride S and its shortcut is a 1x1 convolution with the same stride.
 * Two placements of S are in use: on the first 1x1 convolution (`v1`, the paper's), and on the 3x3
 * (`v1.5`, torchvision's, about 0.5 % more accurate).
 */
import { globalAveragePool2d } from '../layers/adaptive_average_pool2d.ts';
import { add } from '../layers/add.ts';
import { batchNorm } from '../layers/batch_norm.ts';
import { conv2d } from '../layers/conv2d.ts';
import { flatten } from '../layers/flatten.ts';
import { linear } from '../layers/linear.ts';
import { maxPool2d } from '../layers/pool2d.ts';
import { relu } from '../layers/relu.ts';
import type { Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import type { ModelDef } from './model.ts';

/** Where a downscaling block takes its stride. */
export type StridePlacement = 'v1' | 'v1.5';

export interface BlockOptions {
  /** Channels of the 3x3 convolution; the block puts out four times as many. */
  readonly channels: number;
  /** S: 1 keeps the size, 2 halves it. */
  readonly stride: number;
  readonly placement: StridePlacement;
}

const EXPANSION = 4;

/** Adds a residual block whose shortcut is the identity: [N, 4C, H, W] to the same shape. */
export function residualBlock(g: GraphBuilder, x: Value, options: BlockOptions): Value {
  return relu(g.at('relu'), add(g.at('add'), bottleneck(g, x, options), x));
}

/** Adds a residual block whose shortcut is a strided 1x1 convolution: [N, K, H, W] to [N, 4C, H/S, W/S]. */
export function downscalingResidualBlock(g: GraphBuilder, x: Value, options: BlockOptions): Value {
  const { channels, stride } = options;
  const y = bottleneck(g, x, options);
  const d = g.at('downsample');
  let shortcut: Value = conv2d(d.at(0), x, {
    channels: EXPANSION * channels,
    kernel: 1,
    stride,
    bias: false,
  });
  shortcut = batchNorm(d.at(1), shortcut);
  return relu(g.at('relu'), add(g.at('add'), y, shortcut));
}

/** F(x): 1x1 down to `channels`, 3x3, 1x1 up to four times `channels`. */
function bottleneck(g: GraphBuilder, x: Value, options: BlockOptions): Value {
  const { channels, stride, placement } = options;
  const [first, second] = placement === 'v1' ? [stride, 1] : [1, stride];
  let y: Value = conv2d(g.at('conv1'), x, { channels, kernel: 1, stride: first, bias: false });
  y = batchNorm(g.at('bn1'), y);
  y = relu(g.at('relu1'), y);
  y = conv2d(g.at('conv2'), y, { channels, kernel: 3, stride: second, padding: 1, bias: false });
  y = batchNorm(g.at('bn2'), y);
  y = relu(g.at('relu2'), y);
  y = conv2d(g.at('conv3'), y, { channels: EXPANSION * channels, kernel: 1, bias: false });
  return batchNorm(g.at('bn3'), y);
}

export interface ResnetOptions {
  /** Blocks of each of the four sections. */
  readonly blocks: readonly [number, number, number, number];
  readonly placement: StridePlacement;
  readonly classes: number;
}

/** The values of a ResNet that are worth looking at. */
export interface ResnetStages {
  readonly [name: string]: Value;
  readonly conv1: Value;
  /** Behind the stem's convolution, batch norm and ReLU. */
  readonly stem: Value;
  readonly maxpool: Value;
  readonly layer1: Value;
  readonly layer2: Value;
  readonly layer3: Value;
  readonly layer4: Value;
  readonly avgpool: Value;
  readonly logits: Value;
}

/** Adds a ResNet: images [N, 3, H, W] to logits [N, classes]. */
export function resnet(g: GraphBuilder, x: Value, options: ResnetOptions): ResnetStages {
  const conv1 = conv2d(g.at('conv1'), x, {
    channels: 64,
    kernel: 7,
    stride: 2,
    padding: 3,
    bias: false,
  });
  const stem = relu(g.at('relu'), batchNorm(g.at('bn1'), conv1));
  const maxpool = maxPool2d(g.at('maxpool'), stem, { kernel: 3, stride: 2, padding: 1 });

  const section = (index: 0 | 1 | 2 | 3, input: Value): Value => {
    const layer = g.at(`layer${index + 1}`);
    const { placement } = options;
    const channels = 64 << index;
    const stride = index === 0 ? 1 : 2;
    let y = downscalingResidualBlock(layer.at(0), input, { channels, stride, placement });
    for (let i = 1; i < options.blocks[index]; i++) {
      y = residualBlock(layer.at(i), y, { channels, stride: 1, placement });
    }
    return y;
  };
  const layer1 = section(0, maxpool);
  const layer2 = section(1, layer1);
  const layer3 = section(2, layer2);
  const layer4 = section(3, layer3);

  const avgpool = globalAveragePool2d(g.at('avgpool'), layer4);
  const logits = linear(g.at('fc'), flatten(g.at('flatten'), avgpool), {
    features: options.classes,
  });
  return { conv1, stem, maxpool, layer1, layer2, layer3, layer4, avgpool, logits };
}

function resnet50(name: string, placement: StridePlacement, summary: string): ModelDef {
  return {
    name,
    summary,
    domain: 'imagenet',
    channels: 3,
    size: [224, 224],
    classes: 1000,
    build: (g, x) => resnet(g, x, { blocks: [3, 4, 6, 3], placement, classes: 1000 }),
  };
}

export const resnet50Model = resnet50(
  'resnet50',
  'v1.5',
  'ResNet-50 for ImageNet, stride on the 3x3 convolutions as in torchvision',
);

export const resnet50V1Model = resnet50(
  'resnet50_v1',
  'v1',
  'ResNet-50 for ImageNet, stride on the first 1x1 convolutions as in the paper',
);
