/**
 * Residual networks: He, Zhang, Ren and Sun, "Deep residual learning for image recognition" (2015).
 *
 * A block computes relu(F(x) + shortcut(x)). Where a section begins, its first block is a downscaling
 * one: it has stride S, and its shortcut is a 1x1 convolution with the same stride.
 * Two placements of S are in use in bottleneck blocks: on the first 1x1 convolution (`v1`, the paper's), and
 * on the 3x3 (`v1.5`, torchvision's, about 0.5 % more accurate).
 *
 * Two relatives differ in the 3x3 convolutions only: ResNeXt cuts them into groups (Xie et al., "Aggregated
 * residual transformations for deep neural networks", 2016), wide ResNets give them more channels (Zagoruyko
 * and Komodakis, "Wide residual networks", 2016).
 */

import { relu } from '../layers/activations.ts';
import { globalAveragePool2d } from '../layers/adaptive_average_pool2d.ts';
import { add } from '../layers/arithmetic.ts';
import { batchNorm } from '../layers/batch_norm.ts';
import { type Conv2dOptions, conv2d } from '../layers/conv2d.ts';
import { flatten } from '../layers/flatten.ts';
import { linear } from '../layers/linear.ts';
import { maxPool2d } from '../layers/pool2d.ts';
import { checkIntegers } from '../layers/window.ts';
import type { Value } from '../runtime/graph.ts';
import { checkLayer, type GraphBuilder } from '../runtime/graph_builder.ts';
import type { ModelDef } from './model.ts';

/** Where a downscaling bottleneck block takes its stride. */
export type StridePlacement = 'v1' | 'v1.5';

/** F(x): two 3x3 convolutions, or a 3x3 between two 1x1 that reduce and restore the channels. */
export type BlockKind = 'basic' | 'bottleneck';

/** The parameters of a residual block. */
export interface BlockOptions {
  /** `bottleneck` by default. */
  readonly kind?: BlockKind;
  /** C: a basic block has as many output channels, a bottleneck four times as many. */
  readonly channels: number;
  /** S: 1 keeps the size, 2 halves it. */
  readonly stride: number;
  /** Which convolution of a bottleneck has the stride. */
  readonly placement: StridePlacement;
  /** Channels of a bottleneck's 3x3 convolution; C by default. */
  readonly width?: number;
  /** Groups of a bottleneck's 3x3 convolution; 1 by default. */
  readonly groups?: number;
  /** Dilation of a bottleneck's 3x3 convolution; 1 by default. */
  readonly dilation?: number;
}

/** Output channels of a block, in multiples of C. */
const EXPANSION: Readonly<Record<BlockKind, number>> = { basic: 1, bottleneck: 4 };

/** What messages call its parts. */
const RESNET = { name: 'resnet' };

/**
 * Adds a residual block whose shortcut is the identity: [N, K, H, W] to the same shape.
 *
 * @param g - At the block's path.
 * @param x - [N, K, H, W], with K the block's output channels.
 * @param options - Channels, kind, and what the convolutions have besides; the stride is 1.
 * @returns [N, K, H, W].
 * @throws ShapeError where the shapes do not fit, as where K is not what the options make it.
 *
 * @example
 * const y = residualBlock(g.at('block'), x, { kind: 'basic', channels: 64, stride: 1, placement: 'v1.5' });
 */
export function residualBlock(g: GraphBuilder, x: Value, options: BlockOptions): Value {
  checkLayer(g, RESNET, { x }, options);
  return relu(g.at('relu'), add(g.at('add'), residual(g, x, options), x));
}

/**
 * Adds a residual block whose shortcut is a strided 1x1 convolution: [N, K, H, W] to [N, L, H/S, W/S].
 *
 * @param g - At the block's path.
 * @param x - [N, K, H, W].
 * @param options - Channels, kind, stride, and what the convolutions have besides.
 * @returns [N, L, H / S, W / S], with L the block's output channels.
 * @throws ShapeError where the shapes do not fit.
 *
 * @example
 * const options = { channels: 128, stride: 2, placement: 'v1.5' } as const;
 * const y = downscalingResidualBlock(g.at('block'), x, options); // [1, 512, 28, 28]
 */
export function downscalingResidualBlock(g: GraphBuilder, x: Value, options: BlockOptions): Value {
  checkLayer(g, RESNET, { x }, options);
  const { kind = 'bottleneck', channels, stride } = options;
  const y = residual(g, x, options);
  const d = g.at('downsample');
  const projection = { channels: EXPANSION[kind] * channels, kernel: 1, stride };
  const shortcut = normalized(d.at(0), d.at(1), x, projection);
  return relu(g.at('relu'), add(g.at('add'), y, shortcut));
}

