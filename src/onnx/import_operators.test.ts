/**
 * Every operator that is read, in each form that the operator sets from 7 on have given it, beside results worked out
 * by hand; onnxruntime must agree with these, where it is installed.
 */
import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import {
  type GraphInit,
  onnxNode as node,
  onnxFile,
  onnxInput,
  onnxTensor as tensor,
} from '../../test/fixtures/onnx_model.ts';
import { findOnnxRuntime, runOnnxRuntime } from '../../test/fixtures/onnxruntime.ts';
import { operators } from '../layers/index.ts';
import { runReference } from '../runtime/reference/run_reference.ts';
import { elementCount, type Shape } from '../runtime/tensor.ts';
import type { Attribute } from './attribute.ts';
import { folds } from './fold.ts';
import { loadOnnx } from './import.ts';
import { importers } from './import_operators.ts';
import { AttributeProtoSchema, TensorProtoSchema } from './schema/onnx_pb.ts';

/** The newest operator set, and the newest one that changed each operator here: 22 windows, 21 and 23 shapes. */
const NEWEST = 24;
const MAP: Shape = [1, 1, 3, 3];
/** -4 to 4 as a map. */
const X = [-4, -3, -2, -1, 0, 1, 2, 3, 4];

interface Case {
  readonly what: string;
  /** The operator sets that have this form: from, and up to. */
  readonly from: number;
  readonly to?: number;
  readonly nodes: GraphInit['node'];
  readonly constants?: GraphInit['initializer'];
  /** Of x, whose values are -4, -3, ...; a map by default. */
  readonly shape?: Shape;
  readonly expected: readonly number[];
  /** As the input by default. */
  readonly outputShape?: Shape;
}

type Attributes = Readonly<Record<string, Attribute>>;
const one = (opType: string, attributes: Attributes = {}, inputs = 'x') => [
  node(opType, inputs, 'y', attributes),
];
const ints = (...values: number[]): Attribute => ({ ints: values });
const int = (value: number): Attribute => ({ int: value });
const float = (value: number): Attribute => ({ float: value });
const text = (value: string): Attribute => ({ string: value });
const list = (name: string, ...values: number[]) =>
  tensor(name, [values.length], values, 'integer');
const small = (name: string, value: number) => tensor(name, [], [value]);

/** A Constant node with a tensor. */
function constantNode(output: string, dims: readonly number[], values: readonly number[]) {
  const t = create(TensorProtoSchema, {
    dims: dims.map(BigInt),
    dataType: 7,
    int64Data: values.map(BigInt),
  });
  const attribute = [create(AttributeProtoSchema, { name: 'value', type: 4, t })];
  return { opType: 'Constant', output: [output], attribute };
}

const quad: Attributes = { kernel_shape: ints(2, 2) };
const quadKernel = [tensor('w', [1, 1, 2, 2], [1, 1, 1, 1]), tensor('b', [1], [1])];
const square: Shape = [1, 1, 2, 2];
/** Pooled by 2 x 2 in strides of 2, with a border on top and left. */
const bordered = { ...quad, strides: ints(2, 2), pads: ints(1, 1, 0, 0) };
const statistics = 'scale 2 bias 1 mean 1 var 1'.split(' ');
const normalised = [0, 2, 4, 6].map((i) =>
  tensor(statistics[i] ?? '', [1], [Number(statistics[i + 1])]),
);
const matrix: Shape = [2, 3];
const B = tensor('b', [3, 2], [1, 0, 0, 1, 1, 1]);
const BT = tensor('b', [2, 3], [1, 0, 1, 0, 1, 1]);
/** [-4 -3 -2; -1 0 1] times B. */
const AB = [-6, -5, 0, 1];
const exp = Math.exp;
/** x of size 2 doubled, as nearest does. */
const DOUBLED = [-4, -4, -3, -3, -4, -4, -3, -3, -2, -2, -1, -1, -2, -2, -1, -1];
const LARGER: Shape = [1, 1, 4, 4];
const SCALES = tensor('s', [4], [1, 1, 2, 2]);
const asymmetric = { coordinate_transformation_mode: text('asymmetric') };
const PADDED = [9, 9, 9, 9, 9, -4, -3, 9, 9, -2, -1, 9];
const BORDER: Shape = [1, 1, 3, 4];

