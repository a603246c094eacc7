import { relu } from '../layers/activations.ts';
import type { Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import { type ConvNormOptions, convNorm } from './conv_norm.ts';

/** Adds the unit of the Inception networks: convolution `conv`, batch norm `bn`, ReLU. */
export function basicConv(
  g: GraphBuilder,
  x: Value,
  options: Omit<ConvNormOptions, 'activation' | 'epsilon' | 'names'>,
): Value {
  return convNorm(g, x, {
    ...options,
    activation: relu,
    epsilon: 1e-3,
    names: ['conv', 'bn', 'relu'],
  });
}
