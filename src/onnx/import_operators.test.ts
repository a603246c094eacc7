/**
 * Every operator that is read, in each form that the operator sets from 7 on have given it, beside results worked out
 * by hand; onnxruntime must agree with these, where it is installed.
 */
import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { erf, round } from '../../shaders/lib/expression_functions.ts';
import {
  float,
  int,
  ints,
  onnxNode as node,
  onnxTensor as tensor,
  text,
} from '../../test/fixtures/onnx_model.ts';
import {
  checkNodeCase,
  inOperatorSets,
  list,
  type NodeCase,
  one,
  small,
} from '../../test/fixtures/onnx_node_cases.ts';
import type { Shape } from '../runtime/tensor.ts';
import type { Attributes } from './attribute.ts';
import { importers } from './operators/importers.ts';
import { AttributeProtoSchema, TensorProtoSchema } from './schema/onnx_pb.ts';

/** -4 to 4 as a map. */
const X = [-4, -3, -2, -1, 0, 1, 2, 3, 4];

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
/** The same with a border on all sides. */
const padded = { ...bordered, pads: ints(1, 1, 1, 1) };
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

/** [-4 -3 -2; -1 0 1] before [2 3 4; 5 6 7]. */
const VOLUME: Shape = [1, 1, 2, 2, 3];
const cubes = { kernel_shape: ints(2, 2, 2), strides: ints(2, 2, 2), ceil_mode: int(1) };
const columns = [tensor('w', [1, 1, 2, 1, 2], [1, 2, 3, 4]), tensor('b', [1], [1])];

const volumeCases: readonly NodeCase[] = [
  {
    what: 'Conv of a volume',
    from: 7,
    nodes: one('Conv', {}, 'x w b'),
    constants: [tensor('w', [1, 1, 2, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8]), tensor('b', [1], [1])],
    shape: VOLUME,
    expected: [99, 135],
    outputShape: [1, 1, 1, 1, 2],
  },
  {
    what: 'Conv of a volume, auto_pad',
    from: 7,
    nodes: one('Conv', { auto_pad: text('SAME_UPPER') }, 'x w'),
    constants: [tensor('w', [1, 1, 2, 1, 1], [1, 10])],
    shape: VOLUME,
    expected: [16, 27, 38, 49, 60, 71, 2, 3, 4, 5, 6, 7],
  },
  {
    what: 'Conv of a volume, pads, strides and dilations',
    from: 7,
    nodes: one(
      'Conv',
      { strides: ints(2, 1, 1), dilations: ints(1, 1, 2), pads: ints(1, 0, 0, 1, 1, 0) },
      'x w',
    ),
    constants: [tensor('w', [1, 1, 2, 1, 2], [1, 2, 3, 4])],
    shape: VOLUME,
    // The first slice by [3 . 4], the second by [1 . 2], and a row of padding.
    expected: [-20, 1, 0, 10, 19, 0],
    outputShape: [1, 1, 2, 3, 1],
  },
  {
    what: 'Conv of a volume, weights that are computed',
    from: 7,
    nodes: [node('Neg', 'x', 'w'), node('Conv', 'x w', 'y')],
    shape: VOLUME,
    expected: [-170],
    outputShape: [1, 1, 1, 1, 1],
  },
  {
    what: 'ConvTranspose of a volume',
    from: 7,
    nodes: one('ConvTranspose', { strides: ints(2, 1, 1) }, 'x w b'),
    constants: columns,
    shape: [1, 1, 2, 1, 2],
    expected: [-3, -10, -5, -11, -24, -11, -1, -4, -1, -5, -10, -3],
    outputShape: [1, 1, 4, 1, 3],
  },
  {
    what: 'ConvTranspose of a volume, output_shape',
    from: 7,
    nodes: one('ConvTranspose', { strides: ints(2, 1, 1), output_shape: ints(3, 1, 3) }, 'x w b'),
    constants: columns,
    shape: [1, 1, 2, 1, 2],
    expected: [-11, -24, -11, -1, -4, -1, -5, -10, -3],
    outputShape: [1, 1, 3, 1, 3],
  },
  {
    what: 'MaxPool of a volume, ceil_mode',
    from: 10,
    nodes: one('MaxPool', cubes),
    shape: VOLUME,
    expected: [6, 7],
    outputShape: [1, 1, 1, 1, 2],
  },
  ...[0, 1].map((counted) => ({
    what: `AveragePool of a volume, count_include_pad ${counted}`,
    from: 7,
    nodes: one('AveragePool', {
      ...{ kernel_shape: ints(2, 1, 3), pads: ints(1, 0, 0, 0, 0, 0) },
      count_include_pad: int(counted),
    }),
    shape: VOLUME,
    expected: counted ? [-1.5, 0, 0, 3] : [-3, 0, 0, 3],
    outputShape: [1, 1, 2, 2, 1],
  })),
  {
    what: 'LpPool of a volume, ceil_mode',
    from: 18,
    nodes: one('LpPool', { ...cubes, p: int(1) }),
    shape: VOLUME,
    expected: [24, 14],
    outputShape: [1, 1, 1, 1, 2],
  },
  {
    what: 'Pools of whole volumes',
    from: 7,
    nodes: [
      node('GlobalAveragePool', 'x', 'mean'),
      node('GlobalMaxPool', 'x', 'most'),
      node('Sub', 'most mean', 'y'),
    ],
    shape: VOLUME,
    expected: [5.5],
    outputShape: [1, 1, 1, 1, 1],
  },
];

