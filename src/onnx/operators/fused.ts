/**
 * What onnxruntime's optimisers write in place of several layers: operators of the domain com.microsoft.
 * (https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md)
 */
import { apply } from '../../../shaders/lib/expression.ts';
import * as f from '../../../shaders/lib/expression_functions.ts';
import { clip, gelu, sigmoid, tanh } from '../../layers/activations.ts';
import { add, mul } from '../../layers/arithmetic.ts';
import { matmul } from '../../layers/matmul.ts';
import { pointwise } from '../../layers/pointwise.ts';
import type { Value } from '../../runtime/graph.ts';
import type { GraphBuilder } from '../../runtime/graph_builder.ts';
import { formatShape, shapesEqual } from '../../runtime/tensor.ts';
import { clipped } from '../../runtime/weights/messages.ts';
import { demand } from '../errors.ts';
import type { ImportCall, Importer, Importers } from '../import_node.ts';
import { importConv } from './conv.ts';
import { NAMED } from './functions.ts';
import { importGemm, importMatMul, linearWeight, ofRows } from './linear.ts';
import { layerNorm } from './normalization.ts';

type Parameters = readonly (number | undefined)[];
type Activate = (g: GraphBuilder, x: Value, parameters: Parameters) => Value;

/** By ONNX's names; parameters are in the order of the attributes. */
const ACTIVATIONS: ReadonlyMap<string, Activate> = new Map<string, Activate>([
  ['', (_, x) => x],
  ['Sigmoid', sigmoid],
  ['Tanh', tanh],
  ['Clip', (g, x, [least, most]) => clip(g, x, { least, most })],
  ...NAMED.filter(({ inputs, attributes }) => !inputs && !attributes).map(
    ({ opType, build, parameters = {} }): [string, Activate] => [
      opType,
      (g, x, given) =>
        build(g, x, ...Object.values(parameters).map((otherwise, i) => given[i] ?? otherwise)),
    ],
  ),
]);

function activated(call: ImportCall, x: Value, parameters: Parameters): Value {
  const name = call.text('activation');
  const activate = ACTIVATIONS.get(name);
  demand(activate, `activation is ${clipped(name)}, which is not read`);
  return activate(call.g.at('activation'), x, parameters);
}

/** The sum of tensors of one shape, which both have. */
function sumOf(g: GraphBuilder, x: Value, y: Value): Value {
  const sum = add(g, x, y);
  const { shape } = x.desc;
  const alike = shapesEqual(sum.desc.shape, shape);
  demand(alike, `${formatShape(y.desc.shape)} is added to ${formatShape(shape)}, and is larger`);
  return sum;
}

/** activation(conv(x) + z) */
function conv(call: ImportCall): Value {
  const layer = importConv(call.with({ inputs: call.inputs.slice(0, 3) }));
  const sum = call.inputs[3] ? sumOf(call.g.at('sum'), layer, call.value(3)) : layer;
  return activated(call, sum, call.floats('activation_params') ?? []);
}

function gemm(call: ImportCall): Value {
  const names = ['activation_alpha', 'activation_beta'];
  const given = names.map((name) => (call.has(name) ? call.float(name, 0) : undefined));
  return activated(call, importGemm(call), given);
}

/** alpha A' B' */
function product(call: ImportCall): Value {
  const stacks = call.flag('transBatchA') || call.flag('transBatchB');
  demand(!stacks, 'transBatchA or transBatchB is 1: the axes of stacks are moved; 0 is read');
  const [transposeA, transposeB] = [call.flag('transA'), call.flag('transB')];
  const scale = call.float('alpha', 1);
  const ranks = [call.shape(0).length, call.shape(1).length];
  if (ranks.includes(1)) {
    demand(!transposeA && !transposeB, 'is of a vector, and transA or transB is 1; 0 is read');
    return mul(call.g, importMatMul(call.with({ g: call.g.at('product') })), scale);
  }
  const [x, { constant }] = [call.value(0), call.operand(1)];
  if (constant?.shape.length === 2 && !transposeA && x.desc.shape.length > 1) {
    return ofRows(call, x, linearWeight(call, constant, transposeB, scale));
  }
  return matmul(call.g, x, call.value(1), { transposeA, transposeB, scale });
}

/** gelu(x + bias), where there is one. */
function biasedGelu(approximate: 'none' | 'tanh'): Importer {
  return (call) => {
    const x = call.value(0);
    const sum = call.inputs[1] ? add(call.g.at('sum'), x, call.value(1)) : x;
    return gelu(call.g, sum, approximate);
  };
}

/** Of x + skip + bias, which may be the fourth output. */
function normOfSum(centred: boolean): Importer {
  const [scale, bias] = centred ? [2, 4] : [2, 3];
  return (call) => {
    const [, mean, deviation] = call.node.output;
    demand(!mean && !deviation, 'mean or deviation are outputs');
    const skipped = sumOf(call.g.at('skip'), call.value(0), call.value(1));
    const sum = call.inputs[bias] ? sumOf(call.g.at('bias'), skipped, call.value(bias)) : skipped;
    const inputs = [
      { value: sum, type: call.type(0) },
      call.operand(scale),
      centred ? call.inputs[3] : undefined,
    ];
    const y = layerNorm(call.with({ inputs }), centred, 1e-12);
    // Those between are left out.
    return [y, sum, sum, sum];
  };
}

export const importers: Importers = {
  'com.microsoft.FusedConv': conv,
  'com.microsoft.FusedGemm': gemm,
  'com.microsoft.FusedMatMul': product,
  'com.microsoft.Gelu': biasedGelu('none'),
  'com.microsoft.BiasGelu': biasedGelu('none'),
  'com.microsoft.FastGelu': biasedGelu('tanh'),
  'com.microsoft.QuickGelu': (call) =>
    pointwise(call.g, [call.value(0)], (x = 0) =>
      apply(f.mul, x, apply(f.sigmoid, apply(f.mul, x, call.float('alpha', 1.702)))),
    ),
  'com.microsoft.SkipLayerNormalization': normOfSum(true),
  'com.microsoft.SkipSimplifiedLayerNormalization': normOfSum(false),
  // onnxruntime writes this one without a domain.
  SimplifiedLayerNormalization: (call) => layerNorm(call, false),
};
