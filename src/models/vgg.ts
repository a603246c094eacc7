/**
 * VGG: Simonyan and Zisserman, "Very deep convolutional networks for large-scale image recognition" (2014),
 * with and without batch norm.
 *
 * Five sections of 3x3 convolutions, each with a ReLU and ending in a max pooling that halves the image:
 * 3x224x224 -> 64x112x112 -> 128x56x56 -> 256x28x28 -> 512x14x14 -> 512x7x7 -> 4096 -> 4096 -> classes.
 * The number in the name counts convolutions and linear layers.
 */

import { relu } from '../layers/activations.ts';
import { adaptiveAveragePool2d } from '../layers/adaptive_average_pool2d.ts';
import { batchNorm } from '../layers/batch_norm.ts';
import { conv2d } from '../layers/conv2d.ts';
import { flatten } from '../layers/flatten.ts';
import { linear } from '../layers/linear.ts';
import { maxPool2d } from '../layers/pool2d.ts';
import { checkIntegers } from '../layers/window.ts';
import type { Value } from '../runtime/graph.ts';
import { checkLayer, type GraphBuilder } from '../runtime/graph_builder.ts';
import type { ModelDef } from './model.ts';

/** What VGGs differ by. */
export interface VggOptions {
  /** Convolutions of each of the five sections. */
  readonly convolutions: readonly [number, number, number, number, number];
  /** Whether one comes after each convolution. */
  readonly batchNorm: boolean;
  /** What the logits tell apart. */
  readonly classes: number;
}

const CHANNELS = [64, 128, 256, 512, 512] as const;

/**
 * Adds a VGG: images [N, 3, H, W], 32 x 32 at least, to logits [N, classes].
 *
 * @param g - At the network's path.
 * @param x - [N, 3, H, W].
 * @param options - Convolutions of each section, whether there are batch norms, and classes.
 * @returns The logits.
 * @throws ShapeError where the image is too small.
 *
 * @example
 * const image = g.input('image', [1, 3, 224, 224]);
 * const logits = vgg(g, image, { convolutions: [2, 2, 3, 3, 3], batchNorm: false, classes: 1000 }); // VGG-16
 */
export function vgg(g: GraphBuilder, x: Value, options: VggOptions): Value {
  const call = checkLayer(g, { name: 'vgg' }, { x }, options);
  checkIntegers(call, 'convolutions', options.convolutions, 0);
  // torchvision numbers the layers of all sections consecutively.
  let number = 0;
  const next = (): GraphBuilder => g.at('features').at(number++);
  let y = x;
  for (const [section, channels] of CHANNELS.entries()) {
    for (let i = 0; i < (options.convolutions[section] ?? 0); i++) {
      y = conv2d(next(), y, { channels, kernel: 3, padding: 1 });
      if (options.batchNorm) y = batchNorm(next(), y);
      y = relu(next(), y);
    }
    y = maxPool2d(next(), y, { kernel: 2 });
  }

  y = flatten(g.at('flatten'), adaptiveAveragePool2d(g.at('avgpool'), y, 7));
  // Dropout, which does nothing at inference, has the numbers 2 and 5.
  const c = g.at('classifier');
  y = relu(c.at(1), linear(c.at(0), y, { features: 4096 }));
  y = relu(c.at(4), linear(c.at(3), y, { features: 4096 }));
  return linear(c.at(6), y, { features: options.classes });
}

/** By the number in the name. */
const CONVOLUTIONS = {
  11: [1, 1, 2, 2, 2],
  13: [2, 2, 2, 2, 2],
  16: [2, 2, 3, 3, 3],
  19: [2, 2, 4, 4, 4],
} as const;

function vggModel(depth: keyof typeof CONVOLUTIONS, withBatchNorm: boolean): ModelDef {
  const options = { convolutions: CONVOLUTIONS[depth], batchNorm: withBatchNorm, classes: 1000 };
  return {
    name: `vgg${depth}${withBatchNorm ? '_bn' : ''}`,
    summary: `VGG-${depth} for ImageNet${withBatchNorm ? ', with batch norm' : ''}`,
    domain: 'imagenet',
    channels: 3,
    size: [224, 224],
    classes: 1000,
    build: (g, x) => ({ logits: vgg(g, x, options) }),
  };
}

export const vggModels: readonly ModelDef[] = ([11, 13, 16, 19] as const).flatMap((depth) => [
  vggModel(depth, false),
  vggModel(depth, true),
]);
