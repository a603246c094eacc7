/** What is computed on the host: each axis, both ends of indices, defaults, types, and what is refused. */
import { describe, expect, it } from 'vitest';
import {
  type ConstantCase,
  checkConstant,
  constantOf as one,
  severalConstants as several,
} from '../../../test/fixtures/onnx_constant_cases.ts';
import {
  int,
  ints,
  onnxNode as node,
  onnxFile,
  onnxTensor as tensor,
  text,
} from '../../../test/fixtures/onnx_model.ts';
import { list } from '../../../test/fixtures/onnx_node_cases.ts';
import type { Attributes } from '../attribute.ts';
import { loadOnnx } from '../import.ts';

const scalar = (name: string, value: number) => tensor(name, [], [value], 'integer');
/** [[1 2 3; 4 5 6]; [7 8 9; 10 11 12]] as integers. */
const CUBE = tensor('a', [2, 2, 3], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], 'integer');
/** [3 -1 2; 0 5 -4] */
const A = tensor('a', [2, 3], [3, -1, 2, 0, 5, -4], 'integer');

const indexing: readonly ConstantCase[] = [
  ...(
    [
      ['1:4', 1, 4, 1, [2, 3, 4]],
      ['-2:', -2, 2 ** 31 - 1, 1, [5, 6]],
      [':-4', 0, -4, 1, [1, 2]],
      ['-9:2', -9, 2, 1, [1, 2]],
      ['1::2', 1, 9, 2, [2, 4, 6]],
      ['::-1', -1, -9, -1, [6, 5, 4, 3, 2, 1]],
      ['9::-2', 9, -9, -2, [6, 4, 2]],
      ['4:1:-1', 4, 1, -1, [5, 4, 3]],
      ['-1:-4:-2', -1, -4, -2, [6, 4]],
    ] as const
  ).map(
    ([what, start, end, step, expected]): ConstantCase => ({
      what: `Slice ${what}`,
      nodes: one('Slice', 'i start end axes step'),
      constants: [
        ...[list('i', 1, 2, 3, 4, 5, 6), list('start', start), list('end', end)],
        ...[list('axes', 0), list('step', step)],
      ],
      expected,
    }),
  ),
  {
    what: 'Slice of the last axes, and of the first where none are named',
    nodes: [node('Slice', 'a one two axes', 'last'), ...one('Slice', 'last one two')],
    constants: [CUBE, list('one', 1), list('two', 2), list('axes', -1)],
    shape: [1, 2, 1],
    expected: [8, 11],
  },
  {
    what: 'Slice by attributes',
    nodes: one('Slice', 'a', { starts: ints(0, 1), ends: ints(1, 3), axes: ints(0, 2) }),
    constants: [CUBE],
    opset: 9,
    shape: [1, 2, 2],
    expected: [2, 3, 5, 6],
  },
  {
    what: 'Concat of three along the axis in the middle',
    nodes: one('Concat', 'a b a', { axis: int(1) }),
    constants: [CUBE, tensor('b', [2, 1, 3], [-1, -2, -3, -4, -5, -6], 'integer')],
    shape: [2, 5, 3],
    expected: [
      ...[1, 2, 3, 4, 5, 6, -1, -2, -3, 1, 2, 3, 4, 5, 6],
      ...[7, 8, 9, 10, 11, 12, -4, -5, -6, 7, 8, 9, 10, 11, 12],
    ],
  },
  {
    what: 'Concat of rows from the end, and of nothing between',
    nodes: one('Concat', 'i none i', { axis: int(-1) }),
    constants: [list('i', 1, 2), tensor('none', [0], [], 'integer')],
    expected: [1, 2, 1, 2],
  },
  {
    what: 'Gather of the first axis by default, by a single index',
    nodes: one('Gather', 'a i'),
    constants: [CUBE, scalar('i', -1)],
    shape: [2, 3],
    expected: [7, 8, 9, 10, 11, 12],
  },
  {
    what: 'Gather of the axis in the middle by a table',
    nodes: one('Gather', 'a i', { axis: int(-2) }),
    constants: [CUBE, tensor('i', [1, 2], [1, 0], 'integer')],
    shape: [2, 1, 2, 3],
    expected: [4, 5, 6, 1, 2, 3, 10, 11, 12, 7, 8, 9],
  },
  {
    what: 'GatherElements of the first axis by default',
    nodes: one('GatherElements', 'a i'),
    constants: [A, tensor('i', [2, 3], [1, 0, -1, 0, 1, 0], 'integer')],
    shape: [2, 3],
    expected: [0, -1, -4, 3, 5, 2],
  },
  {
    what: 'GatherND image by image, of rows',
    nodes: one('GatherND', 'a i', { batch_dims: int(1) }),
    constants: [CUBE, tensor('i', [2, 1], [1, 0], 'integer')],
    shape: [2, 3],
    expected: [4, 5, 6, 7, 8, 9],
  },
  {
    what: 'ScatterElements along the last axis, of which the last of two counts',
    nodes: one('ScatterElements', 'a i u', { axis: int(1) }),
    constants: [
      A,
      tensor('i', [2, 2], [0, 0, -1, 1], 'integer'),
      tensor('u', [2, 2], [7, 8, 9, 10], 'integer'),
    ],
    shape: [2, 3],
    expected: [8, -1, 2, 0, 10, 9],
    // ONNX says nothing of two in one place.
    alone: true,
  },
  ...(
    [
      ['max', [4, 4, 2, 0, 5, -2]],
      ['min', [3, -1, 2, -2, 5, -4]],
      ['add', [7, 3, 2, -2, 5, -6]],
      ['mul', [12, -4, 2, 0, 5, 8]],
    ] as const
  ).map(
    ([reduction, expected]): ConstantCase => ({
      what: `ScatterND of elements, ${reduction}`,
      nodes: one('ScatterND', 'a i u', { reduction: text(reduction) }),
      constants: [
        A,
        tensor('i', [4, 2], [0, 0, 0, 1, 1, 0, -1, -1], 'integer'),
        tensor('u', [4], [4, 4, -2, -2], 'integer'),
      ],
      shape: [2, 3],
      expected,
    }),
  ),
  {
    what: 'ScatterElements of bytes, which wrap around',
    nodes: one('ScatterElements', 'b i u', { reduction: text('add') }),
    constants: [
      tensor('b', [2], [250, 1], 'uint8'),
      list('i', 0, 0),
      tensor('u', [2], [5, 3], 'uint8'),
    ],
    expected: [2, 1],
    alone: true,
  },
  {
    what: 'Transpose of three axes in a circle',
    nodes: one('Transpose', 'a', { perm: ints(1, 2, 0) }),
    constants: [CUBE],
    shape: [2, 3, 2],
    expected: [1, 7, 2, 8, 3, 9, 4, 10, 5, 11, 6, 12],
  },
  {
    what: 'Transpose of all axes',
    nodes: one('Transpose', 'a'),
    constants: [CUBE],
    shape: [3, 2, 2],
    expected: [1, 7, 4, 10, 2, 8, 5, 11, 3, 9, 6, 12],
  },
  {
    what: 'Expand in front, in the middle, and of what stays',
    nodes: one('Expand', 'i shape'),
    constants: [tensor('i', [2, 1, 2], [1, 2, 3, 4], 'integer'), list('shape', 2, 1, 2, 1)],
    shape: [2, 2, 2, 2],
    expected: [1, 2, 1, 2, 3, 4, 3, 4, 1, 2, 1, 2, 3, 4, 3, 4],
  },
  {
    what: 'NonZero of three axes, and of a number',
    nodes: [
      node('NonZero', 'a', 'n'),
      node('NonZero', 'seven', 'm'),
      node('Reshape', 'n flat', 'p'),
      node('Reshape', 'm flat', 'q'),
      ...one('Concat', 'p q', { axis: int(0) }),
    ],
    constants: [
      tensor('a', [2, 2, 2], [0, 5, 0, 0, -1, 0, 0, 2], 'integer'),
      ...[scalar('seven', 7), list('flat', -1)],
    ],
    // At (0, 0, 1), (1, 0, 0) and (1, 1, 1), axis by axis.
    expected: [0, 1, 1, 0, 0, 1, 1, 0, 1, 0],
    // Of a number, ONNX has no axis at all.
    alone: true,
  },
  {
    what: 'Compress of the first axis of three',
    nodes: one('Compress', 'a b', { axis: int(0) }),
    constants: [CUBE, tensor('b', [2], [0, 1], 'bool')],
    shape: [1, 2, 3],
    expected: [7, 8, 9, 10, 11, 12],
  },
  {
    what: 'Compress of the axis in the middle, by a condition that is shorter',
    nodes: one('Compress', 'a b', { axis: int(-2) }),
    constants: [CUBE, tensor('b', [1], [1], 'bool')],
    shape: [2, 1, 3],
    expected: [1, 2, 3, 7, 8, 9],
  },
  {
    what: 'Compress of all elements in a row',
    nodes: one('Compress', 'a b'),
    constants: [A, tensor('b', [5], [1, 0, 0, 1, 1], 'bool')],
    expected: [3, 0, 5],
  },
];