/** A convolution and its batch norm, which has the bias. */
function normalized(
  conv: GraphBuilder,
  norm: GraphBuilder,
  x: Value,
  options: Conv2dOptions,
): Value {
  return batchNorm(norm, conv2d(conv, x, { ...options, bias: false }));
}

/** F(x) */
function residual(g: GraphBuilder, x: Value, options: BlockOptions): Value {
  return options.kind === 'basic' ? basic(g, x, options) : bottleneck(g, x, options);
}

/** 3x3, 3x3, each to `channels`. */
function basic(g: GraphBuilder, x: Value, { channels, stride }: BlockOptions): Value {
  const conv = { channels, kernel: 3, padding: 1 };
  const y = normalized(g.at('conv1'), g.at('bn1'), x, { ...conv, stride });
  return normalized(g.at('conv2'), g.at('bn2'), relu(g.at('relu1'), y), conv);
}

/** 1x1 down to `width`, 3x3, 1x1 up to four times `channels`. */
function bottleneck(g: GraphBuilder, x: Value, options: BlockOptions): Value {
  const { channels, stride, placement, width = channels, groups = 1, dilation = 1 } = options;
  const [first, second] = placement === 'v1' ? [stride, 1] : [1, stride];
  const reduce = { channels: width, kernel: 1, stride: first };
  const spatial = {
    channels: width,
    kernel: 3,
    stride: second,
    padding: dilation,
    dilation,
    groups,
  };
  const restore = { channels: EXPANSION.bottleneck * channels, kernel: 1 };
  let y = normalized(g.at('conv1'), g.at('bn1'), x, reduce);
  y = normalized(g.at('conv2'), g.at('bn2'), relu(g.at('relu1'), y), spatial);
  return normalized(g.at('conv3'), g.at('bn3'), relu(g.at('relu2'), y), restore);
}

/** What the sections of a ResNet are made of. */
export interface ResnetSections {
  /** Blocks of each of the four sections. */
  readonly blocks: readonly [number, number, number, number];
  /** Which convolution of a bottleneck has the stride. */
  readonly placement: StridePlacement;
  /** `bottleneck` by default. */
  readonly kind?: BlockKind;
  /** Groups of the 3x3 convolutions; 1 by default. */
  readonly groups?: number;
  /** Channels of the first section's 3x3 convolutions, all groups together; 64 by default. */
  readonly width?: number;
  /**
   * Pixels of the image for each one of `layer4`; 32 by default. With less, the last sections have dilation in place
   * of stride, so that they see as far at a higher resolution. (Yu, Koltun and Funkhouser, "Dilated residual
   * networks", 2017.)
   */
  readonly outputStride?: 32 | 16 | 8;
}

export interface ResnetOptions extends ResnetSections {
  /** What the logits tell apart. */
  readonly classes: number;
}

/** The feature maps of a ResNet that are worth looking at. */
export interface ResnetFeatures {
  readonly [name: string]: Value;
  /** The first convolution. */
  readonly conv1: Value;
  /** After the stem's convolution, batch norm and ReLU. */
  readonly stem: Value;
  /** What the first section reads. */
  readonly maxpool: Value;
  /** The first section, of a quarter of the image's height and width. */
  readonly layer1: Value;
  /** The second section. */
  readonly layer2: Value;
  /** The third section. */
  readonly layer3: Value;
  /** The last section, at the output stride. */
  readonly layer4: Value;
}

/** The values of a ResNet that are worth looking at. */
export interface ResnetStages extends ResnetFeatures {
  /** The mean of each map of `layer4`. */
  readonly avgpool: Value;
  /** What the last linear layer gives. */
  readonly logits: Value;
}

/**
 * Adds a ResNet: images [N, 3, H, W] to logits [N, classes].
 *
 * @param g - At the network's path.
 * @param x - [N, 3, H, W].
 * @param options - Blocks of each section, classes, and what the blocks have in common.
 * @returns The values of its stages, by torchvision's names.
 * @throws ShapeError where the image is too small.
 *
 * @example
 * const image = g.input('image', [1, 3, 224, 224]);
 * const { logits } = resnet(g, image, { blocks: [3, 4, 6, 3], placement: 'v1.5', classes: 1000 });
 */
