/** Local response normalisation across channels, as in the first AlexNet. */
import type { Epilogue } from '../../shaders/lib/epilogue.ts';
import { MAP_THREADS } from '../../shaders/lib/map_kernel.ts';
import {
  type LocalResponseNormProblem,
  localResponseNorm as shader,
} from '../../shaders/local_response_norm.wgsl.ts';
import type { Activation, DataByRole, Node, OpDef, Value } from '../runtime/graph.ts';
import { checkLayer, type GraphBuilder } from '../runtime/graph_builder.ts';
import { at, candidatesOf, inputShape, requireData, shapeError } from '../runtime/operator.ts';
import { formatShape, tensorDesc } from '../runtime/tensor.ts';
import { checkFinite } from './choices.ts';
import { mapProblemOf } from './map_problem.ts';
import { oneDispatch } from './one_dispatch.ts';
import { checkIntegers } from './window.ts';

/** The constants of `localResponseNorm`. */
export interface LocalResponseNormAttributes {
  /** Channels that are summed over. */
  readonly size: number;
  /** What the mean of squares is multiplied by; 1e-4 by default. */
  readonly alpha: number;
  /** The exponent; 0.75 by default. */
  readonly beta: number;
  /** What is added to the mean of squares; 1 by default. */
  readonly bias: number;
}

/**
 * Adds x / (bias + alpha / size * sum of squares of the `size` channels about each)^beta, of `x` [N, C, ...]; alpha
 * 1e-4, beta 0.75 and bias 1 by default. (Krizhevsky, Sutskever and Hinton, "ImageNet classification with deep
 * convolutional neural networks", 2012.)
 *
 * @param g - The builder; its path names the layer.
 * @param x - [N, C, ...].
 * @param options - How many channels are summed over, and the constants of the formula.
 * @throws ShapeError where `x` has no channels.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const y = localResponseNorm(g.at('lrn'), x, { size: 5 });
 */
export function localResponseNorm(
  g: GraphBuilder,
  x: Value,
  options: Pick<LocalResponseNormAttributes, 'size'> & Partial<LocalResponseNormAttributes>,
): Activation {
  checkLayer(g, localResponseNormOp, { x }, options);
  return g.add(localResponseNormOp, { alpha: 1e-4, beta: 0.75, bias: 1, ...options }, { x });
}

function problemOf(
  node: Node<LocalResponseNormAttributes, 'x'>,
  epilogue: Epilogue | undefined,
): LocalResponseNormProblem {
  return { ...node.attributes, ...mapProblemOf(node, epilogue) };
}

export function localResponseNormReference(
  node: Node<LocalResponseNormAttributes, 'x'>,
  inputs: DataByRole,
): Float64Array {
  const { channels, plane, size, alpha, beta, bias } = problemOf(node, undefined);
  const x = requireData(node, inputs, 'x');
  const before = Math.floor((size - 1) / 2);
  return x.map((value, i) => {
    const channel = Math.floor(i / plane) % channels;
    let sum = 0;
    const last = Math.min(channel - before + size, channels);
    for (let d = Math.max(channel - before, 0); d < last; d++) {
      sum += at(x, i + (d - channel) * plane) ** 2;
    }
    return value / (bias + (alpha / size) * sum) ** beta;
  });
}

export const localResponseNormOp: OpDef<LocalResponseNormAttributes, 'x'> = {
  name: 'local_response_norm',
  inferShape(call) {
    const shape = inputShape(call, 'x');
    const { size, alpha, beta, bias } = call.attributes;
    if (shape.length < 2) {
      throw shapeError(call, `expects an input [N, C, ...], got ${formatShape(shape)}`);
    }
    checkIntegers(call, 'size', [size], 1);
    for (const [name, value] of Object.entries({ alpha, beta, bias })) {
      checkFinite(call, name, value);
    }
    return tensorDesc(shape);
  },
  views: { x: 'map', y: 'map' },
  fusesEpilogue: true,
  candidates: candidatesOf(problemOf, [
    oneDispatch<LocalResponseNormProblem, 'x'>({
      name: 'local_response_norm',
      source: shader,
      tiles: ({ count }) => Math.ceil(count / MAP_THREADS),
      reads: () => ['x'],
    }),
  ]),
};