const F = tensor('f', [2, 3], [3, Number.NaN, 2, -1, -1, -4]);
const reductions: readonly ConstantCase[] = [
  ...(
    [
      ['all axes', '', {}, [5], [1, 1]],
      ['all axes, dropped', '', { keepdims: int(0) }, [5], []],
      [
        'no axes, by an empty list and a flag',
        ' none',
        { noop_with_empty_axes: int(1) },
        [3, -1, 2, 0, 5, -4],
        [2, 3],
      ],
      ['all axes, by an empty list', ' none', {}, [5], [1, 1]],
      ['axis 0', ' zero', { keepdims: int(0) }, [3, 4, -2], [3]],
      ['the last axis, kept', ' minus', { keepdims: int(1) }, [4, 1], [2, 1]],
      ['both axes in another order', ' both', { keepdims: int(0) }, [5], []],
    ] as const
  ).map(
    ([what, axes, attributes, expected, shape]): ConstantCase => ({
      what: `ReduceSum over ${what}`,
      nodes: one('ReduceSum', `a${axes}`, attributes),
      constants: [
        A,
        ...[tensor('none', [0], [], 'integer'), list('zero', 0)],
        ...[list('minus', -1), list('both', 1, 0)],
      ].filter(({ name }) => ['a', axes.trim()].includes(name ?? '')),
      ...{ expected, shape },
    }),
  ),
  {
    what: 'ReduceMax over the first and the last axis, by an attribute',
    nodes: one('ReduceMax', 'a', { axes: ints(0, 2), keepdims: int(0) }),
    constants: [CUBE],
    opset: 13,
    expected: [9, 12],
  },
  {
    what: 'ReduceMean of integers, whose fraction is lost',
    nodes: one('ReduceMean', 'a', { axes: ints(1), keepdims: int(0) }),
    constants: [tensor('a', [2, 2], [1, 2, -1, -2], 'int32')],
    opset: 13,
    expected: [1, -1],
  },
  {
    what: 'ReduceLogSumExp of what is far from 0, and of what is infinitely so',
    nodes: one('ReduceLogSumExp', 'f axes', { keepdims: int(0) }),
    constants: [
      tensor('f', [3, 2], [1000, 1000, -1000, -1000, -Infinity, -Infinity]),
      list('axes', 1),
    ],
    expected: [1000 + Math.log(2), -1000 + Math.log(2), -Infinity],
    // onnxruntime subtracts infinities.
    alone: true,
  },
  {
    what: 'ReduceMax and ReduceMin of nothing',
    nodes: [
      node('ReduceMax', 'e axes', 'm', { keepdims: int(0) }),
      node('ReduceMin', 'e axes', 'l', { keepdims: int(0) }),
      ...one('Concat', 'm l', { axis: int(0) }),
    ],
    constants: [tensor('e', [2, 0], []), list('axes', 1)],
    expected: [-Infinity, -Infinity, Infinity, Infinity],
    alone: true,
  },
  {
    what: 'ArgMax of the first axis by default, kept',
    nodes: one('ArgMax', 'a'),
    constants: [A],
    shape: [1, 3],
    expected: [0, 1, 0],
  },
  {
    what: 'ArgMin: the first and the last of equals',
    nodes: [
      node('ArgMin', 'f', 'first', { axis: int(1), keepdims: int(0) }),
      node('ArgMin', 'f', 'last', { axis: int(1), keepdims: int(0), select_last_index: int(1) }),
      ...one('Concat', 'first last', { axis: int(0) }),
    ],
    constants: [tensor('f', [2, 4], [1, 0, 0, 1, 2, 2, 2, 3])],
    expected: [1, 0, 2, 2],
  },
  {
    what: 'ArgMin takes what is no number for the least',
    nodes: one('ArgMin', 'f', { axis: int(1), keepdims: int(0) }),
    constants: [F],
    expected: [1, 2],
    alone: true,
  },
  {
    what: 'CumSum of the first axis',
    nodes: one('CumSum', 'a zero'),
    constants: [A, scalar('zero', 0)],
    shape: [2, 3],
    expected: [3, -1, 2, 3, 4, -2],
  },
  {
    what: 'CumSum of the axis in the middle, from the end, without the element itself',
    nodes: one('CumSum', 'a axis', { exclusive: int(1), reverse: int(1) }),
    constants: [CUBE, scalar('axis', -2)],
    shape: [2, 2, 3],
    expected: [4, 5, 6, 0, 0, 0, 10, 11, 12, 0, 0, 0],
  },
  {
    what: 'CumSum of 32-bit integers, which wrap around',
    nodes: one('CumSum', 'a zero'),
    constants: [tensor('a', [3], [2 ** 31 - 1, 1, 1], 'int32'), scalar('zero', 0)],
    expected: [2 ** 31 - 1, -(2 ** 31), 1 - 2 ** 31],
  },
  ...(
    [
      ['the most of the last axis by default', {}, [3, 2, 5, 0], [0, 2, 1, 0], [2, 2]],
      ['the least of the last', { largest: int(0) }, [-1, 2, -4, 0], [1, 2, 2, 0], [2, 2]],
      ['the most of the first', { axis: int(0) }, [3, 5, 2, 0, -1, -4], [0, 1, 0, 1, 0, 1], [2, 3]],
    ] as const
  ).flatMap(([what, attributes, values, indices, shape]) =>
    [values, indices].map(
      (expected, output): ConstantCase => ({
        what: `TopK, ${what}: ${output === 0 ? 'values' : 'indices'}`,
        nodes: [several('TopK', 'a two', output === 0 ? 'c i' : 'v c', attributes)],
        constants: [A, list('two', 2)],
        ...{ expected, shape },
      }),
    ),
  ),
  {
    what: 'TopK of equals: those that are first',
    nodes: [several('TopK', 'f k', 'v c')],
    constants: [tensor('f', [5], [1, 2, 2, 1, 2]), list('k', 4)],
    expected: [1, 2, 4, 0],
  },
  {
    what: 'TopK by an attribute',
    nodes: [several('TopK', 'f', 'c i', { k: int(2) })],
    constants: [tensor('f', [3], [1, 3, 2])],
    opset: 9,
    expected: [3, 2],
  },
  ...(
    [
      ['in order: which', 'c first of count', {}, [1, 2, 4]],
      ['in order: where first', 'u c of count', {}, [3, 1, 0]],
      ['in order: which each is', 'u first c count', {}, [2, 1, 2, 0, 1, 2]],
      ['in order: how often', 'u first of c', {}, [1, 2, 3]],
      ['as they come: which', 'c first of count', { sorted: int(0) }, [4, 2, 1]],
      ['as they come: where first', 'u c of count', { sorted: int(0) }, [0, 1, 3]],
      ['as they come: which each is', 'u first c count', { sorted: int(0) }, [0, 1, 0, 2, 1, 0]],
      ['as they come: how often', 'u first of c', { sorted: int(0) }, [3, 2, 1]],
    ] as const
  ).map(
    ([what, outputs, attributes, expected]): ConstantCase => ({
      what: `Unique, ${what}`,
      nodes: [several('Unique', 'i', outputs, attributes)],
      constants: [list('i', 4, 2, 4, 1, 2, 4)],
      expected,
    }),
  ),
];