export function resnet(g: GraphBuilder, x: Value, options: ResnetOptions): ResnetStages {
  const features = resnetFeatures(g, x, options);
  const avgpool = globalAveragePool2d(g.at('avgpool'), features.layer4);
  const logits = linear(g.at('fc'), flatten(g.at('flatten'), avgpool), {
    features: options.classes,
  });
  return { ...features, avgpool, logits };
}

/**
 * Adds a ResNet without its classifier: images [N, 3, H, W] to feature maps.
 *
 * @param g - At the network's path.
 * @param x - [N, 3, H, W].
 * @param options - Blocks of each section, the output stride, and what the blocks have in common.
 * @returns The values of its stages, by torchvision's names.
 * @throws ShapeError where the image is too small.
 *
 * @example
 * const image = g.input('image', [1, 3, 224, 224]);
 * const options = { blocks: [3, 4, 6, 3], placement: 'v1.5', outputStride: 8 } as const;
 * const { layer4 } = resnetFeatures(g.at('backbone'), image, options); // [1, 2048, 28, 28]
 */
export function resnetFeatures(g: GraphBuilder, x: Value, options: ResnetSections): ResnetFeatures {
  const call = checkLayer(g, RESNET, { x }, options);
  checkIntegers(call, 'blocks', options.blocks, 1);
  const conv1 = conv2d(g.at('conv1'), x, {
    channels: 64,
    kernel: 7,
    stride: 2,
    padding: 3,
    bias: false,
  });
  const stem = relu(g.at('relu'), batchNorm(g.at('bn1'), conv1));
  const maxpool = maxPool2d(g.at('maxpool'), stem, { kernel: 3, stride: 2, padding: 1 });
  const layer1 = section(g, 0, maxpool, options);
  const layer2 = section(g, 1, layer1, options);
  const layer3 = section(g, 2, layer2, options);
  const layer4 = section(g, 3, layer3, options);
  return { conv1, stem, maxpool, layer1, layer2, layer3, layer4 };
}

type Section = 0 | 1 | 2 | 3;

function section(g: GraphBuilder, index: Section, x: Value, options: ResnetSections): Value {
  const { kind = 'bottleneck', placement, groups = 1, width = 64 } = options;
  const layer = g.at(`layer${index + 1}`);
  const channels = 64 << index;
  const dilation = dilationOf(index, options);
  const before = index === 0 ? 1 : dilationOf((index - 1) as Section, options);
  const block = { kind, placement, channels, groups, width: width << index };
  // The first block has the dilation of the section before; its successors make up for the lost stride.
  const first = { ...block, stride: index === 0 || dilation > before ? 1 : 2, dilation: before };
  const keepsShape = first.stride === 1 && x.desc.shape[1] === EXPANSION[kind] * channels;
  let y = (keepsShape ? residualBlock : downscalingResidualBlock)(layer.at(0), x, first);
  for (let i = 1; i < options.blocks[index]; i++) {
    y = residualBlock(layer.at(i), y, { ...block, stride: 1, dilation });
  }
  return y;
}

/** By what factor a section's stride, 4, 8, 16 or 32, exceeds what the output may have. */
function dilationOf(index: Section, { outputStride = 32 }: ResnetSections): number {
  return Math.max(1, (4 << index) / outputStride);
}

/** A ResNet for ImageNet as a model: `summary` is what it is, in a few words. */
export function resnetModel(name: string, summary: string, sections: ResnetSections): ModelDef {
  return {
    name,
    summary: `${summary} for ImageNet`,
    domain: 'imagenet',
    channels: 3,
    size: [224, 224],
    classes: 1000,
    build: (g, x) => resnet(g, x, { ...sections, classes: 1000 }),
  };
}

/** The sections of ResNet-50, which other networks are built on. */
export const resnet50Sections: ResnetSections = {
  kind: 'bottleneck',
  placement: 'v1.5',
  blocks: [3, 4, 6, 3],
};

/** The sections of ResNet-101, which other networks are built on. */
export const resnet101Sections: ResnetSections = {
  kind: 'bottleneck',
  placement: 'v1.5',
  blocks: [3, 4, 23, 3],
};

/**
 * ResNet-50 as torchvision has it. Its relatives are in a file of their own: pages that import it hold no other.
 *
 * @example
 * const net = buildModel(resnet50); // input [1, 3, 224, 224], logits [1, 1000]
 */
export const resnet50: ModelDef = resnetModel('resnet50', 'ResNet-50', resnet50Sections);
