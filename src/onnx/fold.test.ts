/** Constants made of constants, beside results worked out by hand; onnxruntime must agree, if installed. */
import { describe, expect, it } from 'vitest';
import {
  type ConstantCase,
  checkConstant,
  constantOf as one,
  severalConstants as several,
} from '../../test/fixtures/onnx_constant_cases.ts';
import {
  int,
  onnxNode as node,
  onnxTensor as tensor,
  text,
} from '../../test/fixtures/onnx_model.ts';
import { list } from '../../test/fixtures/onnx_node_cases.ts';
import { evaluators } from './evaluators/index.ts';

const scalar = (name: string, value: number) => tensor(name, [], [value], 'integer');
const A = tensor('a', [2, 3], [5, -7, 3, 0, 2, -2], 'integer');
const F = tensor('f', [2, 3], [1.5, -2.5, 0.5, -0.5, 3, 0]);
const I = (...values: number[]) => tensor('i', [values.length], values, 'integer');
const BYTES = tensor('b', [4], [0, 100, 200, 255], 'uint8');

const arithmetic: readonly ConstantCase[] = [
  {
    what: 'ArgMax takes what is no number for the largest',
    nodes: one('ArgMax', 'f', { axis: int(0), keepdims: int(0) }),
    constants: [tensor('f', [4], [1, Number.NaN, 2, Number.NaN])],
    shape: [],
    expected: [1],
    alone: true,
  },
  {
    what: 'Div of integers goes towards zero',
    nodes: one('Div', 'a b'),
    constants: [A, list('b', 2, 2, -2)],
    shape: [2, 3],
    expected: [2, -3, -1, 0, 1, 1],
  },
  {
    what: 'Add of bytes wraps around',
    nodes: one('Add', 'b h'),
    constants: [BYTES, tensor('h', [], [100], 'uint8')],
    expected: [100, 200, 44, 99],
    alone: true,
  },
  {
    what: 'Mul of 32-bit integers wraps around',
    nodes: one('Mul', 'a a'),
    constants: [tensor('a', [2], [65536, 46341], 'int32')],
    expected: [0, 46341 ** 2 - 2 ** 32],
  },
  {
    what: 'Add of floats is rounded to f32',
    nodes: [node('Add', 'f t', 's'), ...one('Sub', 's f')],
    constants: [tensor('f', [1], [16777216]), tensor('t', [1], [1])],
    expected: [0],
  },
  {
    what: 'Mod has the sign of the divisor',
    nodes: one('Mod', 'a b'),
    constants: [A, list('b', 3, 3, -3)],
    shape: [2, 3],
    expected: [2, 2, 0, 0, 2, -2],
  },
  {
    what: 'Mod as in C has the sign of the dividend',
    nodes: one('Mod', 'a b', { fmod: int(1) }),
    constants: [A, list('b', 3, 3, -3)],
    shape: [2, 3],
    expected: [2, -1, 0, 0, 2, -2],
  },
  {
    what: 'Floor, Ceil, Neg, Abs, Sign',
    nodes: [
      node('Floor', 'f', 'g'),
      node('Ceil', 'f', 'h'),
      node('Neg', 'h', 'i'),
      node('Abs', 'i', 'j'),
      node('Sign', 'g', 'k'),
      ...one('Sum', 'g j k'),
    ],
    constants: [F],
    shape: [2, 3],
    expected: [1 + 2 + 1, -3 + 2 - 1, 0 + 1 + 0, -1 + 0 - 1, 3 + 3 + 1, 0],
  },
  {
    what: 'Min, Max and Mean',
    nodes: [node('Min', 'f g', 'l'), node('Max', 'f g', 'm'), ...one('Mean', 'l m f')],
    constants: [F, tensor('g', [], [1])],
    shape: [2, 3],
    expected: [4 / 3, -4 / 3, 2 / 3, 0, 7 / 3, 1 / 3],
  },
  {
    what: 'Equal, Less, Greater, And, Or, Xor, Not',
    nodes: [
      node('Equal', 'a z', 'e'),
      node('Less', 'a z', 'l'),
      node('Greater', 'a z', 'g'),
      node('Or', 'e l', 'o'),
      node('Not', 'o', 'n'),
      node('Xor', 'n g', 'x'),
      node('And', 'g n', 'b'),
      node('Or', 'x b', 'v'),
      ...one('Where', 'v a z'),
    ],
    constants: [A, scalar('z', 0)],
    shape: [2, 3],
    expected: [5, 0, 3, 0, 2, 0],
  },
  {
    what: 'BitwiseAnd, BitwiseOr, BitwiseXor, BitwiseNot',
    nodes: [
      node('BitwiseAnd', 'i m', 'a'),
      node('BitwiseOr', 'a n', 'o'),
      node('BitwiseXor', 'o m', 'x'),
      ...one('BitwiseNot', 'x'),
    ],
    constants: [I(5, -1), scalar('m', 6), scalar('n', 1)],
    // 4 | 1 = 5, ^ 6 = 3; 6 | 1 = 7, ^ 6 = 1.
    expected: [-4, -2],
  },
  {
    what: 'BitShift',
    nodes: [
      node('BitShift', 'b one', 'l', { direction: text('LEFT') }),
      ...one('BitShift', 'l two', { direction: text('RIGHT') }),
    ],
    constants: [BYTES, tensor('one', [], [1], 'uint8'), tensor('two', [], [2], 'uint8')],
    expected: [0, 200 >> 2, 144 >> 2, 254 >> 2],
  },
  {
    what: 'Cast of floats loses the fraction',
    nodes: one('Cast', 'f', { to: int(7) }),
    constants: [F],
    shape: [2, 3],
    expected: [1, -2, 0, 0, 3, 0],
  },
  {
    what: 'Cast of integers keeps the lower bits',
    nodes: one('Cast', 'i', { to: int(3) }),
    constants: [I(127, 128, -129, 512)],
    expected: [127, -128, 127, 0],
  },
  {
    what: 'Cast to truth values',
    nodes: one('Cast', 'f', { to: int(9) }),
    constants: [F],
    shape: [2, 3],
    expected: [1, 1, 1, 1, 1, 0],
  },
  {
    what: 'Cast to float16',
    nodes: one('Cast', 'f', { to: int(10) }),
    constants: [tensor('f', [4], [2049, 2051, 1e-8, 1e6])],
    expected: [2048, 2052, 0, Number.POSITIVE_INFINITY],
  },
  {
    what: 'CastLike',
    nodes: one('CastLike', 'f b'),
    constants: [tensor('f', [2], [1.75, 7]), BYTES],
    expected: [1, 7],
  },
];