const [FLOAT, UINT8, INT8, INT32, FLOAT16, DOUBLE, BFLOAT16] = [1, 2, 3, 6, 10, 11, 16];
const through = (name: string, ...types: readonly number[]) =>
  types.map((to, i) =>
    node('Cast', i === 0 ? name : `t${i - 1}`, i === types.length - 1 ? 'c' : `t${i}`, {
      to: int(to),
    }),
  );
const arithmetic: readonly ConstantCase[] = [
  {
    what: 'Cast to bfloat16 and back: eight digits of two',
    nodes: through('f', BFLOAT16, FLOAT),
    constants: [tensor('f', [3], [257, 259, -1.005])],
    expected: [256, 260, -1.0078125],
    alone: true,
  },
  {
    what: 'Cast to float16 and on to bfloat16',
    nodes: through('f', FLOAT16, BFLOAT16),
    constants: [tensor('f', [2], [2049, 2050])],
    expected: [2048, 2048],
    alone: true,
  },
  {
    what: 'Cast of a double to floats, which rounds',
    nodes: [...through('d', FLOAT, DOUBLE).slice(0, 1), ...one('Sub', 't0 f')],
    constants: [tensor('d', [1], [16777217], 'double'), tensor('f', [1], [16777216])],
    expected: [0],
  },
  {
    what: 'Cast of integers to signed and unsigned bytes',
    nodes: through('i', INT32, UINT8, INT8),
    constants: [list('i', 200, -1, 256, 127)],
    expected: [-56, -1, 0, 127],
  },
  ...(
    [
      ['BitwiseAnd', [0b1000, 0b0100, 0]],
      ['BitwiseOr', [0b1110, 0b1111, 255]],
      ['BitwiseXor', [0b0110, 0b1011, 255]],
    ] as const
  ).map(
    ([opType, expected]): ConstantCase => ({
      what: `${opType} of bytes`,
      nodes: one(opType, 'a b'),
      constants: [
        tensor('a', [3], [0b1100, 0b0110, 255], 'uint8'),
        tensor('b', [3], [0b1010, 0b1101, 0], 'uint8'),
      ],
      expected,
    }),
  ),
  {
    what: 'BitwiseNot of bytes, with and without a sign',
    nodes: [
      node('BitwiseNot', 'u', 'n'),
      node('BitwiseNot', 's', 'm'),
      node('Cast', 'n', 'p', { to: int(INT32) }),
      node('Cast', 'm', 'q', { to: int(INT32) }),
      ...one('Concat', 'p q', { axis: int(0) }),
    ],
    constants: [tensor('u', [2], [0, 200], 'uint8'), tensor('s', [2], [0, -128], 'int8')],
    expected: [255, 55, -1, 127],
  },
  {
    what: 'BitShift to the left by default, by all bits and more',
    nodes: one('BitShift', 'b by', { direction: text('LEFT') }),
    constants: [tensor('b', [4], [3, 3, 3, 3], 'uint8'), tensor('by', [4], [0, 7, 8, 9], 'uint8')],
    expected: [3, 128, 0, 0],
    // ONNX says nothing of 8 and more.
    alone: true,
  },
  ...(
    [
      ['floor', 'Mod', {}, [1, 2, -1, -2, 0]],
      ['C', 'Mod', { fmod: int(1) }, [1, -1, 1, -2, 0]],
    ] as const
  ).map(
    ([what, opType, attributes, expected]): ConstantCase => ({
      what: `Mod as in ${what}`,
      nodes: one(opType, 'a b', attributes),
      constants: [list('a', 7, -7, 7, -8, 6), list('b', 3, 3, -2, -3, -3)],
      expected,
    }),
  ),
];

