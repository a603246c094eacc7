/** What makes few numbers of many: reductions, products of matrices, the largest. */
import type { Attributes } from '../../onnx/attribute.ts';
import { DataType } from '../../onnx/schema/enums.ts';
import type { Call, Row } from '../call.ts';
import { demand } from '../errors.ts';

/** Fields of options, by their indices in TFLite's schema. */
const LINEAR = { activation: 0, format: 1, keepsAxes: 2 };
const PRODUCT = { adjointX: 0, adjointY: 1 };

export const reductionRows: Readonly<Record<string, Row>> = {
  FULLY_CONNECTED: { translate: fullyConnected, activation: LINEAR.activation },
  BATCH_MATMUL: { translate: product },
  MEAN: { translate: reduction('ReduceMean') },
  SUM: { translate: reduction('ReduceSum') },
  REDUCE_PROD: { translate: reduction('ReduceProd') },
  REDUCE_MAX: { translate: reduction('ReduceMax') },
  REDUCE_MIN: { translate: reduction('ReduceMin') },
  REDUCE_ANY: { translate: ofTruth('ReduceMax') },
  REDUCE_ALL: { translate: ofTruth('ReduceMin') },
  ARG_MAX: { translate: extremum('ArgMax') },
  ARG_MIN: { translate: extremum('ArgMin') },
  TOPK_V2: { translate: largest },
  CUMSUM: { translate: cumulative },
  SOFTMAX: { translate: softmax },
  LOG_SOFTMAX: { translate: (call) => call.node('LogSoftmax', [call.input(0)], LAST) },
  L2_NORMALIZATION: { translate: unit, activation: 0 },
};

const LAST: Attributes = { axis: { int: -1 } };

/** Weights are [channels out, channels in]. */
function fullyConnected(call: Call): string {
  const [, channels = 1] = call.tensor(1).shape;
  const bias = call.has(2) ? [call.bias(2)] : [];
  demand(call.choice(LINEAR.format) === 0, 'has weights in the order of one kind of processor');
  if (call.flag(LINEAR.keepsAxes) && call.rank() !== 2) {
    const made = call.node('MatMul', [call.input(0), call.ordered(1, [1, 0])]);
    return bias.length > 0 ? call.node('Add', [made, ...bias]) : made;
  }
  const x =
    call.rank() === 2
      ? call.input(0)
      : call.node('Reshape', [call.input(0), call.integers([-1, channels])]);
  return call.node('Gemm', [x, call.input(1), ...bias], { transB: { int: 1 } });
}

function product(call: Call): string {
  const turned = (input: number, field: number) => {
    if (!call.flag(field)) return call.input(input);
    const rank = call.rank(input);
    const order = Array.from({ length: rank }, (_, axis) => axis);
    return call.ordered(input, [...order.slice(0, rank - 2), rank - 1, rank - 2]);
  };
  return call.node('MatMul', [turned(0, PRODUCT.adjointX), turned(1, PRODUCT.adjointY)]);
}

function reduction(opType: string): Row['translate'] {
  return (call) => reduced(call, opType, call.input(0));
}

function reduced(call: Call, opType: string, x: string): string {
  const axes = call.integers(call.known(1, 'list of axes'));
  return call.node(opType, [x, axes], {
    keepdims: { int: call.flag(0) },
    noop_with_empty_axes: { int: 1 },
  });
}

function ofTruth(opType: string): Row['translate'] {
  return (call) => {
    const x = call.node('Cast', [call.input(0)], { to: { int: DataType.INT32 } });
    return call.node('Cast', [reduced(call, opType, x)], { to: { int: DataType.BOOL } });
  };
}

function extremum(opType: string): Row['translate'] {
  return (call) => {
    const [axis = 0] = call.known(1, 'axis');
    const made = call.node(opType, [call.input(0)], { axis: { int: axis }, keepdims: { int: 0 } });
    return integers(call, made);
  };
}

/** Where ONNX has 64 bits, the file says how many. */
function integers(call: Call, x: string, output = 0): string {
  return call.node('Cast', [x], { to: { int: call.outputType(output) } });
}

function largest(call: Call): readonly string[] {
  const [count = 1] = call.known(1, 'count');
  const [values = '', indices = ''] = call.nodes(
    'TopK',
    [call.input(0), call.integers([count])],
    LAST,
  );
  return [values, integers(call, indices, 1)];
}

function cumulative(call: Call): string {
  return call.node('CumSum', [call.input(0), call.integersOf(1)], {
    exclusive: { int: call.flag(0) },
    reverse: { int: call.flag(1) },
  });
}

function softmax(call: Call): string {
  const beta = call.float(0);
  const x = call.input(0);
  return call.node('Softmax', [beta === 1 ? x : call.node('Mul', [x, call.constant(beta)])], LAST);
}

/** Of length 1 along the last axis; what is shorter than 1e-6 is divided by that. */
function unit(call: Call): string {
  const x = call.input(0);
  const length = call.node('ReduceL2', [x, call.integers([-1])], { keepdims: { int: 1 } });
  return call.node('Div', [x, call.node('Max', [length, call.constant(1e-6)])]);
}