const shapes: readonly ConstantCase[] = [
  {
    what: 'Range, of integers and of floats',
    nodes: [
      node('Range', 'a b d', 'r'),
      node('Cast', 'r', 'q', { to: int(1) }),
      node('Range', 'f t d4', 's'),
      ...one('Concat', 'q s', { axis: int(0) }),
    ],
    constants: [
      ...[scalar('a', 5), scalar('b', -2), scalar('d', -3)],
      ...[tensor('f', [], [0]), tensor('t', [], [1]), tensor('d4', [], [0.25])],
    ],
    expected: [5, 2, -1, 0, 0.25, 0.5, 0.75],
  },
  {
    what: 'Range of nothing, and Concat with it',
    nodes: [node('Range', 'a a d', 'r'), ...one('Concat', 'r b', { axis: int(0) })],
    constants: [scalar('a', 1), scalar('d', 1), list('b', 7)],
    expected: [7],
  },
  {
    what: 'Shape and Size',
    nodes: [
      node('Shape', 'f', 's'),
      node('Size', 'f', 'n'),
      node('Unsqueeze', 'n zero', 'm'),
      ...one('Concat', 's m', { axis: int(0) }),
    ],
    constants: [F, list('zero', 0)],
    expected: [2, 3, 6],
  },
  {
    what: 'Shape and Size of nothing, and a constant of no extents',
    nodes: [
      node('Shape', 'e', 's'),
      node('Size', 'e', 'n'),
      node('ConstantOfShape', 'none', 'zero'),
      node('Cast', 'zero', 'z', { to: int(7) }),
      node('Unsqueeze', 'n axis', 'm'),
      node('Unsqueeze', 'z axis', 'o'),
      ...one('Concat', 's m o', { axis: int(0) }),
    ],
    constants: [
      ...[tensor('e', [2, 0, 3], []), tensor('none', [0], [], 'integer'), list('axis', 0)],
    ],
    expected: [2, 0, 3, 0, 0],
  },
  {
    what: 'NonZero',
    nodes: one('NonZero', 'f'),
    constants: [tensor('f', [2, 2], [0, 3, 4, 5])],
    shape: [2, 3],
    expected: [0, 1, 1, 1, 0, 1],
  },
  {
    what: 'OneHot along an axis',
    nodes: one('OneHot', 'i depth values', { axis: int(0) }),
    constants: [I(1, -1), scalar('depth', 3), tensor('values', [2], [2, 5])],
    shape: [3, 2],
    expected: [2, 2, 5, 2, 2, 5],
  },
  {
    what: 'EyeLike',
    nodes: one('EyeLike', 'f', { k: int(-1) }),
    constants: [F],
    shape: [2, 3],
    expected: [0, 0, 0, 1, 0, 0],
  },
  {
    what: 'Trilu',
    nodes: one('Trilu', 'a k', { upper: int(0) }),
    constants: [A, scalar('k', 0)],
    shape: [2, 3],
    expected: [5, 0, 0, 0, 2, 0],
  },
  {
    what: 'Slice of nothing, and Concat with it',
    nodes: [node('Slice', 'i two one', 's'), ...one('Concat', 's i', { axis: int(0) })],
    constants: [I(4, 5, 6), list('two', 2), list('one', 1)],
    expected: [4, 5, 6],
  },
  {
    what: 'Sum of the squares of nothing',
    nodes: [node('Mul', 'e one', 's'), ...one('ReduceSum', 's axis')],
    constants: [tensor('e', [2, 0, 3], []), tensor('one', [1, 3], [1, 1, 1]), list('axis', 1)],
    shape: [2, 1, 3],
    expected: [0, 0, 0, 0, 0, 0],
  },
  {
    what: 'Slice back to front, of two axes',
    nodes: one('Slice', 'a starts ends axes steps'),
    constants: [
      A,
      list('starts', -1, 2),
      list('ends', -9, -9),
      list('axes', 0, 1),
      list('steps', -1, -2),
    ],
    shape: [2, 2],
    expected: [-2, 0, 3, 5],
  },
  {
    what: 'Gather along an axis, in the shape of the indices',
    nodes: one('Gather', 'a i', { axis: int(1) }),
    constants: [A, tensor('i', [2, 2], [0, -1, 1, 1], 'integer')],
    shape: [2, 2, 2],
    expected: [5, 3, -7, -7, 0, -2, 2, 2],
  },
  {
    what: 'GatherElements',
    nodes: one('GatherElements', 'a i', { axis: int(1) }),
    constants: [A, tensor('i', [2, 1], [2, -2], 'integer')],
    shape: [2, 1],
    expected: [3, 2],
  },
  {
    what: 'GatherND',
    nodes: one('GatherND', 'a i'),
    constants: [A, tensor('i', [2, 2], [0, 1, 1, -1], 'integer')],
    expected: [-7, -2],
  },
  {
    what: 'ScatterElements',
    nodes: one('ScatterElements', 'a i u', { axis: int(0), reduction: text('add') }),
    constants: [
      A,
      tensor('i', [1, 3], [1, 0, 1], 'integer'),
      tensor('u', [1, 3], [1, 2, 3], 'integer'),
    ],
    shape: [2, 3],
    expected: [5, -5, 3, 1, 2, 1],
  },
  {
    what: 'ScatterND',
    nodes: one('ScatterND', 'a i u', { reduction: text('mul') }),
    constants: [
      A,
      tensor('i', [2, 1], [1, 1], 'integer'),
      tensor('u', [2, 3], [1, 2, 3, 1, 5, 1], 'integer'),
    ],
    shape: [2, 3],
    expected: [5, -7, 3, 0, 20, -6],
  },
  {
    what: 'Expand, Tile, Transpose, Reshape, Squeeze, Unsqueeze',
    nodes: [
      node('Expand', 'i shape', 'e'),
      node('Transpose', 'e', 't'),
      node('Tile', 't repeats', 'r'),
      node('Unsqueeze', 'r zero', 'u'),
      node('Squeeze', 'u zero', 'q'),
      ...one('Reshape', 'q flat'),
    ],
    constants: [
      I(1, 2),
      list('shape', 2, 1),
      list('repeats', 1, 2),
      list('zero', 0),
      list('flat', -1),
    ],
    expected: [1, 1, 1, 1, 2, 2, 2, 2],
  },
  {
    what: 'Concat of rows',
    nodes: one('Concat', 'a b', { axis: int(1) }),
    constants: [A, tensor('b', [2, 1], [8, 9], 'integer')],
    shape: [2, 4],
    expected: [5, -7, 3, 8, 0, 2, -2, 9],
  },
  {
    what: 'Pad',
    nodes: one('Pad', 'i pads seven'),
    constants: [I(1, 2), list('pads', 1, 2), scalar('seven', 7)],
    expected: [7, 1, 2, 7, 7],
  },
  {
    what: 'Compress',
    nodes: one('Compress', 'a b', { axis: int(1) }),
    constants: [A, tensor('b', [3], [1, 0, 1], 'bool')],
    shape: [2, 2],
    expected: [5, 3, 0, -2],
  },
  {
    what: 'Identity and Dropout',
    nodes: [
      node('Identity', 'f', 'd'),
      several('Dropout', 'd', 'e mask'),
      ...one('Where', 'mask e d'),
    ],
    constants: [F],
    shape: [2, 3],
    expected: [1.5, -2.5, 0.5, -0.5, 3, 0],
  },
];