const sequences: readonly ConstantCase[] = [
  {
    what: 'Range that ends before its limit',
    nodes: one('Range', 'a b d'),
    constants: [scalar('a', 1), scalar('b', 8), scalar('d', 3)],
    expected: [1, 4, 7],
  },
  {
    what: 'Range downwards, up to but without its limit',
    nodes: one('Range', 'a b d'),
    constants: [scalar('a', 3), scalar('b', -3), scalar('d', -2)],
    expected: [3, 1, -1],
  },
  {
    what: 'Range of nothing, since it goes the other way',
    nodes: [node('Range', 'a b d', 'r'), ...one('Concat', 'r one', { axis: int(0) })],
    constants: [scalar('a', 1), scalar('b', 5), scalar('d', -1), list('one', 1)],
    expected: [1],
  },
  {
    what: 'OneHot along the last axis by default, of indices out of it',
    nodes: one('OneHot', 'i depth values'),
    constants: [list('i', 0, -2, 3), scalar('depth', 3), tensor('values', [2], [0, 1])],
    shape: [3, 3],
    expected: [1, 0, 0, 0, 1, 0, 0, 0, 0],
  },
  {
    what: 'OneHot along the axis in the middle of a matrix',
    nodes: one('OneHot', 'i depth values', { axis: int(1) }),
    constants: [
      tensor('i', [2, 2], [0, 1, 1, 0], 'integer'),
      list('depth', 2),
      list('values', -1, 4),
    ],
    shape: [2, 2, 2],
    expected: [4, -1, -1, 4, -1, 4, 4, -1],
  },
  {
    what: 'DequantizeLinear in blocks of the axis in the middle, the last of them shorter',
    nodes: one('DequantizeLinear', 'q s z', { axis: int(1), block_size: int(2) }),
    constants: [
      tensor('q', [2, 3, 2], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], 'uint8'),
      tensor('s', [2, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8]),
      tensor('z', [2, 2, 2], [0, 1, 2, 3, 4, 5, 6, 7], 'uint8'),
    ],
    opset: 21,
    shape: [2, 3, 2],
    expected: [1, 2, 3, 6, 9, 12, 15, 18, 25, 30, 35, 40],
  },
  {
    what: 'DequantizeLinear of channels, which are axis 1, without zero points',
    nodes: one('DequantizeLinear', 'q s'),
    constants: [tensor('q', [2, 2, 1], [1, 2, 3, 4], 'int8'), tensor('s', [2], [10, 100])],
    shape: [2, 2, 1],
    expected: [10, 200, 30, 400],
  },
  {
    what: 'DequantizeLinear by one scale for all',
    nodes: one('DequantizeLinear', 'q s z'),
    constants: [
      tensor('q', [2, 2], [1, 2, 3, 4], 'int8'),
      tensor('s', [], [0.5]),
      tensor('z', [], [-1], 'int8'),
    ],
    shape: [2, 2],
    expected: [1, 1.5, 2, 2.5],
  },
];

