/** Fully connected layer. */
import type { Activation, DataByRole, OpDef, Value } from '../runtime/graph.ts';
import { checkLayer, type GraphBuilder } from '../runtime/graph_builder.ts';
import {
  at,
  candidatesOf,
  checkShape,
  inputShape,
  requireData,
  shapeError,
} from '../runtime/operator.ts';
import { splitLargeWeights } from '../runtime/passes/split_large_weights.ts';
import { elementCount, formatShape, rowsAndColumns, tensorDesc } from '../runtime/tensor.ts';
import { concatOp } from './concat.ts';
import { directGemm } from './conv2d_kernels/direct.ts';
import { tiledGemm } from './conv2d_kernels/tiled.ts';
import { gemmOn } from './linear_kernels/gemm.ts';
import { gemv } from './linear_kernels/gemv.ts';
import { type Linear, type LinearRole, problemOf } from './linear_problem.ts';
import { checkIntegers } from './window.ts';

/** What `linear` is told besides its input: as PyTorch's `Linear`. */
export interface LinearOptions {
  /** Output features. */
  readonly features: number;
  /** true by default. */
  readonly bias?: boolean;
}

/**
 * Adds a fully connected layer: `x` [N, inputs] to [N, features]. Its weights are `weight` [features, inputs] and,
 * unless switched off, `bias` [features], at the builder's path.
 *
 * @param g - The builder; its path names the layer and its weights.
 * @param x - [N, inputs].
 * @param options - Output features, and whether there is a bias.
 * @returns [N, features].
 * @throws ShapeError where `x` has not two axes; flatten it, or take matmul.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const logits = linear(g.at('fc'), flatten(g.at('flat'), x), { features: 10 }); // [1, 10]
 */
export function linear(g: GraphBuilder, x: Value, options: LinearOptions): Activation {
  const call = checkLayer(g, linearOp, { x }, options);
  const { features } = options;
  checkIntegers(call, 'features', [features], 1);
  const [, inputFeatures = 1] = x.desc.shape;
  const inputs: Partial<Record<LinearRole, Value>> = {
    x,
    weight: g.weight('weight', [features, inputFeatures]),
  };
  if (options.bias ?? true) inputs.bias = g.weight('bias', [features]);
  return g.add(linearOp, {}, inputs);
}

export function linearReference(node: Linear, inputs: DataByRole): Float64Array {
  const g = problemOf(node, undefined);
  const x = requireData(node, inputs, 'x');
  const weight = requireData(node, inputs, 'weight');
  const y = new Float64Array(g.batch * g.outputs);
  for (let n = 0; n < g.batch; n++) {
    for (let o = 0; o < g.outputs; o++) {
      let sum = inputs.bias ? at(inputs.bias, o) : 0;
      for (let i = 0; i < g.inputs; i++) {
        sum += at(x, n * g.inputs + i) * at(weight, o * g.inputs + i);
      }
      y[n * g.outputs + o] = sum;
    }
  }
  return y;
}

export const linearOp: OpDef<object, LinearRole> = {
  name: 'linear',
  inferShape(call) {
    const x = inputShape(call, 'x');
    const [batch = 1, features] = x;
    const [outputs, inputs] = rowsAndColumns(inputShape(call, 'weight'));
    if (x.length !== 2 || features !== inputs) {
      throw shapeError(call, `weight expects an input [N, ${inputs}], got ${formatShape(x)}`);
    }
    checkShape(call, 'bias', [outputs]);
    return tensorDesc([batch, outputs]);
  },
  multiplyAdds: (node) =>
    elementCount(inputShape(node, 'weight')) * (inputShape(node, 'x')[0] ?? 1),
  channelAxis: 0,
  fusesEpilogue: true,
  passes: { concat: concatOp, splitLargeWeights },
  candidates: candidatesOf(problemOf, [gemv, gemmOn(directGemm), gemmOn(tiledGemm)]),
};
