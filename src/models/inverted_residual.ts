/**
 * Inverted residuals: Sandler, Howard, Zhu, Zhmoginov and Chen, "MobileNetV2: inverted residuals and linear
 * bottlenecks" (2018). A 1x1 convolution expands the channels, a depthwise one works on them, and another 1x1, with no
 * activation, projects them to few again. The shortcut joins the narrow ends.
 */
import { add } from '../layers/arithmetic.ts';
import type { Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import { type ActivationFunction, type ConvNormNames, convNorm, numbered } from './conv_norm.ts';
import { type SqueezeExcitationOptions, squeezeExcitation } from './squeeze_excitation.ts';

export interface InvertedResidualOptions {
  /** Channels in between. Where they are those of the input, nothing expands. */
  readonly expanded: number;
  readonly channels: number;
  /** Of the depthwise convolution. */
  readonly kernel: number;
  readonly stride: number;
  /** Of the depthwise convolution; 1 by default. More than 1 replaces the stride. */
  readonly dilation?: number;
  readonly activation: ActivationFunction;
  /** After the depthwise convolution; none by default. */
  readonly excitation?: SqueezeExcitationOptions | undefined;
  /** Of the norms; 1e-5 by default. */
  readonly epsilon?: number | undefined;
  /** Paths of the layer with this number; by default numbered layers below that number, below `block`. */
  readonly names?: (layer: number, isProjection: boolean) => ConvNormNames;
}

/** Adds an inverted residual block: [N, C, H, W] to [N, channels, H / stride, W / stride]. */
export function invertedResidual(
  g: GraphBuilder,
  x: Value,
  options: InvertedResidualOptions,
): Value {
  const { expanded, channels, kernel, stride, dilation = 1, activation, excitation } = options;
  const { epsilon, names = (layer: number) => numbered(`block.${layer}`) } = options;
  const [, inputs] = x.desc.shape;
  let layer = 0;
  let y = x;
  if (expanded !== inputs) {
    const named = names(layer++, false);
    y = convNorm(g, y, { channels: expanded, kernel: 1, activation, epsilon, names: named });
  }
  y = convNorm(g, y, {
    channels: expanded,
    kernel,
    stride: dilation > 1 ? 1 : stride,
    dilation,
    groups: expanded,
    activation,
    epsilon,
    names: names(layer++, false),
  });
  if (excitation) y = squeezeExcitation(g.at('block').at(layer++), y, excitation);
  y = convNorm(g, y, { channels, kernel: 1, epsilon, names: names(layer, true) });
  return stride === 1 && inputs === channels ? add(g.at('add'), y, x) : y;
}
