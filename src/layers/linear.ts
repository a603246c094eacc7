/** Fully connected layer. */
import type { Activation, Node, Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import {
  type Epilogue,
  inputShape,
  type OpDef,
  requireData,
  shapeError,
} from '../runtime/operator.ts';
import { formatShape, rowsAndColumns, tensorDesc } from '../runtime/tensor.ts';
import { geometryOf } from './linear_geometry.ts';
import { gemm } from './linear_kernels/gemm.ts';
import { gemv } from './linear_kernels/gemv.ts';

export interface LinearOptions {
  /** Output features. */
  readonly features: number;
  /** true by default. */
  readonly bias?: boolean;
}

/**
 * Adds a fully connected layer: `x` [N, inputs] to [N, features]. Its weights are `weight`
 * [features, inputs] and, unless switched off, `bias` [features], at the builder's path.
 */
export function linear(g: GraphBuilder, x: Value, options: LinearOptions): Activation {
  const [, inputFeatures = 1] = x.desc.shape;
  const inputs: Record<string, Value> = {
    x,
    weight: g.weight('weight', [options.features, inputFeatures]),
  };
  if (options.bias ?? true) inputs.bias = g.weight('bias', [options.features]);
  return g.add(linearOp, {}, inputs);
}

function reference(
  node: Node<Epilogue>,
  inputs: Readonly<Record<string, Float64Array>>,
): Float64Array {
  const g = geometryOf(node);
  const x = requireData(node, inputs, 'x');
  const weight = requireData(node, inputs, 'weight');
  const floor = g.activation === 'relu' ? 0 : Number.NEGATIVE_INFINITY;
  const y = new Float64Array(g.batch * g.outputs);
  for (let n = 0; n < g.batch; n++) {
    for (let o = 0; o < g.outputs; o++) {
      let sum = inputs.bias?.[o] ?? 0;
      for (let i = 0; i < g.inputs; i++) {
        sum += (x[n * g.inputs + i] ?? 0) * (weight[o * g.inputs + i] ?? 0);
      }
      y[n * g.outputs + o] = Math.max(sum, floor);
    }
  }
  return y;
}

export const linearOp: OpDef<Epilogue> = {
  name: 'linear',
  inferShape(call) {
    const x = inputShape(call, 'x');
    const [batch, features] = x;
    const [outputs, inputs] = rowsAndColumns(inputShape(call, 'weight'));
    if (x.length !== 2 || batch === undefined || features !== inputs) {
      throw shapeError(call, `weight expects an input [N, ${inputs}], got ${formatShape(x)}`);
    }
    const bias = call.inputs.bias?.desc.shape;
    if (bias && (bias.length !== 1 || bias[0] !== outputs)) {
      throw shapeError(call, `expects bias [${outputs}], got ${formatShape(bias)}`);
    }
    return tensorDesc([batch, outputs]);
  },
  reference,
  multiplyAdds(node) {
    const g = geometryOf(node);
    return g.batch * g.inputs * g.outputs;
  },
  fuses: ['relu'],
  kernels: [gemv, gemm],
};
