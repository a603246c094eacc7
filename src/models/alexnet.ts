/**
 * AlexNet: Krizhevsky, Sutskever and Hinton, "ImageNet classification with deep convolutional neural
 * networks" (2012), in the variant of Krizhevsky, "One weird trick for parallelizing convolutional neural
 * networks" (2014), which needs no response normalisation and for which torchvision has weights.
 *
 *     3x224x224 -> conv 11/4 -> 64x55x55  -> max pool 3/2 -> 64x27x27
 *               -> conv 5    -> 192x27x27 -> max pool 3/2 -> 192x13x13
 *               -> conv 3    -> 384 -> conv 3 -> 256 -> conv 3 -> 256x13x13 -> max pool 3/2 -> 256x6x6
 *               -> 9216 -> 4096 -> 4096 -> classes
 */

import { relu } from '../layers/activations.ts';
import { adaptiveAveragePool2d } from '../layers/adaptive_average_pool2d.ts';
import { conv2d } from '../layers/conv2d.ts';
import { flatten } from '../layers/flatten.ts';
import { linear } from '../layers/linear.ts';
import { maxPool2d } from '../layers/pool2d.ts';
import type { Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import type { ModelDef } from './model.ts';

/** Adds AlexNet: images [N, 3, H, W], 63 x 63 at least, to logits [N, classes]. */
export function alexnet(g: GraphBuilder, x: Value, classes: number): Value {
  const f = g.at('features');
  let y: Value = conv2d(f.at(0), x, { channels: 64, kernel: 11, stride: 4, padding: 2 });
  y = relu(f.at(1), y);
  y = maxPool2d(f.at(2), y, { kernel: 3, stride: 2 });
  y = conv2d(f.at(3), y, { channels: 192, kernel: 5, padding: 2 });
  y = relu(f.at(4), y);
  y = maxPool2d(f.at(5), y, { kernel: 3, stride: 2 });
  y = conv2d(f.at(6), y, { channels: 384, kernel: 3, padding: 1 });
  y = relu(f.at(7), y);
  y = conv2d(f.at(8), y, { channels: 256, kernel: 3, padding: 1 });
  y = relu(f.at(9), y);
  y = conv2d(f.at(10), y, { channels: 256, kernel: 3, padding: 1 });
  y = relu(f.at(11), y);
  y = maxPool2d(f.at(12), y, { kernel: 3, stride: 2 });

  y = flatten(g.at('flatten'), adaptiveAveragePool2d(g.at('avgpool'), y, 6));
  // Dropout, which does nothing at inference, has the numbers 0 and 3.
  const c = g.at('classifier');
  y = relu(c.at(2), linear(c.at(1), y, { features: 4096 }));
  y = relu(c.at(5), linear(c.at(4), y, { features: 4096 }));
  return linear(c.at(6), y, { features: classes });
}

/**
 * AlexNet as torchvision has it. (Krizhevsky, "One weird trick for parallelizing CNNs", 2014.)
 *
 * @example
 * const net = buildModel(alexnet, { batch: 4 });
 */
export const alexnetModel: ModelDef = {
  name: 'alexnet',
  summary: 'AlexNet for ImageNet',
  domain: 'imagenet',
  channels: 3,
  size: [224, 224],
  classes: 1000,
  build: (g, x) => ({ logits: alexnet(g, x, 1000) }),
};