const cases: readonly Case[] = [
  {
    what: 'Conv',
    from: 7,
    nodes: one('Conv', quad, 'x w b'),
    constants: quadKernel,
    expected: [-7, -3, 5, 9],
    outputShape: square,
  },
  {
    what: 'Conv, auto_pad',
    from: 7,
    nodes: one('Conv', { auto_pad: text('SAME_UPPER') }, 'x w'),
    constants: quadKernel.slice(0, 1),
    expected: [-8, -4, -1, 4, 8, 5, 5, 7, 4],
  },
  {
    what: 'MaxPool',
    from: 7,
    nodes: one('MaxPool', quad),
    expected: [0, 1, 3, 4],
    outputShape: square,
  },
  {
    what: 'MaxPool, ceil_mode',
    from: 10,
    nodes: one('MaxPool', { ...quad, strides: ints(2, 2), ceil_mode: int(1) }),
    expected: [0, 1, 3, 4],
    outputShape: square,
  },
  {
    what: 'MaxPool, dilations',
    from: 10,
    nodes: one('MaxPool', { ...quad, dilations: ints(2, 2) }),
    expected: [4],
    outputShape: [1, 1, 1, 1],
  },
  {
    what: 'AveragePool',
    from: 7,
    nodes: one('AveragePool', quad),
    expected: [-2, -1, 1, 2],
    outputShape: square,
  },
  {
    what: 'AveragePool, without the padding',
    from: 7,
    nodes: one('AveragePool', bordered),
    expected: [-4, -2.5, 0.5, 2],
    outputShape: square,
  },
  {
    what: 'AveragePool, count_include_pad',
    from: 7,
    nodes: one('AveragePool', { ...bordered, count_include_pad: int(1) }),
    expected: [-1, -1.25, 0.25, 2],
    outputShape: square,
  },
  {
    what: 'AveragePool, dilations',
    from: 19,
    nodes: one('AveragePool', { ...quad, dilations: ints(2, 2) }),
    expected: [0],
    outputShape: [1, 1, 1, 1],
  },
  {
    what: 'GlobalAveragePool',
    from: 7,
    nodes: one('GlobalAveragePool'),
    expected: [0],
    outputShape: [1, 1, 1, 1],
  },
  {
    what: 'GlobalMaxPool',
    from: 7,
    nodes: one('GlobalMaxPool'),
    expected: [4],
    outputShape: [1, 1, 1, 1],
  },
  {
    what: 'BatchNormalization',
    from: 7,
    nodes: one('BatchNormalization', { epsilon: float(0) }, 'x scale bias mean var'),
    constants: normalised,
    expected: X.map((x) => 2 * x - 1),
  },
  { what: 'Relu', from: 7, nodes: one('Relu'), expected: X.map((x) => Math.max(x, 0)) },
  {
    what: 'Clip, bounds as attributes',
    from: 7,
    to: 10,
    nodes: one('Clip', { min: float(-1), max: float(2) }),
    expected: [-1, -1, -1, -1, 0, 1, 2, 2, 2],
  },
  {
    what: 'Clip, bounds as inputs',
    from: 11,
    nodes: one('Clip', {}, 'x min max'),
    constants: [small('min', -1), small('max', 2)],
    expected: [-1, -1, -1, -1, 0, 1, 2, 2, 2],
  },
  {
    what: 'Clip, from above',
    from: 11,
    nodes: one('Clip', {}, 'x _ max'),
    constants: [small('max', 2)],
    expected: [-4, -3, -2, -1, 0, 1, 2, 2, 2],
  },
  {
    what: 'LeakyRelu',
    from: 7,
    nodes: one('LeakyRelu', { alpha: float(0.5) }),
    expected: X.map((x) => (x < 0 ? x / 2 : x)),
  },
  { what: 'Sigmoid', from: 7, nodes: one('Sigmoid'), expected: X.map((x) => 1 / (1 + exp(-x))) },
  {
    what: 'HardSigmoid',
    from: 7,
    nodes: one('HardSigmoid', { alpha: float(0.25), beta: float(0.5) }),
    expected: [0, 0, 0, 0.25, 0.5, 0.75, 1, 1, 1],
  },
  {
    what: 'HardSwish',
    from: 14,
    nodes: one('HardSwish'),
    expected: X.map((x) => x * Math.min(Math.max(x / 6 + 0.5, 0), 1)),
  },
  ...(
    [
      ['Add', [-3, -1, 1, 0, 2, 4, 3, 5, 7]],
      ['Sub', [-5, -5, -5, -2, -2, -2, 1, 1, 1]],
      ['Mul', [-4, -6, -6, -1, 0, 3, 2, 6, 12]],
      ['Div', [-4, -1.5, -2 / 3, -1, 0, 1 / 3, 2, 1.5, 4 / 3]],
    ] as const
  ).map(([opType, expected]) => ({
    what: opType,
    from: 7,
    nodes: one(opType, {}, 'x row'),
    constants: [tensor('row', [3], [1, 2, 3])],
    expected,
  })),
  {
    what: 'Add, of two computed maps',
    from: 7,
    nodes: [node('Relu', 'x', 'r'), node('Add', 'r x', 'y')],
    expected: [-4, -3, -2, -1, 0, 2, 4, 6, 8],
  },
  {
    what: 'Concat',
    from: 7,
    nodes: one('Concat', { axis: int(1) }, 'x x'),
    expected: [...X, ...X],
    outputShape: [1, 2, 3, 3],
  },
  {
    what: 'Concat, axis from the end',
    from: 11,
    nodes: one('Concat', { axis: int(-2) }, 'x x'),
    expected: [...X, ...X],
    outputShape: [1, 1, 6, 3],
  },
  { what: 'Flatten', from: 7, nodes: one('Flatten'), expected: X, outputShape: [1, 9] },
  {
    what: 'Flatten, another axis',
    from: 7,
    nodes: one('Flatten', { axis: int(3) }),
    expected: X,
    outputShape: [3, 3],
  },
  {
    what: 'Flatten, axis from the end',
    from: 11,
    nodes: one('Flatten', { axis: int(-1) }),
    expected: X,
    outputShape: [3, 3],
  },
  {
    what: 'Reshape',
    from: 7,
    nodes: one('Reshape', {}, 'x shape'),
    constants: [list('shape', 0, -1)],
    expected: X,
    outputShape: [1, 9],
  },
  {
    what: 'Reshape, allowzero',
    from: 14,
    nodes: one('Reshape', { allowzero: int(1) }, 'x shape'),
    constants: [list('shape', 3, 3)],
    expected: X,
    outputShape: [3, 3],
  },
  {
    what: 'Gemm',
    from: 7,
    nodes: one('Gemm', { alpha: float(2), beta: float(0.5), transB: int(1) }, 'x b c'),
    constants: [BT, tensor('c', [2], [2, 4])],
    shape: matrix,
    expected: [-11, -8, 1, 4],
    outputShape: [2, 2],
  },
  {
    what: 'Gemm, as it is',
    from: 7,
    nodes: one('Gemm', {}, 'x b c'),
    constants: [B, small('c', 1)],
    shape: matrix,
    expected: AB.map((y) => y + 1),
    outputShape: [2, 2],
  },
  {
    what: 'Gemm, without C',
    from: 11,
    nodes: one('Gemm', {}, 'x b'),
    constants: [B],
    shape: matrix,
    expected: AB,
    outputShape: [2, 2],
  },
  {
    what: 'Gemm, of the transposed input',
    from: 7,
    nodes: one('Gemm', { transA: int(1) }, 'x b c'),
    constants: [tensor('b', [2, 1], [1, 2]), small('c', 0)],
    shape: matrix,
    expected: [-6, -3, 0],
    outputShape: [3, 1],
  },
  {
    what: 'MatMul',
    from: 7,
    nodes: one('MatMul', {}, 'x b'),
    constants: [B],
    shape: matrix,
    expected: AB,
    outputShape: [2, 2],
  },
  {
    what: 'MatMul, of stacks',
    from: 7,
    nodes: one('MatMul', {}, 'x b'),
    constants: [B],
    shape: [1, 1, 2, 3],
    expected: AB,
    outputShape: square,
  },
  {
    what: 'Softmax, of everything behind the axis',
    from: 7,
    to: 12,
    nodes: one('Softmax'),
    shape: [1, 2, 2],
    expected: [0, 1, 2, 3].map((i) => exp(i) / (1 + exp(1) + exp(2) + exp(3))),
  },
  {
    what: 'Softmax, along the axis',
    from: 13,
    nodes: one('Softmax'),
    shape: [1, 2, 2],
    expected: [0, 1, 0, 1].map((i) => exp(i) / (1 + exp(1))),
  },
  {
    what: 'LRN',
    from: 7,
    nodes: one('LRN', { size: int(3), alpha: float(3), beta: float(1), bias: float(1) }),
    shape: [1, 3, 1, 1],
    expected: [-4 / 26, -3 / 30, -2 / 14],
  },
  {
    what: 'Pad, padding as attributes',
    from: 7,
    to: 10,
    nodes: one('Pad', { pads: ints(0, 0, 1, 1, 0, 0, 0, 1), value: float(9) }),
    shape: square,
    expected: PADDED,
    outputShape: BORDER,
  },
  {
    what: 'Pad, padding as inputs',
    from: 11,
    nodes: one('Pad', {}, 'x pads value'),
    constants: [list('pads', 0, 0, 1, 1, 0, 0, 0, 1), small('value', 9)],
    shape: square,
    expected: PADDED,
    outputShape: BORDER,
  },
  {
    what: 'Pad, of some axes',
    from: 18,
    nodes: one('Pad', {}, 'x pads value axes'),
    constants: [list('pads', 1, 1, 0, 1), small('value', 9), list('axes', 2, -1)],
    shape: square,
    expected: PADDED,
    outputShape: BORDER,
  },
  ...[
    ['edge', [-4, -3, -3, -2, -1, -1]],
    ['reflect', [-4, -3, -4, -2, -1, -2]],
  ].map(([mode, expected]) => ({
    what: `Pad, ${mode}`,
    from: 11,
    nodes: one('Pad', { mode: text(String(mode)) }, 'x pads'),
    constants: [list('pads', 0, 0, 0, 0, 0, 0, 0, 1)],
    shape: square,
    expected: Array.isArray(expected) ? expected : [],
    outputShape: [1, 1, 2, 3],
  })),
  {
    what: 'Upsample, scales as an attribute',
    from: 7,
    to: 8,
    nodes: [{ ...one('Upsample')[0], attribute: [scalesAttribute()] }],
    shape: square,
    expected: DOUBLED,
    outputShape: LARGER,
  },
  {
    what: 'Upsample, scales as an input',
    from: 9,
    to: 9,
    nodes: one('Upsample', {}, 'x s'),
    constants: [SCALES],
    shape: square,
    expected: DOUBLED,
    outputShape: LARGER,
  },
  {
    what: 'Resize, nearest',
    from: 10,
    to: 10,
    nodes: one('Resize', {}, 'x s'),
    constants: [SCALES],
    shape: square,
    expected: DOUBLED,
    outputShape: LARGER,
  },
  {
    what: 'Resize, nearest, by scales',
    from: 11,
    nodes: one('Resize', { ...asymmetric, nearest_mode: text('floor') }, 'x roi s'),
    constants: [tensor('roi', [0], []), SCALES],
    shape: square,
    expected: DOUBLED,
    outputShape: LARGER,
  },
  {
    what: 'Resize, linear, by sizes',
    from: 13,
    nodes: one('Resize', { mode: text('linear') }, 'x _ _ sizes'),
    constants: [list('sizes', 1, 1, 2, 4)],
    shape: square,
    expected: [-4, -3.75, -3.25, -3, -2, -1.75, -1.25, -1],
    outputShape: [1, 1, 2, 4],
  },
  {
    what: 'Resize, linear, of some axes',
    from: 18,
    nodes: one('Resize', { mode: text('linear'), axes: ints(3) }, 'x _ _ sizes'),
    constants: [list('sizes', 4)],
    shape: square,
    expected: [-4, -3.75, -3.25, -3, -2, -1.75, -1.25, -1],
    outputShape: [1, 1, 2, 4],
  },
  ...(
    [
      ['ReduceMean', [-3, 0, 3]],
      ['ReduceMax', [-2, 1, 4]],
    ] as const
  ).flatMap(([opType, expected]) => [
    {
      what: `${opType}, axes as an attribute`,
      from: 7,
      to: 17,
      nodes: one(opType, { axes: ints(3) }),
      expected,
      outputShape: [1, 1, 3, 1],
    },
    {
      what: `${opType}, axes as an input`,
      from: 18,
      nodes: one(opType, { keepdims: int(0) }, 'x axes'),
      constants: [list('axes', -1)],
      expected,
      outputShape: [1, 1, 3],
    },
  ]),
  {
    what: 'ReduceMean, of maps',
    from: 11,
    to: 17,
    nodes: one('ReduceMean', { axes: ints(-1, -2), keepdims: int(0) }),
    expected: [0],
    outputShape: [1, 1],
  },
  {
    what: 'Dropout and Identity',
    from: 7,
    to: 11,
    nodes: [
      node('Dropout', 'x', 'd', { ratio: float(0.5) }),
      node('Identity', 'd', 'i'),
      node('Relu', 'i', 'y'),
    ],
    expected: X.map((x) => Math.max(x, 0)),
  },
  {
    what: 'Dropout and Identity, ratio as an input',
    from: 12,
    nodes: [node('Dropout', 'x ratio', 'd'), node('Identity', 'd', 'i'), node('Relu', 'i', 'y')],
    constants: [small('ratio', 0.5)],
    expected: X.map((x) => Math.max(x, 0)),
  },
  {
    what: 'Constant, a tensor',
    from: 7,
    nodes: [constantNode('shape', [2], [3, -1]), ...one('Reshape', {}, 'x shape')],
    expected: X,
    outputShape: [3, 3],
  },
  {
    what: 'Constant, a float',
    from: 12,
    nodes: [
      { opType: 'Constant', output: ['c'], attribute: [floatAttribute(2)] },
      node('Mul', 'x c', 'y'),
    ],
    expected: X.map((x) => 2 * x),
  },
  {
    what: 'Shape, Gather, Unsqueeze, Concat: x.view(x.size(0), -1)',
    from: 7,
    to: 12,
    nodes: [
      node('Shape', 'x', 'shape'),
      node('Gather', 'shape zero', 'batch', { axis: int(0) }),
      node('Unsqueeze', 'batch', 'first', { axes: ints(0) }),
      node('Concat', 'first rest', 'wanted', { axis: int(0) }),
      node('Reshape', 'x wanted', 'y'),
    ],
    constants: [tensor('zero', [], [0], 'integer'), list('rest', -1)],
    expected: X,
    outputShape: [1, 9],
  },
  {
    what: 'Shape, Gather, Unsqueeze, Concat, axes as an input',
    from: 13,
    nodes: [
      node('Shape', 'x', 'shape'),
      node('Gather', 'shape zero', 'batch', { axis: int(0) }),
      node('Unsqueeze', 'batch axes', 'first'),
      node('Concat', 'first rest', 'wanted', { axis: int(0) }),
      node('Reshape', 'x wanted', 'y'),
    ],
    constants: [tensor('zero', [], [0], 'integer'), list('rest', -1), list('axes', 0)],
    expected: X,
    outputShape: [1, 9],
  },
  {
    what: 'Shape, of some axes',
    from: 15,
    nodes: [node('Shape', 'x', 'shape', { start: int(-2) }), node('Reshape', 'x shape', 'y')],
    expected: X,
    outputShape: [3, 3],
  },
  {
    what: 'Slice, Squeeze, Cast of constants',
    from: 13,
    nodes: [
      node('Shape', 'x', 'shape'),
      node('Slice', 'shape two three', 'height'),
      node('Squeeze', 'height axis', 'h'),
      node('Cast', 'h', 'f', { to: int(1) }),
      node('Mul', 'x f', 'y'),
    ],
    constants: [list('two', 2), list('three', 3), list('axis', 0)],
    expected: X.map((x) => 3 * x),
  },
  {
    what: 'ConstantOfShape',
    from: 9,
    nodes: [node('ConstantOfShape', 'dims', 'zeros'), node('Sub', 'zeros x', 'y')],
    constants: [list('dims', 3, 3)],
    expected: X.map((x) => 0 - x),
  },
  {
    what: 'Transpose of a constant',
    from: 7,
    nodes: [node('Transpose', 'b', 't', { perm: ints(1, 0) }), node('MatMul', 'x t', 'y')],
    constants: [BT],
    shape: matrix,
    expected: AB,
    outputShape: [2, 2],
  },
  {
    what: 'Squeeze, Unsqueeze, Transpose, Cast of maps, where no data moves',
    from: 7,
    to: 12,
    nodes: [
      node('Squeeze', 'x', 's', { axes: ints(0) }),
      node('Unsqueeze', 's', 'u', { axes: ints(0) }),
      node('Transpose', 'u', 't', { perm: ints(1, 0, 2, 3) }),
      node('Cast', 't', 'c', { to: int(1) }),
      node('Relu', 'c', 'y'),
    ],
    expected: X.map((x) => Math.max(x, 0)),
  },
  {
    what: 'Squeeze, Unsqueeze of maps, axes as an input',
    from: 13,
    nodes: [
      node('Squeeze', 'x axes', 's'),
      node('Unsqueeze', 's axes', 'u'),
      node('Relu', 'u', 'y'),
    ],
    constants: [list('axes', 0)],
    expected: X.map((x) => Math.max(x, 0)),
  },
];