/** Operator, what it reads, why it is refused, attributes. */
const REFUSALS: readonly (readonly [
  opType: string,
  inputs: string,
  why: string,
  attributes?: Attributes,
])[] = [
  ['Slice', 'a zero two zero zero', 'slices by steps of 0'],
  ['Concat', 'a square', 'parts [2, 3] and [3, 3] do not fit', { axis: int(1) }],
  ['Gather', 'a two', 'index 2 is out of 2'],
  ['Gather', 'a far', 'index -3 is out of 2'],
  ['GatherND', 'a two', 'index 2 is out of 2'],
  ['ScatterElements', 'a places a', 'updates [2, 3] are not [1, 1]'],
  ['Transpose', 'a', '[0, 0] is no order of the axes of [2, 3]', { perm: ints(0, 0) }],
  ['Transpose', 'a', '[0] is no order of the axes of [2, 3]', { perm: ints(0) }],
  ['Expand', 'a pair', '[2, 3] and [2, 2] do not go together'],
  ['Expand', 'a negative', '[2, 3] and [2, -3] do not go together'],
  ['ConstantOfShape', 'negative', '[2, -3] is no shape'],
  ['Expand', 'a huge', 'a constant of [16777217, 2, 3] is computed; at most 16777216 elements are'],
  ['Compress', 'a flags', 'chooses rows out of 2', { axis: int(0) }],
  ['TopK', 'a four', 'asks for 4 of 3'],
  ['TopK', 'a negative1', 'asks for -1 of 3'],
  [
    'Unique',
    'a',
    'takes the different rows of an axis; only different elements are found',
    { axis: int(0) },
  ],
  ['Range', 'one one zero0', 'counts by 0'],
  ['Range', 'one infinite step', 'counts from 1 to Infinity by 1'],
  ['DequantizeLinear', 'a s z', "zero points are not of the scales' shape [2]", { axis: int(0) }],
  ['DequantizeLinear', 'a s', 'scales [2] do not fit [2, 3] along axis 1'],
];