const axes = list('axes', 1);
const reduced: readonly ConstantCase[] = [
  ...(
    [
      ['ReduceSum', [1, 0]],
      ['ReduceProd', [-105, 0]],
      ['ReduceMax', [5, 2]],
      ['ReduceMin', [-7, -2]],
    ] as const
  ).map(([opType, expected]) => ({
    what: opType,
    nodes: one(opType, 'a axes', { keepdims: int(0) }),
    constants: [A, axes],
    expected,
  })),
  ...(
    [
      ['ReduceMean', [-0.5 / 3, 2.5 / 3]],
      ['ReduceL1', [4.5, 3.5]],
      ['ReduceL2', [Math.sqrt(8.75), Math.sqrt(9.25)]],
      ['ReduceSumSquare', [8.75, 9.25]],
      ['ReduceLogSumExp', [1.5, -0.5].map((_, i) => Math.log(rowOf(i)))],
    ] as const
  ).map(([opType, expected]) => ({
    what: opType,
    nodes: one(opType, 'f axes'),
    constants: [F, axes],
    shape: [2, 1],
    expected,
  })),
  {
    what: 'ReduceLogSum, over all axes',
    nodes: [node('Abs', 'f', 'p'), ...one('ReduceLogSum', 'p', { keepdims: int(0) })],
    constants: [F],
    shape: [],
    expected: [Math.log(8)],
  },
  {
    what: 'ArgMax and ArgMin',
    nodes: [
      node('ArgMax', 'a', 'm', { axis: int(1), keepdims: int(0) }),
      node('ArgMin', 'a', 'l', { axis: int(0), keepdims: int(0) }),
      ...one('Concat', 'm l', { axis: int(0) }),
    ],
    constants: [A],
    expected: [0, 1, 1, 0, 1],
  },
  {
    what: 'CumSum',
    nodes: [
      node('CumSum', 'a one', 's'),
      node('CumSum', 's one', 'r', { reverse: int(1), exclusive: int(1) }),
      ...one('Concat', 's r', { axis: int(1) }),
    ],
    constants: [A, scalar('one', 1)],
    shape: [2, 6],
    expected: [5, -2, 1, -1, 1, 0, 0, 2, 0, 2, 0, 0],
  },
  {
    what: 'TopK: the smallest along an axis',
    nodes: [
      several('TopK', 'a k', 'v i', { axis: int(1), largest: int(0) }),
      ...one('Concat', 'v i', { axis: int(1) }),
    ],
    constants: [A, list('k', 2)],
    shape: [2, 4],
    expected: [-7, 3, 1, 2, -2, 0, 2, 0],
  },
  {
    what: 'Unique',
    nodes: [
      several('Unique', 'i', 'v first which count'),
      ...one('Concat', 'v first which count', { axis: int(0) }),
    ],
    constants: [I(4, 2, 4, 3)],
    expected: [2, 3, 4, 1, 3, 0, 2, 0, 2, 1, 1, 1, 2],
  },
  {
    what: 'DequantizeLinear of channels',
    nodes: one('DequantizeLinear', 'q s z', { axis: int(0) }),
    constants: [
      tensor('q', [2, 2], [1, -2, 3, 127], 'int8'),
      tensor('s', [2], [0.5, 2]),
      tensor('z', [2], [1, -1], 'int8'),
    ],
    shape: [2, 2],
    expected: [0, -1.5, 8, 256],
  },
];

function rowOf(row: number): number {
  const values = [
    [1.5, -2.5, 0.5],
    [-0.5, 3, 0],
  ][row];
  return (values ?? []).reduce((sum, x) => sum + Math.exp(x), 0);
}

const cases = [...arithmetic, ...shapes, ...reduced];

describe('constants of constants', () => {
  it('are checked for every evaluator', () => {
    const seen = new Set(cases.flatMap(({ nodes = [] }) => nodes.map(({ opType }) => opType)));
    expect([...evaluators.keys()].filter((opType) => !seen.has(opType))).toEqual([]);
  });

  it.each(cases)('$what', checkConstant);
});
