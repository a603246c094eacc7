/** What each ONNX operator becomes. (https://onnx.ai/onnx/operators/) */
import { clip, hardSigmoid, hardSwish, leakyRelu, sigmoid } from '../layers/activations.ts';
import { globalAveragePool2d } from '../layers/adaptive_average_pool2d.ts';
import { add } from '../layers/add.ts';
import { batchNormOp } from '../layers/batch_norm.ts';
import { binary } from '../layers/binary.ts';
import { concat } from '../layers/concat.ts';
import { flatten } from '../layers/flatten.ts';
import { localResponseNorm } from '../layers/local_response_norm.ts';
import { pad2d } from '../layers/pad2d.ts';
import { reduce } from '../layers/reduce.ts';
import { relu } from '../layers/relu.ts';
import { reshapeTo } from '../layers/reshape.ts';
import { softmax } from '../layers/softmax.ts';
import { UnsupportedError } from '../runtime/errors.ts';
import type { Value } from '../runtime/graph.ts';
import { elementCount, formatShape, type Shape, shapesEqual } from '../runtime/tensor.ts';
import { axisOf, listOf, permutationOf, requestedShape, squeezed, unsqueezed } from './fold.ts';
import { gemm, matMul } from './import_linear.ts';
import {
  derived,
  type ImportCall,
  known,
  knownIfGiven,
  operand,
  shapeOfOperand,
  value,
} from './import_node.ts';
import { resize, upsample } from './import_resize.ts';
import { averagePool, conv, maxPool } from './import_windows.ts';
import { isFloat } from './tensor.ts';

type Importer = (call: ImportCall) => Value;

/** A view of x with these extents; the first is left open where it stays, so that the batch may change. */
function viewed(call: ImportCall, x: Value, shape: Shape): Value {
  const { shape: from } = x.desc;
  if (shapesEqual(from, shape)) return x;
  return reshapeTo(call.g, x, shape[0] === from[0] ? [-1, ...shape.slice(1)] : shape);
}

function activation(apply: (call: ImportCall, x: Value) => Value): Importer {
  return (call) => apply(call, value(call, 0));
}

const clipped: Importer = (call) => {
  const bound = (index: number, name: string): number | undefined => {
    const given = knownIfGiven(call, index, 'the bound');
    if (given) return listOf(given, 1)[0];
    return call.attributes.has(name) ? call.attributes.float(name, 0) : undefined;
  };
  const [least, most] = [bound(1, 'min'), bound(2, 'max')];
  return clip(call.g, value(call, 0), {
    ...(least !== undefined && { least }),
    ...(most !== undefined && { most }),
  });
};

function arithmetic(kind: 'add' | 'sub' | 'mul' | 'div'): Importer {
  return (call) => {
    const [a, b] = [operand(call, 0), operand(call, 1)];
    if (call.opset < 7 && call.attributes.has('axis')) {
      const x = value(call, 0);
      return binary(call.g, kind, x, alignedAt(call, x, value(call, 1)));
    }
    const alike = shapesEqual(shapeOfOperand(a), shapeOfOperand(b));
    // A residual connection, which fuses into the convolution before it.
    if (kind === 'add' && alike && a.value && b.value) return add(call.g, a.value, b.value);
    return binary(call.g, kind, value(call, 0), value(call, 1));
  };
}

/** Before operator set 7, an axis said where the shorter shape begins in the longer. */
function alignedAt(call: ImportCall, x: Value, short: Value): Value {
  const rank = x.desc.shape.length;
  const axis = axisOf(call.attributes.int('axis', 0), rank);
  const behind = Math.max(0, rank - axis - short.desc.shape.length);
  const shape = [...short.desc.shape, ...Array<number>(behind).fill(1)];
  if (shapesEqual(shape, short.desc.shape)) return short;
  if (short.kind === 'weight')
    return derived(short, `as ${formatShape(shape)}`, shape, (data) => data);
  return reshapeTo(call.g.at('aligned'), short, shape);
}

const batchNormalization: Importer = (call) => {
  const { attributes } = call;
  if (attributes.int('training_mode', 0) !== 0) throw new UnsupportedError('training_mode is 1');
  if (attributes.int('spatial', 1) !== 1) throw new UnsupportedError('spatial is 0');
  const roles = ['x', 'weight', 'bias', 'running_mean', 'running_var'];
  const inputs = Object.fromEntries(roles.map((role, i) => [role, value(call, i)]));
  return call.g.add(batchNormOp, { epsilon: attributes.float('epsilon', 1e-5) }, inputs);
};

