/** Batch normalisation at inference. */
import {
  BATCH_NORM_THREADS,
  type BatchNormProblem,
  batchNormWidth,
  batchNorm as shader,
} from '../../shaders/batch_norm.wgsl.ts';
import type { Epilogue } from '../../shaders/lib/epilogue.ts';
import type { BatchNormAttributes } from '../runtime/builtins.ts';
import type { Activation, DataByRole, Node, OpDef, Value } from '../runtime/graph.ts';
import { checkLayer, type GraphBuilder } from '../runtime/graph_builder.ts';
import {
  at,
  candidatesOf,
  checkShape,
  inputShape,
  requireData,
  shapeError,
} from '../runtime/operator.ts';
import { foldBatchNorm } from '../runtime/passes/fold_batch_norm.ts';
import { elementCount, formatShape, tensorDesc } from '../runtime/tensor.ts';
import { checkFinite } from './choices.ts';
import { mapProblemOf } from './map_problem.ts';
import { oneDispatch } from './one_dispatch.ts';

/** What torchvision's models use. */
const DEFAULT_EPSILON = 1e-5;

const WEIGHTS = ['weight', 'bias', 'running_mean', 'running_var'] as const;

type Role = 'x' | (typeof WEIGHTS)[number];
type BatchNorm = Node<BatchNormAttributes, Role>;

/**
 * Adds a batch normalisation over axis 1 of `x` [N, C, ...], with the statistics of training: (x - running_mean) /
 * sqrt(running_var + epsilon) * weight + bias. Its weights are `weight`, `bias`, `running_mean` and `running_var`, each
 * [C], at the builder's path. Right after a convolution or a linear layer it is folded into that, and costs nothing.
 * (Ioffe and Szegedy, "Batch normalization", 2015.)
 *
 * @param g - The builder; its path names the layer and its weights.
 * @param x - [N, C, ...].
 * @param epsilon - Added to the variance; 1e-5 by default.
 * @throws ShapeError where `x` has no axis 1.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const y = batchNorm(g.at('bn1'), x); // reads bn1.weight, bn1.bias, bn1.running_mean, bn1.running_var
 */
export function batchNorm(
  g: GraphBuilder,
  x: Value,
  epsilon: number = DEFAULT_EPSILON,
): Activation {
  checkLayer(g, batchNormOp, { x });
  const [, channels = 1] = x.desc.shape;
  const weights = Object.fromEntries(WEIGHTS.map((name) => [name, g.weight(name, [channels])]));
  return g.add(batchNormOp, { epsilon }, { x, ...weights });
}

function problemOf(node: BatchNorm, epilogue: Epilogue | undefined): BatchNormProblem {
  return { ...mapProblemOf(node, epilogue), epsilon: node.attributes.epsilon };
}

export function batchNormReference(node: BatchNorm, inputs: DataByRole): Float64Array {
  const [, channels = 1, ...inner] = inputShape(node, 'x');
  const plane = elementCount(inner);
  const [gamma, beta, mean, variance] = [
    requireData(node, inputs, 'weight'),
    requireData(node, inputs, 'bias'),
    requireData(node, inputs, 'running_mean'),
    requireData(node, inputs, 'running_var'),
  ];
  return requireData(node, inputs, 'x').map((x, i) => {
    const c = Math.floor(i / plane) % channels;
    const scale = at(gamma, c) / Math.sqrt(at(variance, c) + node.attributes.epsilon);
    return (x - at(mean, c)) * scale + at(beta, c);
  });
}

export const batchNormOp: OpDef<BatchNormAttributes, Role> = {
  name: 'batch_norm',
  inferShape(call) {
    const shape = inputShape(call, 'x');
    const [, channels] = shape;
    if (channels === undefined) {
      throw shapeError(call, `expects an input [N, C, ...], got ${formatShape(shape)}`);
    }
    for (const name of WEIGHTS) checkShape(call, name, [channels]);
    const { epsilon } = call.attributes;
    checkFinite(call, 'epsilon', epsilon);
    return tensorDesc(shape);
  },
  views: { x: 'map', y: 'map' },
  fusesEpilogue: true,
  passes: { 'fold batch norm': foldBatchNorm },
  candidates: candidatesOf(problemOf, [
    oneDispatch<BatchNormProblem, Role>({
      name: 'batch_norm',
      source: (g, grid, overwritten) => shader(g, grid, overwritten !== undefined),
      tiles: (g) => Math.ceil(g.count / batchNormWidth(g) / BATCH_NORM_THREADS),
      reads: () => ['x', ...WEIGHTS],
      overwrites: () => ['x'],
    }),
  ]),
};
