/** What moves elements, takes some of them, or puts them elsewhere: axes from both ends, defaults, ends of slices. */
import { describe, it } from 'vitest';
import {
  float,
  int,
  ints,
  onnxNode as node,
  onnxTensor as tensor,
  text,
} from '../../../test/fixtures/onnx_model.ts';
import {
  checkNodeCase,
  inOperatorSets,
  list,
  type NodeCase,
  one,
  small,
} from '../../../test/fixtures/onnx_node_cases.ts';
import type { Shape } from '../../runtime/tensor.ts';
import type { Attributes } from '../attribute.ts';

/** [-4 -3 -2; -1 0 1] */
const SHAPE: Shape = [2, 3];
const ROW = [-4, -3, -2, -1, 0, 1];
const several = (opType: string, inputs: string, outputs: string, attributes: Attributes = {}) => ({
  ...node(opType, inputs, '', attributes),
  output: outputs.split(' ').map((name) => (name === '_' ? '' : name)),
});

const shapes: readonly NodeCase[] = (
  [
    ['Flatten', { axis: int(0) }, [2, 1, 3], [1, 6]],
    ['Flatten', { axis: int(2) }, [2, 1, 3], [2, 3]],
    ['Flatten', { axis: int(3) }, [2, 1, 3], [6, 1]],
    ['Squeeze', {}, [1, 2, 1, 3], [2, 3]],
    ['Squeeze', { axes: ints(-2) }, [1, 2, 1, 3], [1, 2, 3]],
    ['Unsqueeze', { axes: ints(0, -1) }, [2, 3], [1, 2, 3, 1]],
  ] as const
).map(([opType, attributes, shape, outputShape]) => ({
  what: `${opType} to [${outputShape}]`,
  from: 11,
  ...(opType !== 'Flatten' && { to: 12 }),
  nodes: one(opType, attributes),
  ...{ shape, outputShape, expected: ROW },
}));

const reshapes: readonly NodeCase[] = (
  [
    ['with an extent that stays', [0, 1, 3], [2, 1, 3]],
    ['with an extent that is left open', [3, -1], [3, 2]],
    ['across the batch', [1, 6], [1, 6]],
    ['to more axes', [1, 1, 2, 3], [1, 1, 2, 3]],
  ] as const
).map(([what, wanted, outputShape]) => ({
  what: `Reshape ${what}`,
  from: 7,
  nodes: one('Reshape', {}, 'x shape'),
  constants: [list('shape', ...wanted)],
  ...{ shape: SHAPE, outputShape, expected: ROW },
}));

const MOST = 2 ** 31 - 1;
/** Of 6 in a row, as in Python. */
const slices: readonly NodeCase[] = (
  [
    ['1:4', 1, 4, 1, [-3, -2, -1]],
    ['-2:', -2, MOST, 1, [0, 1]],
    [':-4', 0, -4, 1, [-4, -3]],
    ['-9:2', -9, 2, 1, [-4, -3]],
    ['1::2', 1, MOST, 2, [-3, -1, 1]],
    ['::-1', -1, -MOST, -1, [1, 0, -1, -2, -3, -4]],
    ['9::-2', 9, -MOST, -2, [1, -1, -3]],
    ['4:1:-1', 4, 1, -1, [0, -1, -2]],
    ['-1:-4:-2', -1, -4, -2, [1, -1]],
  ] as const
).map(([what, start, end, step, expected]) => ({
  what: `Slice ${what}`,
  from: 10,
  nodes: one('Slice', {}, 'x start end axes step'),
  constants: [list('start', start), list('end', end), list('axes', 0), list('step', step)],
  ...{ shape: [6], expected, outputShape: [expected.length] },
}));