const layerCases: readonly NodeCase[] = [
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
    what: 'Conv of a row',
    from: 7,
    nodes: one('Conv', { pads: ints(1, 0), strides: ints(2) }, 'x w b'),
    constants: [tensor('w', [1, 1, 2], [1, 10]), tensor('b', [1], [1])],
    shape: [1, 1, 5],
    expected: [-39, -22, 0],
    outputShape: [1, 1, 3],
  },
  {
    what: 'Conv of a stack of one',
    from: 7,
    nodes: one('Conv', { strides: ints(5, 1, 1) }, 'x w b'),
    constants: [tensor('w', [1, 1, 1, 2, 2], [1, 1, 1, 1]), tensor('b', [1], [1])],
    shape: [1, 1, 1, 3, 3],
    expected: [-7, -3, 5, 9],
    outputShape: [1, 1, 1, 2, 2],
  },
  {
    what: 'Conv of weights that are computed, in groups',
    from: 7,
    nodes: [
      node('Transpose', 'x', 'turned', { perm: ints(1, 0, 2) }),
      node('Conv', 'x turned', 'y', { group: int(2) }),
    ],
    // [[[-4, -3]], [[-2, -1]]] with kernels [[-4, -3]] and [[-2, -1]].
    shape: [1, 2, 2],
    expected: [25, 5],
    outputShape: [1, 2, 1],
  },
  {
    what: 'ConvTranspose',
    from: 7,
    nodes: one('ConvTranspose', { strides: ints(2, 2) }, 'x w b'),
    constants: [tensor('w', [1, 1, 1, 2], [1, 10]), tensor('b', [1], [1])],
    shape: [1, 1, 2, 2],
    expected: [-3, -39, -2, -29, 1, 1, 1, 1, -1, -19, 0, -9],
    outputShape: [1, 1, 3, 4],
  },
  {
    what: 'ConvTranspose, pads, output_padding, dilations and groups',
    from: 7,
    nodes: one(
      'ConvTranspose',
      {
        ...{ group: int(2), dilations: ints(1, 2), pads: ints(0, 1, 0, 0) },
        ...{ strides: ints(1, 2), output_padding: ints(0, 1), kernel_shape: ints(1, 2) },
      },
      'x w',
    ),
    constants: [tensor('w', [2, 1, 1, 2], [1, 10, 1, 2])],
    shape: [1, 2, 1, 2],
    // [-4, 0, -3 - 40, 0, -30, 0] and [-2, 0, -1 - 4, 0, -2, 0], less the first.
    expected: [0, -43, 0, -30, 0, 0, -5, 0, -2, 0],
    outputShape: [1, 2, 1, 5],
  },
  {
    what: 'ConvTranspose, output_shape',
    from: 7,
    nodes: one('ConvTranspose', { strides: ints(2, 2), output_shape: ints(2, 3) }, 'x w'),
    constants: [tensor('w', [1, 1, 2, 2], [1, 2, 3, 4])],
    shape: [1, 1, 1, 2],
    // Of [-4, -8, -3, -6; -12, -16, -9, -12] the first column.
    expected: [-8, -3, -6, -16, -9, -12],
    outputShape: [1, 1, 2, 3],
  },
  {
    what: 'ConvTranspose, auto_pad',
    from: 11,
    nodes: one('ConvTranspose', { strides: ints(1, 1), auto_pad: text('SAME_UPPER') }, 'x w'),
    constants: [tensor('w', [1, 1, 1, 2], [1, 10])],
    shape: [1, 1, 1, 3],
    expected: [-4, -43, -32],
    outputShape: [1, 1, 1, 3],
  },
  {
    what: 'ConvTranspose of a row',
    from: 7,
    nodes: one('ConvTranspose', { strides: ints(2) }, 'x w'),
    constants: [tensor('w', [1, 1, 3], [1, 10, 100])],
    shape: [1, 1, 2],
    expected: [-4, -40, -403, -30, -300],
    outputShape: [1, 1, 5],
  },
  {
    what: 'ConvTranspose of weights that are computed',
    from: 7,
    nodes: [node('Neg', 'x', 'w'), node('ConvTranspose', 'x w', 'y')],
    shape: [1, 1, 1, 2],
    // [-4, -3] with [4, 3].
    expected: [-16, -24, -9],
    outputShape: [1, 1, 1, 3],
  },
  {
    what: 'MaxPool of a row',
    from: 7,
    nodes: one('MaxPool', { kernel_shape: ints(2), strides: ints(2), pads: ints(1, 0) }),
    shape: [1, 1, 5],
    expected: [-4, -2, 0],
    outputShape: [1, 1, 3],
  },
  ...[0, 1].map(
    (order): NodeCase => ({
      what: `MaxPool's indices, ${order === 0 ? 'row by row' : 'column by column'}`,
      from: 8,
      nodes: [
        poolNode({ ...quad, storage_order: int(order) }, 'maxima indices'),
        node('Cast', 'indices', 'floats', { to: int(1) }),
        node('Add', 'maxima floats', 'y'),
      ],
      // 0, 1, 3, 4 at 4, 5, 7, 8 or 4, 7, 5, 8.
      expected: order === 0 ? [4, 6, 10, 12] : [4, 8, 8, 12],
      outputShape: square,
    }),
  ),
  {
    what: 'DeformConv',
    from: 19,
    nodes: [
      node('Expand', 'half shape', 'offset'),
      node('DeformConv', 'x w offset b', 'y', { kernel_shape: ints(1, 2) }),
    ],
    constants: [
      tensor('w', [1, 1, 1, 2], [1, 10]),
      tensor('b', [1], [1]),
      // Half a pixel down for the first tap, one to the right for the second.
      tensor('half', [1, 4, 1, 1], [0.5, 0, 0, 1]),
      list('shape', 1, 4, 3, 2),
    ],
    expected: [-21.5, -0.5, 11.5, 2.5, 42, 2.5],
    outputShape: [1, 1, 3, 2],
  },
  {
    what: 'DeformConv with a mask and computed weights, in groups',
    from: 19,
    nodes: [
      node('Transpose', 'x', 'turned', { perm: ints(1, 0, 2, 3) }),
      {
        ...node('DeformConv', '', 'y', { group: int(2), offset_group: int(2) }),
        input: ['x', 'turned', 'offset', '', 'mask'],
      },
    ],
    constants: [
      tensor('offset', [1, 4, 1, 1], [0, 0, 0.5, 0]),
      tensor('mask', [1, 2, 1, 1], [0.5, 3]),
    ],
    shape: [1, 2, 1, 1],
    // -4 * -4 / 2, and half of -3, times -3, times 3.
    expected: [8, 13.5],
  },
  {
    what: 'Col2Im',
    from: 18,
    nodes: one('Col2Im', { pads: ints(0, 1, 0, 0), strides: ints(1, 2) }, 'x size block'),
    constants: [list('size', 2, 3), list('block', 1, 2)],
    // Columns -2, 0 and 2 of taps -4 ... -1 and 0 ... 3: those before the map are dropped.
    shape: [1, 2, 4],
    expected: [0, -3, 1, 2, -1, 3],
    outputShape: [1, 1, 2, 3],
  },
  {
    what: 'Col2Im of a volume',
    from: 18,
    nodes: one('Col2Im', { dilations: ints(1, 1, 1) }, 'x size block'),
    constants: [list('size', 2, 1, 3), list('block', 2, 1, 2)],
    shape: [1, 4, 2],
    expected: [-4, -5, -1, 0, 3, 3],
    outputShape: [1, 1, 2, 1, 3],
  },
  {
    what: "MaxPool's indices in a plane, as PyTorch exports them",
    from: 10,
    nodes: [
      poolNode(quad, 'maxima indices'),
      poolNode({ kernel_shape: ints(1, 1) }, 'all places'),
      node('Slice', 'places from to axes', 'first'),
      node('Sub', 'indices first', 'within'),
      node('Cast', 'within', 'y', { to: int(1) }),
    ],
    constants: [list('from', 0, 0), list('to', 1, 1), list('axes', 2, 3)],
    shape: [1, 2, 2, 3],
    expected: [4, 5, 4, 5],
    outputShape: [1, 2, 1, 2],
  },
  {
    what: "MaxPool's indices of a row",
    from: 8,
    nodes: [
      poolNode({ kernel_shape: ints(2), strides: ints(2) }, 'maxima indices'),
      node('Cast', 'indices', 'y', { to: int(1) }),
    ],
    shape: [1, 2, 4],
    expected: [1, 3, 5, 7],
    outputShape: [1, 2, 2],
  },
  {
    what: 'MaxUnpool',
    from: 9,
    nodes: [
      poolNode({ ...quad, strides: ints(2, 2) }, 'maxima indices'),
      node('MaxUnpool', 'maxima indices', 'y', { ...quad, strides: ints(2, 2) }),
    ],
    shape: LARGER,
    expected: [0, 0, 0, 0, 0, 1, 0, 3, 0, 0, 0, 0, 0, 9, 0, 11],
  },
  {
    what: 'MaxUnpool of windows that are padded',
    from: 9,
    nodes: [poolNode(padded, 'maxima indices'), node('MaxUnpool', 'maxima indices', 'y', padded)],
    shape: LARGER,
    // Maxima of the corners, of the edges two by two, and of the middle.
    expected: [-4, 0, -2, -1, 0, 0, 0, 0, 4, 0, 6, 7, 8, 0, 10, 11],
  },
  {
    what: 'MaxUnpool to a shape that is given',
    from: 9,
    nodes: [
      poolNode({ ...quad, strides: ints(2, 2) }, 'maxima indices'),
      node('MaxUnpool', 'maxima indices shape', 'y', { ...quad, strides: ints(2, 2) }),
    ],
    constants: [list('shape', 1, 1, 3, 5)],
    shape: [1, 1, 3, 5],
    expected: [0, 0, 0, 0, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0],
  },
  {
    what: 'AveragePool of a row',
    from: 7,
    nodes: one('AveragePool', { kernel_shape: ints(3) }),
    shape: [1, 1, 5],
    expected: [-3, -2, -1],
    outputShape: [1, 1, 3],
  },
  {
    what: 'LpPool',
    from: 7,
    nodes: one('LpPool', { ...bordered, p: int(1) }),
    expected: [4, 5, 3, 8],
    outputShape: square,
  },
  {
    what: 'LpPool, the root of squares',
    from: 7,
    nodes: one('LpPool', quad),
    expected: [26, 14, 14, 26].map(Math.sqrt),
    outputShape: square,
  },
  {
    what: 'LpPool, dilations, ceil_mode and another p',
    from: 18,
    nodes: one('LpPool', {
      ...{ ...quad, p: int(3), strides: ints(2, 2), dilations: ints(1, 2) },
      ...{ ceil_mode: int(1) },
    }),
    expected: [64 + 8 + 1 + 1, 8 + 64].map(Math.cbrt),
    outputShape: [1, 1, 2, 1],
  },
  {
    what: 'LpPool of a row, auto_pad',
    from: 7,
    nodes: one('LpPool', { kernel_shape: ints(2), p: int(1), auto_pad: text('SAME_UPPER') }),
    shape: [1, 1, 3],
    expected: [7, 5, 2],
    outputShape: [1, 1, 3],
  },
  {
    what: 'GlobalLpPool',
    from: 7,
    // onnxruntime has none of 22.
    to: 21,
    nodes: one('GlobalLpPool'),
    expected: [Math.sqrt(60)],
    outputShape: [1, 1, 1, 1],
  },
  {
    what: 'GlobalLpPool of magnitudes, and of cubes',
    from: 7,
    to: 21,
    nodes: [
      node('GlobalLpPool', 'x', 'magnitudes', { p: int(1) }),
      node('GlobalLpPool', 'x', 'cubes', { p: int(3) }),
      node('Sub', 'magnitudes cubes', 'y'),
    ],
    expected: [20 - Math.cbrt(200)],
    outputShape: [1, 1, 1, 1],
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
  {
    what: 'PRelu, a slope for all',
    from: 7,
    nodes: one('PRelu', {}, 'x slope'),
    constants: [tensor('slope', [1], [0.25])],
    expected: X.map((x) => (x < 0 ? x / 4 : x)),
  },
  {
    what: 'PRelu, a slope a channel',
    from: 6,
    to: 6,
    nodes: one('PRelu', {}, 'x slope'),
    constants: [tensor('slope', [2], [0.5, 0.25])],
    shape: [1, 2, 3, 1],
    expected: [-2, -1.5, -1, -0.25, 0, 1],
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
    what: 'MatMul, of a vector and a matrix',
    from: 7,
    nodes: one('MatMul', {}, 'x b'),
    constants: [B],
    shape: [3],
    expected: [-6, -5],
    outputShape: [2],
  },
  {
    what: 'MatMul, of a known matrix and stacks',
    from: 7,
    nodes: one('MatMul', {}, 'b x'),
    constants: [B],
    shape: [2, 1, 2, 1],
    expected: [-4, -3, -7, -2, -1, -3],
    outputShape: [2, 1, 3, 1],
  },
  {
    what: 'MatMul, of stacks and a vector',
    from: 7,
    nodes: one('MatMul', {}, 'x v'),
    constants: [tensor('v', [3], [1, 2, 3])],
    shape: [2, 1, 3],
    expected: [-16, 2],
    outputShape: [2, 1],
  },
  {
    what: 'MatMul, of vectors',
    from: 7,
    nodes: one('MatMul', {}, 'x v'),
    constants: [tensor('v', [3], [1, 2, 3])],
    shape: [3],
    expected: [-16],
    outputShape: [],
  },
  {
    what: 'Gemm, C a column',
    from: 7,
    nodes: one('Gemm', {}, 'x b c'),
    constants: [B, tensor('c', [2, 1], [1, 2])],
    shape: matrix,
    expected: [-5, -4, 2, 3],
    outputShape: [2, 2],
  },
  ...(
    [
      ['a stack and a matrix', 'bij,jk->bki', [2, 1, 3], 'x b', [-6, -5, 0, 1], [2, 2, 1]],
      ['the axes of an ellipsis', '...ij, jk', [2, 1, 3], 'x b', [-6, -5, 0, 1], [2, 1, 2]],
      ['a transpose, by the alphabet', 'ba', [2, 3], 'x', [-4, -1, -3, 0, -2, 1], [3, 2]],
      ['a sum along axes', 'ijk->j', [2, 3, 1], 'x', [-5, -3, -1], [3]],
      ['a sum of all', 'ij->', [2, 3], 'x', [-9], []],
      ['a diagonal', 'bii->ib', [2, 2, 2], 'x', [-4, 0, -1, 3], [2, 2]],
      ['a trace', 'ii', [3, 3], 'x', [0], []],
      ['an outer product', 'i,j->ij', [2], 'x v', [-4, -8, -12, -3, -6, -9], [2, 3]],
      ['elements by elements', 'ij,ij->ji', [3, 2], 'x b', [-4, 0, 0, 0, -1, 1], [2, 3]],
      ['a sum of one operand', 'ij,jk->i', [2, 3], 'x b', [-11, 1], [2]],
    ] as const
  ).map(([what, equation, shape, inputs, expected, outputShape]) => ({
    what: `Einsum, ${what}`,
    from: 12,
    nodes: one('Einsum', { equation: text(equation) }, inputs),
    constants: [B, tensor('v', [3], [1, 2, 3])].filter(({ name }) => inputs.includes(` ${name}`)),
    ...{ shape, expected, outputShape },
  })),
  {
    what: 'Softmax, of everything after the axis',
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
    what: 'LogSoftmax, along the axis',
    from: 13,
    nodes: one('LogSoftmax'),
    shape: [1, 2, 2],
    expected: [0, 1, 0, 1].map((i) => i - Math.log(1 + exp(1))),
  },
  {
    what: 'Hardmax, of everything after the axis',
    from: 7,
    to: 12,
    nodes: one('Hardmax'),
    expected: [0, 0, 0, 0, 0, 0, 0, 0, 1],
  },
  {
    what: 'Hardmax, along the axis',
    from: 13,
    nodes: [node('Relu', 'x', 'r'), node('Hardmax', 'r', 'y')],
    expected: [1, 0, 0, 0, 0, 1, 0, 0, 1],
  },
  {
    what: 'InstanceNormalization',
    from: 7,
    nodes: one('InstanceNormalization', {}, 'x scale bias'),
    constants: normalised.slice(0, 2),
    expected: X.map((x) => (2 * x) / Math.sqrt(60 / 9 + 1e-5) + 1),
  },
  {
    what: 'GroupNormalization, a value a group',
    from: 18,
    to: 20,
    nodes: one('GroupNormalization', { num_groups: int(1) }, 'x scale bias'),
    constants: normalised.slice(0, 2),
    shape: [1, 2, 2, 1],
    expected: [-1.5, -0.5, 0.5, 1.5].map((d) => (2 * d) / Math.sqrt(1.25 + 1e-5) + 1),
  },
  {
    what: 'GroupNormalization, a value a channel',
    from: 21,
    nodes: one('GroupNormalization', { num_groups: int(1) }, 'x s b'),
    constants: [tensor('s', [2], [1, 2]), tensor('b', [2], [0, 1])],
    shape: [1, 2, 2, 1],
    expected: [-1.5, -0.5, 1, 3].map((d, i) => d / Math.sqrt(1.25 + 1e-5) + (i > 1 ? 1 : 0)),
  },
  {
    what: 'LayerNormalization',
    from: 17,
    nodes: one('LayerNormalization', {}, 'x s b'),
    constants: [tensor('s', [3], [1, 2, 3]), tensor('b', [3], [0, 1, 0])],
    expected: [-1, 0, 3, -1, 0, 3, -1, 0, 3].map(
      (d, i) => d / Math.sqrt(2 / 3 + 1e-5) + (i % 3 === 1 ? 1 : 0),
    ),
  },
  {
    what: 'LayerNormalization, its mean and reciprocal deviation',
    from: 17,
    nodes: [
      {
        opType: 'LayerNormalization',
        input: ['x', 's'],
        output: ['n', 'mean', 'reciprocal'],
        attribute: [],
      },
      node('Add', 'mean reciprocal', 'y'),
    ],
    constants: [tensor('s', [3], [1, 1, 1])],
    expected: [-3, 0, 3].map((mean) => mean + 1 / Math.sqrt(2 / 3 + 1e-5)),
    outputShape: [1, 1, 3, 1],
  },
  {
    what: 'RMSNormalization',
    from: 23,
    nodes: one('RMSNormalization', {}, 'x s'),
    constants: [tensor('s', [3], [1, 1, 1])],
    expected: X.map((x, i) => x / Math.sqrt((i > 2 && i < 6 ? 2 : 29) / 3 + 1e-5)),
  },
  {
    what: 'LpNormalization',
    from: 7,
    nodes: one('LpNormalization'),
    expected: X.map((x, i) => x / Math.sqrt(i > 2 && i < 6 ? 2 : 29)),
  },
  {
    what: 'LpNormalization, by magnitudes, of nothing',
    from: 7,
    nodes: [node('Relu', 'x', 'r'), node('LpNormalization', 'r', 'y', { p: int(1) })],
    expected: [0, 0, 0, 0, 0, 1, 2 / 9, 3 / 9, 4 / 9],
  },
  {
    what: 'MeanVarianceNormalization',
    from: 9,
    nodes: one('MeanVarianceNormalization'),
    expected: X.map((x) => x / Math.sqrt(60 / 9)),
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
  {
    what: 'Resize, of what becomes smaller and larger',
    from: 10,
    to: 10,
    nodes: one('Resize', {}, 'x s'),
    constants: [tensor('s', [4], [1, 1, 0.6, 2])],
    // The pixel above downwards: 0 and 5/3; the one below across.
    expected: [-4, -4, -3, -3, -2, -2],
    outputShape: [1, 1, 1, 6],
  },
  {
    what: 'Resize, linear, of three axes',
    from: 11,
    nodes: one('Resize', { mode: text('linear') }, 'x roi s'),
    constants: [tensor('roi', [0], []), tensor('s', [3], [2, 0.5, 0.5])],
    shape: [1, 2, 2],
    expected: [-2.5, -2.5],
    outputShape: [2, 1, 1],
  },
  {
    what: 'Resize, cubic',
    from: 11,
    nodes: one('Resize', { mode: text('cubic') }, 'x roi s'),
    constants: [tensor('roi', [0], []), tensor('s', [4], [1, 1, 1, 2])],
    shape: [1, 1, 1, 4],
    expected: [-4.10546875, -3.80859375, -3.33203125, -2.703125].flatMap((y, i, half) =>
      i === 3
        ? [
            y,
            -5 - y,
            ...half
              .slice(0, 3)
              .reverse()
              .map((left) => -5 - left),
          ]
        : [y],
    ),
    outputShape: [1, 1, 1, 8],
  },
  {
    what: 'Resize, linear, without aliasing',
    from: 18,
    nodes: one('Resize', { mode: text('linear'), antialias: int(1) }, 'x _ _ sizes'),
    constants: [list('sizes', 1, 1, 1, 2)],
    shape: [1, 1, 1, 4],
    expected: [-27 / 8, -13 / 8],
    outputShape: [1, 1, 1, 2],
  },
  {
    what: 'Resize, not larger',
    from: 18,
    nodes: one(
      'Resize',
      { keep_aspect_ratio_policy: text('not_larger'), axes: ints(3, 2) },
      'x _ _ sizes',
    ),
    constants: [list('sizes', 5, 4)],
    shape: square,
    expected: DOUBLED,
    outputShape: LARGER,
  },
  {
    what: 'Resize, not smaller, rounded up',
    from: 18,
    nodes: one(
      'Resize',
      {
        keep_aspect_ratio_policy: text('not_smaller'),
        ...{ axes: ints(2, 3), ...asymmetric, nearest_mode: text('floor') },
      },
      'x _ _ sizes',
    ),
    constants: [list('sizes', 1, 2)],
    shape: [1, 1, 2, 3],
    // A scale of 2/3, which leaves 4/3 rows, and 2 columns, at 0 and 1.5.
    expected: [-4, -3],
    outputShape: [1, 1, 1, 2],
  },
  {
    what: 'Resize, cropped',
    from: 18,
    nodes: one(
      'Resize',
      {
        mode: text('linear'),
        coordinate_transformation_mode: text('tf_crop_and_resize'),
        extrapolation_value: float(9),
        axes: ints(2, 3),
      },
      'x roi _ sizes',
    ),
    constants: [tensor('roi', [4], [0, 0.5, 1, 1.5]), list('sizes', 2, 5)],
    shape: [1, 1, 2, 3],
    expected: [-3, -2.5, -2, 9, 9, 0, 0.5, 1, 9, 9],
    outputShape: [1, 1, 2, 5],
  },
  ...(
    [
      ['ReduceMean', [-3, 0, 3]],
      ['ReduceMax', [-2, 1, 4]],
      ['ReduceMin', [-4, -1, 2]],
      ['ReduceSum', [-9, 0, 9], 12],
      ['ReduceProd', [-24, 0, 24]],
      ['ReduceSumSquare', [29, 2, 29]],
      ['ReduceL1', [9, 2, 9]],
      ['ReduceL2', [29, 2, 29].map(Math.sqrt)],
      ['ReduceLogSumExp', [-2, 1, 4].map((most) => most + Math.log(1 + exp(-1) + exp(-2)))],
    ] as const
  ).flatMap(([opType, expected, to = 17]) => [
    {
      what: `${opType}, axes as an attribute`,
      from: 7,
      to,
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
    what: 'ReduceLogSum',
    from: 11,
    to: 17,
    nodes: [node('Abs', 'x', 'a'), node('ReduceLogSum', 'a', 'y', { axes: ints(3) })],
    expected: [9, 2, 9].map(Math.log),
    outputShape: [1, 1, 3, 1],
  },
  {
    what: 'ReduceSum, over axes that are not neighbours',
    from: 13,
    nodes: one('ReduceSum', { keepdims: int(0) }, 'x axes'),
    constants: [list('axes', 0, 3)],
    expected: [-9, 0, 9],
    outputShape: [1, 3],
  },
  {
    what: 'ArgMax',
    from: 7,
    nodes: [node('ArgMax', 'x', 'i', { axis: int(3) }), node('Cast', 'i', 'y', { to: int(1) })],
    expected: [2, 2, 2],
    outputShape: [1, 1, 3, 1],
  },
  {
    what: 'ArgMin, without its axis',
    from: 7,
    nodes: [
      node('ArgMin', 'x', 'i', { axis: int(-2), keepdims: int(0) }),
      node('Cast', 'i', 'y', { to: int(1) }),
    ],
    expected: [0, 0, 0],
    outputShape: [1, 1, 3],
  },
  {
    what: 'ArgMax, the last of equals',
    from: 12,
    nodes: [
      node('Relu', 'x', 'r'),
      node('ArgMin', 'r', 'i', { axis: int(2), select_last_index: int(1) }),
      node('Cast', 'i', 'y', { to: int(1) }),
    ],
    expected: [1, 1, 0],
    outputShape: [1, 1, 1, 3],
  },
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

/** Functions of one tensor, each element on its own. */
const FUNCTIONS: readonly (readonly [string, number, (x: number) => number, Attributes?])[] = [
  ['Tanh', 7, Math.tanh],
  ['Elu', 7, (x) => (x < 0 ? exp(x) - 1 : x)],
  ['Elu', 7, (x) => (x < 0 ? 2 * (exp(x) - 1) : x), { alpha: float(2) }],
  ['Selu', 7, (x) => 1.05070098 * (x < 0 ? 1.67326324 * (exp(x) - 1) : x)],
  ['Celu', 12, (x) => (x < 0 ? 2 * (exp(x / 2) - 1) : x), { alpha: float(2) }],
  ['ThresholdedRelu', 10, (x) => (x > 2 ? x : 0), { alpha: float(2) }],
  ['Softplus', 7, (x) => Math.log(1 + exp(x))],
  ['Softsign', 7, (x) => x / (1 + Math.abs(x))],
  ['Mish', 18, (x) => x * Math.tanh(Math.log(1 + exp(x)))],
  ['Gelu', 20, (x) => (x / 2) * (1 + erf.evaluate(x / Math.SQRT2))],
  [
    'Gelu',
    20,
    (x) => (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
    { approximate: text('tanh') },
  ],
  ['Swish', 24, (x) => x / (1 + exp(-x))],
  ['Swish', 24, (x) => x / (1 + exp(-2 * x)), { alpha: float(2) }],
  ['Erf', 9, erf.evaluate],
  ['Abs', 7, Math.abs],
  ['Neg', 7, (x) => 0 - x],
  ['Sign', 9, Math.sign],
  ['Exp', 7, exp],
  ['Sin', 7, Math.sin],
  ['Cos', 7, Math.cos],
];

/** Functions of two tensors or one and a scalar: x and x / 2, or the constant that is given. */
const HALF = tensor('half', [], [0.5]);
const PAIRS: readonly (readonly [string, number, (x: number) => number, string])[] = [
  ['Min', 8, (x) => Math.min(x, 0.5, x / 2), 'x half h'],
  ['Max', 8, (x) => Math.max(x, 0.5, x / 2), 'x half h'],
  ['Sum', 8, (x) => x + 0.5 + x / 2, 'x half h'],
  ['Mean', 8, (x) => (x + 0.5 + x / 2) / 3, 'x half h'],
  ['Mean', 8, (x) => x, 'x'],
];

/** Of r = max(x, 0), so that all are defined. */
const POSITIVE: readonly (readonly [string, number, (x: number) => number, string])[] = [
  ['Sqrt', 7, Math.sqrt, 'r'],
  ['Log', 7, (r) => Math.log(r + 1), 'p'],
  ['Reciprocal', 7, (r) => 1 / (r + 1), 'p'],
  ['Pow', 7, (r) => r ** 0.5, 'r half'],
  ['Floor', 7, (r) => Math.floor(r / 2), 'd'],
  ['Ceil', 7, (r) => Math.ceil(r / 2), 'd'],
  ['Round', 11, (r) => [0, 0, 1, 2, 2][r] ?? 0, 'd'],
];

/** Of a = x < 1 and b = x > -1, which are true or false. */
const CONDITIONS: readonly (readonly [string, number, (x: number) => number, string])[] = [
  ['And', 9, (x) => Number(x < 1 && x > -1), 'a b'],
  ['Or', 9, () => 1, 'a b'],
  ['Xor', 9, (x) => Number(x < 1 !== x > -1), 'a b'],
  ['Not', 9, (x) => Number(x >= 1), 'a'],
  ['LessOrEqual', 12, (x) => Number(x <= 0.5 * x), 'x h'],
  ['GreaterOrEqual', 12, (x) => Number(x >= 0.5 * x), 'x h'],
  ['Equal', 11, (x) => Number(x === 0.5 * x), 'x h'],
];

const pointwiseCases: readonly NodeCase[] = [
  {
    what: 'Cast to bfloat16 and back',
    from: 13,
    nodes: [
      node('Mul', 'x more', 'm'),
      node('Cast', 'm', 'narrow', { to: int(16) }),
      node('Cast', 'narrow', 'y', { to: int(1) }),
    ],
    constants: [small('more', 1.005)],
    expected: [
      -4.03125, -3.015625, -2.015625, -1.0078125, 0, 1.0078125, 2.015625, 3.015625, 4.03125,
    ],
  },
  ...FUNCTIONS.map(([opType, from, f, attributes]) => ({
    what: `${opType} ${Object.keys(attributes ?? {})}`,
    from,
    nodes: one(opType, attributes),
    expected: X.map(f),
  })),
  ...PAIRS.map(([opType, from, f, inputs]) => ({
    what: `${opType} of ${inputs}`,
    from,
    nodes: [node('Mul', 'x half', 'h'), ...one(opType, {}, inputs)],
    constants: [HALF],
    expected: X.map(f),
  })),
  ...POSITIVE.map(([opType, from, f, inputs]) => ({
    what: opType,
    from,
    nodes: [
      node('Relu', 'x', 'r'),
      node('Add', 'r unit', 'p'),
      node('Mul', 'r half', 'd'),
      ...one(opType, {}, inputs),
    ],
    constants: [HALF, small('unit', 1)],
    expected: X.map((x) => f(Math.max(x, 0))),
  })),
  ...CONDITIONS.flatMap(([opType, from, f, inputs]) => {
    const before = [
      node('Less', 'x unit', 'a'),
      node('Greater', 'x minus', 'b'),
      node('Mul', 'x half', 'h'),
      node(opType, inputs, 'c'),
    ];
    const constants = [HALF, small('unit', 1), small('minus', -1)];
    return [
      {
        what: `${opType}, cast`,
        from,
        nodes: [...before, node('Cast', 'c', 'y', { to: int(1) })],
        constants,
        expected: X.map(f),
      },
      {
        what: `${opType}, Where`,
        from,
        nodes: [...before, node('Where', 'c x unit', 'y')],
        constants,
        expected: X.map((x) => (f(x) === 1 ? x : 1)),
      },
    ];
  }),
  {
    what: 'Cast to a truth value and back',
    from: 9,
    nodes: [node('Cast', 'x', 'b', { to: int(9) }), node('Cast', 'b', 'y', { to: int(1) })],
    expected: X.map((x) => Number(x !== 0)),
  },
  {
    what: 'Clip, a bound that is computed',
    from: 12,
    nodes: [
      node('ReduceMax', 'x', 'most', { keepdims: int(0) }),
      node('Mul', 'most half', 'bound'),
      node('Clip', 'x _ bound', 'y'),
    ],
    constants: [HALF],
    expected: X.map((x) => Math.min(x, 2)),
  },
  {
    what: 'a scalar with more axes than x',
    from: 7,
    nodes: one('Add', {}, 'x wide'),
    constants: [tensor('wide', [1, 1, 1], [1])],
    shape: [9],
    expected: X.map((x) => x + 1),
    outputShape: [1, 1, 9],
  },
];

/** 0 to 8 under rows of three, as x is -4 to 4. */
const rows: Shape = [3, 3];
const movementCases: readonly NodeCase[] = [
  {
    what: 'Transpose',
    from: 7,
    nodes: one('Transpose', { perm: ints(1, 0) }),
    shape: rows,
    expected: [-4, -1, 2, -3, 0, 3, -2, 1, 4],
  },
  {
    what: 'Transpose, of all axes',
    from: 7,
    nodes: one('Transpose'),
    shape: [1, 3, 2],
    expected: [-4, -2, 0, -3, -1, 1],
    outputShape: [2, 3, 1],
  },
  {
    what: 'Slice, bounds as attributes',
    from: 7,
    to: 9,
    nodes: one('Slice', { starts: ints(1, -2), ends: ints(3, 2 ** 31 - 1), axes: ints(0, 1) }),
    shape: rows,
    expected: [0, 1, 3, 4],
    outputShape: [2, 2],
  },
  {
    what: 'Slice, back to front',
    from: 10,
    nodes: one('Slice', {}, 'x starts ends axes steps'),
    constants: [
      list('starts', -1, 0),
      list('ends', -(2 ** 31), 3),
      list('axes', -1, 0),
      list('steps', -1, 2),
    ],
    shape: rows,
    expected: [-2, -3, -4, 4, 3, 2],
    outputShape: [2, 3],
  },
  {
    what: 'Split, equal',
    from: 7,
    to: 17,
    nodes: [splitNode({ axis: int(1) }, 'x', 'a b c'), node('Sub', 'c a', 'y')],
    shape: rows,
    expected: [2, 2, 2],
    outputShape: [3, 1],
  },
  {
    what: 'Split, extents as an attribute',
    from: 7,
    to: 12,
    nodes: [splitNode({ split: ints(1, 2) }, 'x', 'a b'), node('Relu', 'b', 'y')],
    shape: rows,
    expected: [0, 0, 1, 2, 3, 4],
    outputShape: [2, 3],
  },
  {
    what: 'Split, extents as an input',
    from: 13,
    nodes: [splitNode({ axis: int(-1) }, 'x parts', 'a b'), node('Relu', 'b', 'y')],
    constants: [list('parts', 1, 2)],
    shape: rows,
    expected: [0, 0, 0, 1, 3, 4],
    outputShape: [3, 2],
  },
  {
    what: 'Split, a number of outputs',
    from: 18,
    nodes: [splitNode({ num_outputs: int(2) }, 'x', 'a b'), node('Relu', 'b', 'y')],
    shape: rows,
    expected: [2, 3, 4],
    outputShape: [1, 3],
  },
  {
    what: 'Expand',
    from: 8,
    nodes: one('Expand', {}, 'x shape'),
    constants: [list('shape', 2, 1, 2)],
    shape: [2, 1],
    expected: [-4, -4, -3, -3, -4, -4, -3, -3],
    outputShape: [2, 2, 2],
  },
  {
    what: 'Tile',
    from: 7,
    nodes: one('Tile', {}, 'x repeats'),
    constants: [list('repeats', 1, 2)],
    shape: [2, 2],
    expected: [-4, -3, -4, -3, -2, -1, -2, -1],
    outputShape: [2, 4],
  },
  {
    what: 'DepthToSpace',
    from: 7,
    nodes: one('DepthToSpace', { blocksize: int(2) }),
    shape: [1, 8, 1, 1],
    expected: [-4, -2, 0, 2, -3, -1, 1, 3],
    outputShape: [1, 2, 2, 2],
  },
  {
    what: 'DepthToSpace, CRD',
    from: 11,
    nodes: one('DepthToSpace', { blocksize: int(2), mode: text('CRD') }),
    shape: [1, 8, 1, 1],
    expected: [-4, -3, -2, -1, 0, 1, 2, 3],
    outputShape: [1, 2, 2, 2],
  },
  {
    what: 'SpaceToDepth',
    from: 7,
    nodes: one('SpaceToDepth', { blocksize: int(2) }),
    shape: [1, 1, 2, 4],
    expected: [-4, -2, -3, -1, 0, 2, 1, 3],
    outputShape: [1, 4, 1, 2],
  },
  {
    what: 'Pad, the edges of some axes',
    from: 18,
    nodes: one('Pad', { mode: text('edge') }, 'x pads _ axes'),
    constants: [list('pads', 1, -1, 0, 1), list('axes', 0, -1)],
    shape: [2, 1, 2],
    expected: [-3, -3, -3, -3, -1, -1],
    outputShape: [3, 1, 2],
  },
  {
    what: 'Pad, mirrored',
    from: 11,
    nodes: one('Pad', { mode: text('reflect') }, 'x pads'),
    constants: [list('pads', 2, 1)],
    shape: [3],
    expected: [-2, -3, -4, -3, -2, -3],
    outputShape: [6],
  },
  {
    what: 'Pad, wrapped round',
    from: 19,
    nodes: one('Pad', { mode: text('wrap') }, 'x pads'),
    constants: [list('pads', 0, 1, 1, 2)],
    shape: [2, 2],
    expected: [-3, -4, -3, -4, -3, -1, -2, -1, -2, -1, -3, -4, -3, -4, -3],
    outputShape: [3, 5],
  },
  {
    what: 'GridSample',
    from: 16,
    nodes: one('GridSample', { align_corners: int(1) }, 'x grid'),
    constants: [tensor('grid', [1, 1, 2, 2], [0.5, 0, 1, -1])],
    expected: [0.5, -2],
    outputShape: [1, 1, 1, 2],
  },
  {
    what: 'GridSample, of the border',
    from: 20,
    nodes: one('GridSample', { mode: text('cubic'), padding_mode: text('border') }, 'x grid'),
    constants: [tensor('grid', [1, 1, 2, 2], [0, 0, -9, -9])],
    expected: [0, -4],
    outputShape: [1, 1, 1, 2],
  },
  {
    what: 'AffineGrid',
    from: 20,
    nodes: one('AffineGrid', {}, 'x size'),
    constants: [list('size', 1, 1, 2, 2)],
    shape: [1, 2, 3],
    // (-4 x - 3 y - 2, 1 - x) of x, y = -1/2, 1/2.
    expected: [1.5, 1.5, -2.5, 0.5, -1.5, 1.5, -5.5, 0.5],
    outputShape: [1, 2, 2, 2],
  },
  {
    what: 'RoiAlign',
    from: 16,
    to: 21,
    nodes: one('RoiAlign', { output_width: int(3), sampling_ratio: int(1) }, 'x rois i'),
    constants: [tensor('rois', [1, 4], [0, 0, 3, 3]), list('i', 0)],
    expected: [-1, 0, 1],
    outputShape: [1, 1, 1, 3],
  },
  {
    what: 'RoiAlign, half a pixel off',
    from: 10,
    to: 15,
    nodes: one('RoiAlign', { output_width: int(3), sampling_ratio: int(1) }, 'x rois i'),
    constants: [tensor('rois', [1, 4], [0, 0, 3, 3]), list('i', 0)],
    expected: [1, 2, 2.5],
    outputShape: [1, 1, 1, 3],
  },
  {
    what: 'CenterCropPad',
    from: 18,
    nodes: one('CenterCropPad', { axes: ints(1, 0) }, 'x to'),
    constants: [list('to', 4, 2)],
    shape: [3, 3],
    expected: [-4, -3, -2, 0, -1, 0, 1, 0],
    outputShape: [2, 4],
  },
  {
    what: 'Pad, of any axes',
    from: 11,
    nodes: one('Pad', {}, 'x pads value'),
    constants: [list('pads', 1, -1, 0, 1), small('value', 9)],
    shape: [2, 2],
    expected: [9, 9, -3, 9, -1, 9],
    outputShape: [3, 2],
  },
  {
    what: 'Gather of a row, of runs and of a table',
    from: 7,
    nodes: [
      node('Gather', 'x one', 'row', { axis: int(0) }),
      node('Gather', 'row runs', 'some', { axis: int(0) }),
      node('Gather', 'some table', 'y', { axis: int(0) }),
    ],
    constants: [
      tensor('one', [], [-1], 'integer'),
      list('runs', 2, 1, 2, 0),
      tensor('table', [2, 2], [0, 1, 3, 3], 'integer'),
    ],
    shape: rows,
    expected: [4, 3, 2, 2],
    outputShape: [2, 2],
  },
  {
    what: 'CumSum',
    from: 11,
    nodes: one('CumSum', {}, 'x axis'),
    constants: [list('axis', -1)],
    shape: matrix,
    expected: [-4, -7, -9, -1, -1, 0],
  },
  {
    what: 'CumSum from the end, without the element itself',
    from: 11,
    nodes: one('CumSum', { exclusive: int(1), reverse: int(1) }, 'x axis'),
    constants: [tensor('axis', [], [0], 'integer')],
    shape: [3, 2],
    expected: [-2, 0, 0, 1, 0, 0],
  },
  {
    what: 'TopK',
    from: 11,
    nodes: [
      {
        opType: 'TopK',
        input: ['x', 'k'],
        output: ['values', 'indices'],
      },
      node('Cast', 'indices', 'floats', { to: int(1) }),
      node('Add', 'values floats', 'y'),
    ],
    constants: [list('k', 2)],
    shape: rows,
    expected: [0, -2, 3, 1, 6, 4],
    outputShape: [3, 2],
  },
  {
    what: 'constants of constants: arithmetic, conditions, matrices side by side',
    from: 13,
    nodes: [
      node('Concat', 'two two', 'wide', { axis: int(1) }),
      node('Floor', 'wide', 'floor'),
      node('Greater', 'floor zero', 'mask'),
      node('Where', 'mask floor zero', 'chosen'),
      node('Add', 'x chosen', 'y'),
    ],
    constants: [tensor('two', [2, 1], [1.5, -1.5]), small('zero', 0)],
    shape: [2, 2],
    expected: [-3, -2, -2, -1],
  },
  {
    what: 'a division of integers, as of a shape',
    from: 7,
    nodes: [
      node('Shape', 'x', 'shape'),
      node('Div', 'shape two', 'half'),
      node('Mul', 'half three', 'most'),
      node('Cast', 'most', 'floats', { to: int(1) }),
      node('Add', 'x floats', 'y'),
    ],
    constants: [list('two', 2), list('three', 3)],
    shape: [3, 2],
    expected: [-1, 0, 1, 2, 3, 4],
  },
];

const ROWS_OF_TWO: Shape = [3, 2];
/** -4 to 1 in steps of 2, with a zero point of 3: halves go to the even neighbour. */
const SCALE = [small('scale', 2), tensor('zero', [], [3], 'uint8')];
const quantizedCases: readonly NodeCase[] = [
  {
    what: 'QuantizeLinear, DequantizeLinear',
    from: 13,
    nodes: [
      node('QuantizeLinear', 'x scale zero', 'q'),
      node('DequantizeLinear', 'q scale zero', 'y'),
    ],
    constants: SCALE,
    // round(-1.5) is -2, round(-0.5) is 0, round(0.5) is 0, round(1.5) is 2.
    expected: [-4, -4, -2, 0, 0, 0, 2, 4, 4],
  },
  {
    what: 'QuantizeLinear that saturates, as a number',
    from: 13,
    nodes: [node('QuantizeLinear', 'x scale zero', 'q'), node('Cast', 'q', 'y', { to: int(1) })],
    constants: [small('scale', 0.01), tensor('zero', [], [0], 'int8')],
    expected: [-128, -128, -128, -100, 0, 100, 127, 127, 127],
  },
  {
    what: 'QuantizeLinear and DequantizeLinear of channels',
    from: 13,
    nodes: [
      node('QuantizeLinear', 'x scales zeros', 'q', { axis: int(1) }),
      node('DequantizeLinear', 'q scales zeros', 'y', { axis: int(-2) }),
    ],
    constants: [tensor('scales', [3], [1, 2, 4]), tensor('zeros', [3], [0, 1, 2], 'int8')],
    shape: [1, 3, 3],
    expected: [-4, -3, -2, 0, 0, 0, 0, 4, 4],
  },
  {
    what: 'DequantizeLinear of weights, of channels',
    from: 13,
    nodes: [node('DequantizeLinear', 'w s z', 'd', { axis: int(0) }), node('MatMul', 'x d', 'y')],
    constants: [
      tensor('w', [2, 2], [3, 1, 5, 2], 'int8'),
      tensor('s', [2], [1, 0.5]),
      tensor('z', [2], [2, 1], 'int8'),
    ],
    shape: ROWS_OF_TWO,
    // The factor is [1 -1; 2 0.5].
    expected: [-10, 2.5, -4, 1.5, 2, 0.5],
  },
  {
    what: 'DequantizeLinear of weights, in blocks',
    from: 21,
    nodes: [
      node('DequantizeLinear', 'w s z', 'd', { axis: int(1), block_size: int(2) }),
      node('Add', 'x d', 'y'),
    ],
    constants: [
      tensor('w', [2, 3], [1, 2, 3, 4, 5, 6], 'uint8'),
      tensor('s', [2, 2], [1, 2, 10, 20]),
      tensor('z', [2, 2], [0, 1, 2, 3], 'uint8'),
    ],
    shape: matrix,
    expected: [-3, -1, 2, 19, 30, 61],
  },
  {
    what: 'DynamicQuantizeLinear',
    from: 11,
    nodes: [
      node('Add', 'x more', 'm'),
      { opType: 'DynamicQuantizeLinear', input: ['m'], output: ['q', 's', 'z'] },
      node('DequantizeLinear', 'q s z', 'y'),
    ],
    constants: [small('more', 0.3)],
    // Steps of 8 / 255 from -3.7 on, of which 0 is the 118th.
    expected: X.map((x) => {
      const nearest = round.evaluate(((x + 0.3) * 255) / 8);
      return (Math.min(Math.max(nearest + 118, 0), 255) - 118) * (8 / 255);
    }),
  },
  {
    what: 'ConvInteger',
    from: 10,
    nodes: [
      node('QuantizeLinear', 'x unit zero', 'q'),
      node('ConvInteger', 'q w zero wz', 'sums', { pads: ints(0, 0, 1, 1) }),
      node('Cast', 'sums', 'y', { to: int(1) }),
    ],
    constants: [
      small('unit', 1),
      tensor('zero', [], [4], 'uint8'),
      tensor('w', [1, 1, 2, 2], [3, 3, 3, 3], 'uint8'),
      tensor('wz', [], [2], 'uint8'),
    ],
    expected: [-8, -4, -1, 4, 8, 5, 5, 7, 4],
  },
  {
    what: 'MatMulInteger',
    from: 10,
    nodes: [
      node('QuantizeLinear', 'x unit zero', 'q'),
      node('MatMulInteger', 'q w zero wz', 'sums'),
      node('Cast', 'sums', 'y', { to: int(1) }),
    ],
    constants: [
      small('unit', 1),
      tensor('zero', [], [4], 'uint8'),
      tensor('w', [3, 2], [3, 2, 2, 3, 3, 3], 'uint8'),
      tensor('wz', [], [2], 'uint8'),
    ],
    shape: matrix,
    expected: AB,
    outputShape: [2, 2],
  },
  {
    what: 'ConvInteger, with zero points of channels',
    from: 10,
    nodes: [
      node('QuantizeLinear', 'x unit zero', 'q'),
      node('ConvInteger', 'q w zero wz', 'sums'),
      node('Cast', 'sums', 'y', { to: int(1) }),
    ],
    constants: [
      small('unit', 1),
      tensor('zero', [], [4], 'uint8'),
      tensor('w', [2, 1, 2, 1], [3, 2, 4, 5], 'uint8'),
      tensor('wz', [2], [2, 4], 'uint8'),
    ],
    // By [1 0] and [0 1].
    expected: [-4, -3, -2, -1, 0, 1, -1, 0, 1, 2, 3, 4],
    outputShape: [1, 2, 2, 3],
    // onnxruntime has one zero point for all.
    alone: true,
  },
  {
    what: 'MatMulInteger, with zero points of columns',
    from: 10,
    nodes: [
      node('QuantizeLinear', 'x unit zero', 'q'),
      node('MatMulInteger', 'q w zero wz', 'sums'),
      node('Cast', 'sums', 'y', { to: int(1) }),
    ],
    constants: [
      small('unit', 1),
      tensor('zero', [], [4], 'uint8'),
      tensor('w', [3, 2], [3, 3, 2, 4, 3, 4], 'uint8'),
      tensor('wz', [2], [2, 3], 'uint8'),
    ],
    shape: matrix,
    expected: AB,
    outputShape: [2, 2],
  },
  {
    what: 'QLinearConv, with a bias and scales of channels',
    from: 10,
    nodes: [
      node('QuantizeLinear', 'x unit zero', 'q'),
      node('QLinearConv', 'q unit zero w ws wz ys yz b', 'r', { kernel_shape: ints(2, 2) }),
      node('DequantizeLinear', 'r ys yz', 'y'),
    ],
    constants: [
      small('unit', 1),
      tensor('zero', [], [4], 'uint8'),
      tensor('w', [2, 1, 2, 2], [1, 1, 1, 1, 1, 0, 0, 0], 'int8'),
      tensor('ws', [2], [1, 2]),
      tensor('wz', [2], [0, 0], 'int8'),
      small('ys', 2),
      tensor('yz', [], [100], 'uint8'),
      tensor('b', [2], [1, 0], 'int32'),
    ],
    // The sums are -7 -3 5 9 and -8 -6 -2 0; rounded to whole 2.
    expected: [-8, -4, 4, 8, -8, -6, -2, 0],
    outputShape: [1, 2, 2, 2],
  },
  {
    what: 'QLinearMatMul',
    from: 10,
    nodes: [
      node('QuantizeLinear', 'x unit zero', 'q'),
      node('QLinearMatMul', 'q unit zero w unit wz ys yz', 'r'),
      node('DequantizeLinear', 'r ys yz', 'y'),
    ],
    constants: [
      small('unit', 1),
      tensor('zero', [], [4], 'uint8'),
      tensor('w', [3, 2], [1, 0, 0, 1, 1, 1], 'uint8'),
      tensor('wz', [], [0], 'uint8'),
      small('ys', 4),
      tensor('yz', [], [10], 'uint8'),
    ],
    shape: matrix,
    // -6 / 4 goes to -2, -5 / 4 to -1.
    expected: [-8, -4, 0, 0],
    outputShape: [2, 2],
  },
];

const constantCases: readonly NodeCase[] = [
  {
    what: 'Constant of a number, of numbers',
    from: 13,
    nodes: [
      { ...one('Constant', { value_int: int(3) })[0], input: [], output: ['three'] },
      { ...one('Constant', { value_ints: ints(1, 0, 2) })[0], input: [], output: ['many'] },
      node('Cast', 'three', 'a', { to: int(1) }),
      node('Cast', 'many', 'b', { to: int(1) }),
      node('Mul', 'x a', 'scaled'),
      node('Add', 'scaled b', 'y'),
    ],
    shape: matrix,
    expected: [-11, -9, -4, -2, 0, 5],
  },
  {
    what: 'Concat with what is empty',
    from: 7,
    nodes: one('Concat', { axis: int(1) }, 'x none x'),
    constants: [tensor('none', [2, 0], [])],
    shape: matrix,
    expected: [-4, -3, -2, -4, -3, -2, -1, 0, 1, -1, 0, 1],
    outputShape: [2, 6],
  },
];

const indexCases: readonly NodeCase[] = [
  {
    what: 'Mod, as in C',
    from: 10,
    nodes: one('Mod', { fmod: int(1) }, 'x three'),
    constants: [small('three', 3)],
    expected: [-1, 0, -2, -1, 0, 1, 2, 0, 1],
  },
  {
    what: 'CastLike',
    from: 15,
    nodes: [node('CastLike', 'two x', 'c'), node('Mul', 'x c', 'y')],
    constants: [list('two', 2)],
    expected: X.map((x) => 2 * x),
  },
  {
    what: 'Cast of computed values to integers, of these to narrower ones, and back',
    from: 9,
    nodes: [
      node('Mul', 'x most', 'm'),
      node('Cast', 'm', 'i', { to: int(6) }),
      node('Cast', 'i', 'u', { to: int(2) }),
      node('Cast', 'u', 'y', { to: int(1) }),
    ],
    constants: [small('most', 100.25)],
    // -401, -300, -200, -100, 0, 100, 200, 300, 401
    expected: [111, 212, 56, 156, 0, 100, 200, 44, 145],
  },
  {
    what: 'Div of computed integers',
    from: 7,
    nodes: [
      node('Cast', 'x', 'i', { to: int(6) }),
      node('Div', 'i two', 'h'),
      node('Cast', 'h', 'y', { to: int(1) }),
    ],
    constants: [tensor('two', [], [2], 'int32')],
    expected: [-2, -1, -1, 0, 0, 0, 1, 1, 2],
  },
  {
    what: 'Trilu',
    from: 14,
    nodes: [
      node('Trilu', 'x one', 'u'),
      node('Trilu', 'x _', 'l', { upper: int(0) }),
      node('Add', 'u l', 'y'),
    ],
    constants: [tensor('one', [], [1], 'integer')],
    shape: [3, 3],
    expected: [-4, -3, -2, -1, 0, 1, 2, 3, 4],
  },
  {
    what: 'Size',
    from: 7,
    nodes: [
      node('Size', 'x', 'n'),
      node('Cast', 'n', 'f', { to: int(1) }),
      node('Add', 'x f', 'y'),
    ],
    expected: X.map((x) => x + 9),
  },
  {
    what: 'EyeLike',
    from: 9,
    nodes: [node('EyeLike', 'x', 'e', { k: int(1) }), node('Add', 'x e', 'y')],
    shape: matrix,
    expected: [-4, -2, -2, -1, 0, 2],
  },
  {
    what: 'GatherElements',
    from: 11,
    nodes: one('GatherElements', { axis: int(1) }, 'x i'),
    constants: [tensor('i', [2, 2], [-1, 0, 0, 1], 'integer')],
    shape: [2, 3],
    expected: [-2, -4, -1, 0],
    outputShape: [2, 2],
  },
  {
    what: 'GatherND',
    from: 11,
    nodes: one('GatherND', {}, 'x i'),
    constants: [tensor('i', [2, 1], [1, 0], 'integer')],
    shape: [2, 3],
    expected: [-1, 0, 1, -4, -3, -2],
  },
  {
    what: 'GatherND, image by image',
    from: 12,
    nodes: one('GatherND', { batch_dims: int(1) }, 'x i'),
    constants: [tensor('i', [2, 1], [2, -3], 'integer')],
    shape: [2, 3],
    expected: [-2, -1],
    outputShape: [2],
  },
  {
    what: 'ScatterElements',
    from: 11,
    nodes: one('ScatterElements', { axis: int(1) }, 'x i u'),
    constants: [tensor('i', [2, 1], [-1, 0], 'integer'), tensor('u', [2, 1], [8, 9])],
    shape: [2, 3],
    expected: [-4, -3, 8, 9, 0, 1],
  },
  {
    what: 'ScatterND',
    from: 11,
    nodes: [node('Relu', 'x', 'r'), ...one('ScatterND', {}, 'x i r')],
    constants: [tensor('i', [2, 1], [1, 0], 'integer')],
    shape: [2, 3],
    expected: [0, 0, 1, 0, 0, 0],
  },
  ...(['add', 'mul'] as const).map(
    (reduction): NodeCase => ({
      what: `ScatterElements, of updates that meet: ${reduction}`,
      from: 16,
      nodes: one('ScatterElements', { axis: int(1), reduction: text(reduction) }, 'x i u'),
      constants: [
        tensor('i', [2, 4], [1, 0, 1, -1, 2, 2, 2, 0], 'integer'),
        tensor('u', [2, 4], [1, 2, 3, 4, 5, 6, 7, 8]),
      ],
      shape: [2, 3],
      expected: reduction === 'add' ? [-2, 1, 2, 7, 0, 19] : [-8, -9, -8, -8, 0, 210],
    }),
  ),
  ...(['max', 'min'] as const).map(
    (reduction): NodeCase => ({
      what: `ScatterND, of updates that meet: ${reduction}`,
      from: 18,
      nodes: one('ScatterND', { reduction: text(reduction) }, 'x i u'),
      constants: [
        tensor('i', [3, 1], [2, 0, 2], 'integer'),
        tensor('u', [3, 2], [-9, 9, -3.5, -3.5, 2, -2]),
      ],
      shape: [3, 2],
      expected: reduction === 'max' ? [-3.5, -3, -2, -1, 2, 9] : [-4, -3.5, -2, -1, -9, -2],
    }),
  ),
  {
    what: 'ScatterElements, of more parts than slices are taken',
    from: 11,
    nodes: one('ScatterElements', {}, 'x i u'),
    constants: [
      tensor(
        'i',
        [300],
        Array.from({ length: 300 }, (_, i) => 2 * i),
        'integer',
      ),
      tensor(
        'u',
        [300],
        Array.from({ length: 300 }, (_, i) => -i),
      ),
    ],
    shape: [600],
    expected: Array.from({ length: 600 }, (_, i) => (i % 2 === 0 ? -i / 2 : i - 4)),
  },
  {
    what: 'ScatterElements, at indices that are computed',
    from: 13,
    nodes: [
      node('Clip', 'x low high', 'near'),
      node('Cast', 'near', 'i', { to: int(7) }),
      ...one('ScatterElements', { axis: int(1) }, 'x i u'),
    ],
    constants: [small('low', -2), small('high', 2), tensor('u', [2, 3], [1, 2, 3, 4, 5, 6])],
    shape: [2, 3],
    // At [1, 1, 1] and [2, 0, 1].
    expected: [-4, 3, -2, 5, 6, 4],
  },
  {
    what: 'ScatterElements, at computed indices of a part of the rows',
    from: 13,
    nodes: [
      node('ArgMax', 'x', 'i', { axis: int(0), keepdims: int(1) }),
      node('ScatterElements', 'x i u', 'y', { axis: int(0) }),
    ],
    constants: [tensor('u', [1, 3], [7, 8, 9])],
    shape: [2, 3],
    expected: [-4, -3, -2, 7, 8, 9],
  },
  {
    what: 'ScatterND, at indices that are computed',
    from: 13,
    nodes: [
      node('Clip', 'x low high', 'near'),
      node('Cast', 'near', 'i', { to: int(7) }),
      ...one('ScatterND', {}, 'x i u'),
    ],
    constants: [small('low', -1), small('high', 1), tensor('u', [3], [10, 20, 30])],
    shape: [3, 2],
    // At (2, 1), (2, 1) and (0, 1).
    expected: [-4, 30, -2, -1, 0, 20],
  },
  {
    what: 'ScatterND, which is how PyTorch takes max unpooling apart',
    from: 13,
    nodes: [
      poolNode({ ...quad, strides: ints(2, 2) }, 'maxima indices'),
      node('Reshape', 'indices flat', 'row'),
      node('Unsqueeze', 'row last', 'places'),
      node('Reshape', 'maxima flat', 'updates'),
      node('ConstantOfShape', 'count', 'zeros'),
      node('ScatterND', 'zeros places updates', 'laid'),
      node('Reshape', 'laid shape', 'y'),
    ],
    constants: [list('flat', -1), list('last', 1), list('count', 16), list('shape', 1, 1, 4, 4)],
    shape: LARGER,
    expected: [0, 0, 0, 0, 0, 1, 0, 3, 0, 0, 0, 0, 0, 9, 0, 11],
  },
  {
    what: 'ScatterND, of rows at indices that are computed',
    from: 13,
    nodes: [
      node('ArgMin', 'x', 'i', { axis: int(0), keepdims: int(0) }),
      node('Unsqueeze', 'i last', 'places'),
      ...one('ScatterND', {}, 'x places u'),
    ],
    constants: [list('last', 1), tensor('u', [2, 2], [7, 8, 9, 10])],
    shape: [3, 2],
    expected: [9, 10, -2, -1, 0, 1],
  },
];

/** MaxPool with both of its outputs. */
function poolNode(attributes: Attributes, outputs: string) {
  return { ...node('MaxPool', 'x', '', attributes), output: outputs.split(' ') };
}

function splitNode(attributes: Attributes, inputs: string, outputs: string) {
  return { ...node('Split', inputs, '', attributes), output: outputs.split(' ') };
}

function scalesAttribute() {
  return create(AttributeProtoSchema, { name: 'scales', type: 6, floats: [1, 1, 2, 2] });
}

function floatAttribute(f: number) {
  return create(AttributeProtoSchema, { name: 'value_float', type: 1, f });
}

const cases = [
  ...[...layerCases, ...volumeCases, ...pointwiseCases, ...movementCases],
  ...[...quantizedCases, ...constantCases, ...indexCases],
];

describe('loadOnnx', () => {
  it('is checked in every operator that it knows', () => {
    const seen = new Set(cases.flatMap(({ nodes = [] }) => nodes.map(({ opType }) => opType)));
    expect([...importers.keys()].filter((opType) => !seen.has(opType))).toEqual([]);
  });

  it.each(inOperatorSets(cases))('reads %s of operator set %i', (_, opset, one) =>
    checkNodeCase(one, opset),
  );
});