const concatenated: Importer = (call) => {
  const parts = call.inputs.map((_, i) => value(call, i));
  const rank = parts[0]?.desc.shape.length ?? 0;
  return concat(call.g, parts, axisOf(call.attributes.int('axis', 1), rank));
};

const flattened: Importer = (call) => {
  const x = value(call, 0);
  const { shape } = x.desc;
  const given = call.attributes.int('axis', 1);
  const axis = given === shape.length ? given : axisOf(given, shape.length);
  if (axis === 1 && shape.length > 1) return flatten(call.g, x);
  return reshapeTo(call.g, x, [
    elementCount(shape.slice(0, axis)),
    elementCount(shape.slice(axis)),
  ]);
};

const reshaped: Importer = (call) => {
  const x = value(call, 0);
  const asked = call.attributes.ints('shape') ?? listOf(known(call, 1, 'the shape'));
  const allowZero = call.attributes.int('allowzero', 0) === 1;
  return viewed(call, x, requestedShape(x.desc.shape, forBatch(x.desc.shape, asked), allowZero));
};

/** Files for one image say so in their shapes, though the network takes any batch. */
function forBatch(shape: Shape, asked: readonly number[]): readonly number[] {
  const [batch = 1] = shape;
  const [first, ...rest] = asked;
  const literal = first === 1 && rest.every((extent) => extent > 0);
  return literal && elementCount(rest) * batch === elementCount(shape) ? [batch, ...rest] : asked;
}

function axesOf(call: ImportCall): readonly number[] | undefined {
  const given = knownIfGiven(call, 1, 'the axes');
  return given ? listOf(given) : call.attributes.ints('axes');
}

/** Only what moves no data. */
const transposed: Importer = (call) => {
  const x = value(call, 0);
  const { shape } = x.desc;
  const order = permutationOf(call.attributes, shape.length);
  const moved = order.filter((axis) => shape[axis] !== 1);
  if (moved.some((axis, i) => i > 0 && axis < (moved[i - 1] ?? 0))) {
    throw new UnsupportedError(
      `transposes ${formatShape(shape)} by [${order}]; only constants are`,
    );
  }
  return viewed(
    call,
    x,
    order.map((axis) => shape[axis] ?? 1),
  );
};

/** Every float is an f32 here. */
const cast: Importer = (call) => {
  const to = call.attributes.int('to', 1);
  if (!isFloat(to)) throw new UnsupportedError(`casts to a type (${to}) that is no float`);
  return value(call, 0);
};

const dropout: Importer = (call) => {
  const training = knownIfGiven(call, 2, 'training_mode');
  if (training && listOf(training, 1)[0] !== 0) throw new UnsupportedError('training_mode is 1');
  return value(call, 0);
};

/** Before operator set 13, all axes from `axis` on count as one. */
const softmaxed: Importer = (call) => {
  const x = value(call, 0);
  const { shape } = x.desc;
  const axis = axisOf(call.attributes.int('axis', call.opset < 13 ? 1 : -1), shape.length);
  if (call.opset >= 13 || elementCount(shape.slice(axis + 1)) === 1)
    return softmax(call.g, x, axis);
  const rows = elementCount(shape.slice(0, axis));
  const matrix = reshapeTo(call.g.at('rows'), x, [rows, elementCount(shape.slice(axis))]);
  return reshapeTo(call.g, softmax(call.g.at('softmax'), matrix), shape);
};

const lrn: Importer = (call) => {
  const { attributes } = call;
  return localResponseNorm(call.g, value(call, 0), {
    size: attributes.int('size', 0),
    alpha: attributes.float('alpha', 1e-4),
    beta: attributes.float('beta', 0.75),
    bias: attributes.float('bias', 1),
  });
};