const parts: readonly NodeCase[] = [
  {
    what: 'Slice of the first axes, where none are named',
    from: 10,
    nodes: one('Slice', {}, 'x start end'),
    constants: [list('start', 1, 1), list('end', 2, 3)],
    shape: SHAPE,
    expected: [0, 1],
    outputShape: [1, 2],
  },
  {
    what: 'Slice of nothing',
    from: 10,
    nodes: [node('Slice', 'x none none', 's'), ...one('Neg', {}, 's')],
    constants: [tensor('none', [0], [], 'integer')],
    shape: SHAPE,
    expected: [4, 3, 2, 1, 0, -1],
  },
  {
    what: 'Split of the first axis by default',
    from: 7,
    to: 17,
    nodes: [several('Split', 'x', 'a b'), ...one('Sub', {}, 'b a')],
    shape: SHAPE,
    expected: [3, 3, 3],
    outputShape: [1, 3],
  },
  {
    what: 'Split of seven in three: the last is what is left',
    from: 18,
    nodes: [
      several('Split', 'x', 'a b c', { num_outputs: int(3) }),
      ...one('Concat', { axis: int(0) }, 'c a'),
    ],
    shape: [7],
    expected: [2, -4, -3, -2],
    outputShape: [4],
  },
  {
    what: 'Gather of the first axis by default',
    from: 7,
    nodes: one('Gather', {}, 'x i'),
    constants: [tensor('i', [1, 2], [1, 0], 'integer')],
    shape: SHAPE,
    expected: [-1, 0, 1, -4, -3, -2],
    outputShape: [1, 2, 3],
  },
  {
    what: 'Gather of one column',
    from: 11,
    nodes: one('Gather', { axis: int(1) }, 'x i'),
    constants: [tensor('i', [], [-1], 'integer')],
    shape: SHAPE,
    expected: [-2, 1],
    outputShape: [2],
  },
  {
    what: 'Gather by steps of two, back, and of one again and again',
    from: 11,
    nodes: one('Gather', {}, 'x i'),
    constants: [list('i', 0, 2, 4, 5, 3, 1, 1, 1, 0, 1, 2)],
    shape: [6],
    expected: [-4, -2, 0, 1, -1, -3, -3, -3, -4, -3, -2],
    outputShape: [11],
  },
  {
    what: 'GatherElements of the first axis by default',
    from: 11,
    nodes: one('GatherElements', {}, 'x i'),
    constants: [tensor('i', [1, 3], [1, 0, -1], 'integer')],
    shape: SHAPE,
    expected: [-1, -3, 1],
    outputShape: [1, 3],
  },
  {
    what: 'GatherND of elements and of rows, image by image',
    from: 12,
    nodes: [
      node('GatherND', 'x elements', 'a', { batch_dims: int(1) }),
      node('GatherND', 'x rows', 'b'),
      node('Reshape', 'b flat', 'c'),
      ...one('Concat', { axis: int(0) }, 'a c'),
    ],
    constants: [
      tensor('elements', [2, 2], [1, 0, 0, -1], 'integer'),
      tensor('rows', [1, 2], [1, -2], 'integer'),
      list('flat', -1),
    ],
    shape: [2, 2, 2],
    // x[0, 1, 0], x[1, 0, 1] and x[1, 0].
    expected: [-2, 1, 0, 1],
    outputShape: [4],
  },
  {
    what: 'GatherND of two tuples an image',
    from: 12,
    nodes: one('GatherND', { batch_dims: int(1) }, 'x i'),
    constants: [tensor('i', [2, 2, 1], [2, 0, 1, 1], 'integer')],
    shape: SHAPE,
    expected: [-2, -4, 0, 0],
    outputShape: [2, 2],
  },
  {
    what: 'ScatterElements of the first axis by default',
    from: 11,
    nodes: one('ScatterElements', {}, 'x i u'),
    constants: [tensor('i', [1, 3], [1, 0, -2], 'integer'), tensor('u', [1, 3], [10, 20, 30])],
    shape: SHAPE,
    expected: [-4, 20, 30, 10, 0, 1],
  },
  {
    what: 'ScatterElements at computed indices of the last axis, which count from its end',
    from: 11,
    nodes: [
      node('ArgMin', 'x', 'first', { axis: int(1) }),
      node('Sub', 'first one', 'last'),
      ...one('ScatterElements', { axis: int(1) }, 'x last u'),
    ],
    constants: [tensor('one', [], [1], 'integer'), tensor('u', [2, 1], [10, 20])],
    shape: SHAPE,
    expected: [-4, -3, 10, -1, 0, 20],
  },
  {
    what: 'ScatterND of elements, twice in one place',
    from: 11,
    to: 15,
    nodes: one('ScatterND', {}, 'x i u'),
    constants: [tensor('i', [2, 2], [1, 2, 0, 1], 'integer'), tensor('u', [2], [10, 20])],
    shape: SHAPE,
    expected: [-4, 20, -2, -1, 0, 10],
  },
  {
    what: 'Concat of one, and of three along the last axis',
    from: 11,
    nodes: [
      node('Concat', 'x', 'a', { axis: int(0) }),
      ...one('Concat', { axis: int(-1) }, 'a x b'),
    ],
    constants: [tensor('b', [2, 1], [7, 8])],
    shape: SHAPE,
    expected: [-4, -3, -2, -4, -3, -2, 7, -1, 0, 1, -1, 0, 1, 8],
    outputShape: [2, 7],
  },
  {
    what: 'CenterCropPad of odd differences on all axes',
    from: 18,
    nodes: one('CenterCropPad', {}, 'x to'),
    constants: [list('to', 1, 6)],
    shape: [2, 3],
    // Of rows the first stays; one column is added in front, and two behind.
    expected: [0, -4, -3, -2, 0, 0],
    outputShape: [1, 6],
  },
  {
    what: 'Pad with nothing by default',
    from: 11,
    nodes: one('Pad', {}, 'x pads'),
    constants: [list('pads', 0, 1, 1, 0)],
    shape: SHAPE,
    expected: [0, -4, -3, -2, 0, -1, 0, 1, 0, 0, 0, 0],
    outputShape: [3, 4],
  },
  {
    what: 'Pad of the edge, whatever the value',
    from: 7,
    to: 10,
    nodes: one('Pad', { pads: ints(0, 0, 0, 2), mode: text('edge'), value: float(7) }),
    shape: SHAPE,
    expected: [-4, -3, -2, -2, -2, -1, 0, 1, 1, 1],
    outputShape: [2, 5],
  },
  {
    what: 'Dropout whose mask is read: before operator set 10, of floats',
    from: 7,
    to: 9,
    nodes: [several('Dropout', 'x', 'd mask'), ...one('Add', {}, 'd mask')],
    shape: SHAPE,
    expected: ROW.map((x) => x + 1),
    // onnxruntime has no such mask.
    alone: true,
  },
  {
    what: 'Dropout whose mask is read: of truth values',
    from: 12,
    nodes: [several('Dropout', 'x', 'd mask'), ...one('Where', {}, 'mask d other')],
    constants: [small('other', 9)],
    shape: SHAPE,
    expected: ROW,
  },
  {
    what: 'Dropout of training by a ratio of 0',
    from: 12,
    nodes: [node('Dropout', 'x zero on', 'd'), ...one('Neg', {}, 'd')],
    constants: [small('zero', 0), tensor('on', [], [1], 'bool')],
    shape: [2],
    expected: [4, 3],
  },
];

describe('loadOnnx', () => {
  it.each(inOperatorSets([...shapes, ...reshapes, ...slices, ...parts]))(
    'reads %s, of operator set %i',
    (_, opset, one) => checkNodeCase(one, opset),
  );
});
