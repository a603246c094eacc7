/** The head of a fully convolutional network, which also helps training from the middle of others. */
import { relu } from '../layers/activations.ts';
import { batchNorm } from '../layers/batch_norm.ts';
import { conv2d } from '../layers/conv2d.ts';
import type { Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';

/** Feature maps [N, C, H, W] to logits [N, classes, H, W], by way of C / 4 channels. */
export function fcnHead(g: GraphBuilder, x: Value, classes: number): Value {
  const [, channels = 4] = x.desc.shape;
  const unit = { channels: channels / 4, kernel: 3, padding: 1, bias: false };
  const y = relu(g.at(2), batchNorm(g.at(1), conv2d(g.at(0), x, unit)));
  // Dropout, which does nothing at inference, has the number 3.
  return conv2d(g.at(4), y, { channels: classes, kernel: 1 });
}
