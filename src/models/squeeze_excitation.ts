/**
 * Squeeze-and-excitation: Hu, Shen and Sun, "Squeeze-and-excitation networks" (2018). The mean of each channel goes
 * through two layers, and what comes out, between 0 and 1, scales the channel.
 */
import { sigmoid } from '../layers/activations.ts';
import { globalAveragePool2d } from '../layers/adaptive_average_pool2d.ts';
import { mul } from '../layers/arithmetic.ts';
import { conv2d } from '../layers/conv2d.ts';
import type { Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import type { ActivationFunction } from './conv_norm.ts';

export interface SqueezeExcitationOptions {
  /** Channels between the two layers. */
  readonly squeezed: number;
  /** After the first layer. */
  readonly activation: ActivationFunction;
  /** After the second layer; `sigmoid` by default. */
  readonly gate?: ActivationFunction;
}

/** Adds x scaled by a gate for each channel: [N, C, H, W] to the same shape. */
export function squeezeExcitation(
  g: GraphBuilder,
  x: Value,
  { squeezed, activation, gate = sigmoid }: SqueezeExcitationOptions,
): Value {
  const [, channels = 1] = x.desc.shape;
  const mean = globalAveragePool2d(g.at('avgpool'), x);
  const inner = conv2d(g.at('fc1'), mean, { channels: squeezed, kernel: 1 });
  const outer = conv2d(g.at('fc2'), activation(g.at('activation'), inner), { channels, kernel: 1 });
  return mul(g.at('scale'), x, gate(g.at('scale_activation'), outer));
}