const padded: Importer = (call) => {
  const x = value(call, 0);
  const rank = x.desc.shape.length;
  const mode = call.attributes.string('mode', 'constant');
  if (mode !== 'constant' && mode !== 'edge' && mode !== 'reflect') {
    throw new UnsupportedError(`mode is ${mode}; constant, edge and reflect are read`);
  }
  const given = knownIfGiven(call, 1, 'the padding');
  const pads = given
    ? listOf(given)
    : (call.attributes.ints('pads') ?? call.attributes.ints('paddings') ?? []);
  const which = knownIfGiven(call, 3, 'the axes');
  const axes = which ? listOf(which) : x.desc.shape.map((_, axis) => axis);
  const before = x.desc.shape.map(() => 0);
  const after = x.desc.shape.map(() => 0);
  for (const [i, axis] of axes.entries()) {
    before[axisOf(axis, rank)] = pads[i] ?? 0;
    after[axisOf(axis, rank)] = pads[axes.length + i] ?? 0;
  }
  if (rank !== 4 || before[0] || before[1] || after[0] || after[1]) {
    throw new UnsupportedError(
      `pads ${formatShape(x.desc.shape)} by [${pads}]; only height and width are`,
    );
  }
  const filling = knownIfGiven(call, 2, 'the value');
  const constant = filling ? (listOf(filling, 1)[0] ?? 0) : call.attributes.float('value', 0);
  const [, , top = 0, left = 0] = before;
  const [, , bottom = 0, right = 0] = after;
  return pad2d(call.g, x, { top, left, bottom, right }, { mode, value: constant });
};

const reducing =
  (kind: 'mean' | 'max'): Importer =>
  (call) => {
    const x = value(call, 0);
    const { shape } = x.desc;
    const given = axesOf(call);
    if (given?.length === 0 && call.attributes.int('noop_with_empty_axes', 0) === 1) return x;
    const all = shape.map((_, axis) => axis);
    const axes = given?.length ? given.map((axis) => axisOf(axis, shape.length)) : all;
    return reduced(call, x, kind, axes, call.attributes.int('keepdims', 1) === 1);
  };

function reduced(
  call: ImportCall,
  x: Value,
  kind: 'mean' | 'max',
  axes: readonly number[],
  keepAxes: boolean,
): Value {
  const sorted = axes.toSorted((a, b) => a - b);
  const [from = 0] = sorted;
  const to = from + sorted.length;
  if (sorted.some((axis, i) => axis !== from + i)) {
    throw new UnsupportedError(`axes [${axes}] are not neighbours`);
  }
  if (kind === 'mean' && from === 2 && to === 4 && x.desc.shape.length === 4 && keepAxes) {
    return globalAveragePool2d(call.g, x);
  }
  return reduce(call.g, x, { kind, from, to, keepAxes });
}

function globalPool(kind: 'mean' | 'max'): Importer {
  return (call) => {
    const x = value(call, 0);
    const axes = x.desc.shape.map((_, axis) => axis).slice(2);
    return reduced(call, x, kind, axes, true);
  };
}

const table: Readonly<Record<string, Importer>> = {
  Conv: conv,
  MaxPool: maxPool,
  AveragePool: averagePool,
  GlobalAveragePool: globalPool('mean'),
  GlobalMaxPool: globalPool('max'),
  BatchNormalization: batchNormalization,
  Relu: activation(({ g }, x) => relu(g, x)),
  Clip: clipped,
  LeakyRelu: activation(({ g, attributes }, x) => leakyRelu(g, x, attributes.float('alpha', 0.01))),
  Sigmoid: activation(({ g }, x) => sigmoid(g, x)),
  HardSigmoid: activation(({ g, attributes }, x) =>
    hardSigmoid(g, x, attributes.float('alpha', 0.2), attributes.float('beta', 0.5)),
  ),
  HardSwish: activation(({ g }, x) => hardSwish(g, x)),
  Add: arithmetic('add'),
  Sub: arithmetic('sub'),
  Mul: arithmetic('mul'),
  Div: arithmetic('div'),
  Concat: concatenated,
  Flatten: flattened,
  Reshape: reshaped,
  Squeeze: (call) => {
    const x = value(call, 0);
    return viewed(call, x, squeezed(x.desc.shape, axesOf(call)));
  },
  Unsqueeze: (call) => {
    const x = value(call, 0);
    return viewed(call, x, unsqueezed(x.desc.shape, axesOf(call)));
  },
  Transpose: transposed,
  Cast: cast,
  Identity: (call) => value(call, 0),
  Dropout: dropout,
  Gemm: gemm,
  MatMul: matMul,
  Softmax: softmaxed,
  LRN: lrn,
  Pad: padded,
  Resize: resize,
  Upsample: upsample,
  ReduceMean: reducing('mean'),
  ReduceMax: reducing('max'),
};

/** By ONNX's name of the operator. */
export const importers: ReadonlyMap<string, Importer> = new Map(Object.entries(table));