function scalesAttribute() {
  return create(AttributeProtoSchema, { name: 'scales', type: 6, floats: [1, 1, 2, 2] });
}

function floatAttribute(f: number) {
  return create(AttributeProtoSchema, { name: 'value_float', type: 1, f });
}

function fileOf({ nodes = [], constants = [], shape = MAP }: Case, opset: number): Uint8Array {
  const input = [onnxInput('x', shape)];
  const type = onnxInput('y', []).type.value.value.elemType;
  const output = [
    { name: 'y', type: { value: { case: 'tensorType' as const, value: { elemType: type } } } },
  ];
  return onnxFile({ node: nodes, initializer: constants, input, output }, opset);
}

function expectValues(actual: ArrayLike<number>, expected: readonly number[], who: string): void {
  expect(actual.length, who).toBe(expected.length);
  for (const [i, value] of expected.entries()) {
    expect(Math.abs((actual[i] ?? Number.NaN) - value), `${who}: element ${i}`).toBeLessThan(1e-5);
  }
}

const onnxruntime = findOnnxRuntime();

describe('loadOnnx', () => {
  it('is checked in every operator that it knows', () => {
    const seen = new Set(cases.flatMap(({ nodes = [] }) => nodes.map(({ opType }) => opType)));
    const known = [...importers.keys(), ...folds.keys(), 'Constant', 'Shape'];
    expect(known.filter((opType) => !seen.has(opType))).toEqual([]);
  });

  it.each(
    cases.flatMap((one) =>
      [one.from, one.to ?? NEWEST].map((opset) => [one.what, opset, one] as const),
    ),
  )('reads %s of operator set %i', async (_, opset, one) => {
    const { shape = MAP, expected, outputShape = shape } = one;
    const bytes = fileOf(one, opset);
    const data = Float32Array.from({ length: elementCount(shape) }, (_, i) => i - 4);
    const { graph, weights } = loadOnnx(bytes);
    const output = graph.outputs.get('y');
    expect(output?.desc.shape).toEqual(outputShape);
    const values = runReference(graph, operators, weights, { x: data });
    expectValues((output && values.get(output)) ?? [], expected, 'Tilewise');
    if (!onnxruntime) return;
    const { y } = await runOnnxRuntime(onnxruntime, bytes, { x: { data, shape } });
    expect(y?.dims).toEqual(outputShape);
    expectValues(y?.data ?? [], expected, 'onnxruntime');
  });
});