describe('constants of constants', () => {
  it.each([...indexing, ...reductions, ...arithmetic, ...sequences])('$what', checkConstant);

  it.each(
    REFUSALS.map(([opType, inputs, why, attributes]) => ({ opType, inputs, why, attributes })),
  )('refuse $opType of $inputs: $why', ({ opType, inputs, why, attributes }) => {
    const bytes = onnxFile({
      node: one(opType, inputs, attributes),
      initializer: [
        ...[A, list('zero', 0), list('two', 2), list('far', -3), list('four', 4)],
        ...[list('pair', 2, 2), list('negative', 2, -3), list('negative1', -1)],
        tensor('square', [3, 3], [1, 2, 3, 4, 5, 6, 7, 8, 9], 'integer'),
        list('huge', 2 ** 24 + 1, 1, 1),
        tensor('places', [1, 1], [0], 'integer'),
        tensor('flags', [3], [0, 0, 1], 'bool'),
        ...[tensor('one', [], [1]), tensor('zero0', [], [0]), tensor('step', [], [1])],
        ...[tensor('infinite', [], [Infinity]), tensor('s', [2], [1, 1]), list('z', 1, 1, 1)],
      ],
      output: [{ name: 'c' }],
    });
    expect(() => loadOnnx(bytes)).toThrow(
      expect.objectContaining({
        name: 'UnsupportedError',
        message: `ONNX file "model.onnx": 1 of its parts is not supported:\n  ${opType} (1): node 0: ${why}`,
      }),
    );
  });
});
