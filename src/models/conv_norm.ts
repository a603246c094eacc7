/** A convolution, its batch norm, which has the bias, and an activation: the unit that most networks are made of. */
import { batchNorm } from '../layers/batch_norm.ts';
import { type Conv2dOptions, conv2d } from '../layers/conv2d.ts';
import { type Pair, pair } from '../layers/window.ts';
import type { Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';

/** Adds a function of elements, of any shape: `relu` is one. */
export type ActivationFunction = (g: GraphBuilder, x: Value) => Value;

/** Paths of a convolution, its norm and its activation. */
export type ConvNormNames = readonly [conv: string, norm: string, activation: string];

export interface ConvNormOptions extends Omit<Conv2dOptions, 'bias'> {
  /** None by default. */
  readonly activation?: ActivationFunction | undefined;
  /** Of the norm; 1e-5 by default. */
  readonly epsilon?: number | undefined;
  /** Numbers in their order by default. */
  readonly names?: ConvNormNames;
}

/**
 * Adds act(norm(conv(x))). Without `padding`, kernels of odd extents get as much as keeps the size at a stride of 1.
 *
 * @example
 * const y = convNorm(g.at('stem'), x, { channels: 32, kernel: 3, stride: 2, activation: relu });
 */
export function convNorm(g: GraphBuilder, x: Value, options: ConvNormOptions): Value {
  const { activation, epsilon, names = numbered(''), ...conv } = options;
  const padding = options.padding ?? samePadding(pair(conv.kernel), pair(conv.dilation ?? 1));
  const y = conv2d(g.at(names[0]), x, { ...conv, padding, bias: false });
  const normal = batchNorm(g.at(names[1]), y, epsilon);
  return activation ? activation(g.at(names[2]), normal) : normal;
}

/** Names that are numbers in their order, from `first` on, below a path: `block.0`, `block.1`, `block.2`. */
export function numbered(path: string, first = 0): ConvNormNames {
  const at = (i: number): string => (path === '' ? `${first + i}` : `${path}.${first + i}`);
  return [at(0), at(1), at(2)];
}

function samePadding(kernel: Pair, dilation: Pair): Pair {
  return [(dilation[0] * (kernel[0] - 1)) / 2, (dilation[1] * (kernel[1] - 1)) / 2];
}
