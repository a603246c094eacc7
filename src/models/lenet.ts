/**
 * LeNet for 28 x 28 grey digits, after LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied
 * to document recognition" (1998), with max pooling and ReLU as trained today.
 *
 *     1x28x28 -> conv 5 -> 32x24x24 -> max pool 3 -> 32x8x8 -> relu
 *             -> conv 5 -> 64x4x4   -> max pool 2 -> 64x2x2 -> relu -> 256 -> 200 -> relu -> 10
 */

import { relu } from '../layers/activations.ts';
import { conv2d } from '../layers/conv2d.ts';
import { flatten } from '../layers/flatten.ts';
import { linear } from '../layers/linear.ts';
import { maxPool2d } from '../layers/pool2d.ts';
import type { Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import type { ModelDef } from './model.ts';

/** Adds LeNet: [N, 1, 28, 28] to logits [N, 10]. */
export function lenet(g: GraphBuilder, x: Value): Value {
  let y: Value = conv2d(g.at('conv1'), x, { channels: 32, kernel: 5 });
  y = maxPool2d(g.at('pool1'), y, { kernel: 3 });
  y = relu(g.at('relu1'), y);
  y = conv2d(g.at('conv2'), y, { channels: 64, kernel: 5 });
  y = maxPool2d(g.at('pool2'), y, { kernel: 2 });
  y = relu(g.at('relu2'), y);
  y = flatten(g.at('flatten'), y);
  y = linear(g.at('fc1'), y, { features: 200 });
  y = relu(g.at('relu3'), y);
  return linear(g.at('fc2'), y, { features: 10 });
}

/**
 * LeNet for digits, whose weights come with the package. (LeCun et al., "Gradient-based learning", 1998.)
 *
 * @example
 * const net = buildModel(lenet); // input [1, 1, 28, 28], logits [1, 10]
 */
export const lenetModel: ModelDef = {
  name: 'lenet',
  summary: 'LeNet for handwritten digits, 28 x 28 grey',
  domain: 'digits',
  channels: 1,
  size: [28, 28],
  classes: 10,
  build: (g, x) => ({ logits: lenet(g, x) }),
};
