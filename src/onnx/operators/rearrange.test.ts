/** What moves elements, takes some of them, or puts them elsewhere: axes from both ends, defaults, both ends of slices. */
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
const asFloats = (name: string) => node('Cast', name, 'y', { to: int(1) });
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

const found: readonly NodeCase[] = [
  {
    what: 'ArgMax of the first axis by default',
    from: 7,
    nodes: [node('ArgMax', 'x', 'i'), asFloats('i')],
    shape: SHAPE,
    expected: [1, 1, 1],
    outputShape: [1, 3],
  },
  {
    what: 'ArgMax: the first of equals, unless it is told to take the last',
    from: 12,
    nodes: [
      node('Abs', 'x', 'a'),
      node('ArgMax', 'a', 'first', { axis: int(0), keepdims: int(0) }),
      node('ArgMax', 'a', 'last', { axis: int(0), keepdims: int(0), select_last_index: int(1) }),
      node('Concat', 'first last', 'i', { axis: int(0) }),
      asFloats('i'),
    ],
    // 4 3 2 1 0 1 2 3 4
    shape: [9, 1],
    expected: [0, 8],
    outputShape: [2],
  },
  {
    what: 'TopK of the last axis by default, by an attribute',
    from: 7,
    to: 9,
    nodes: [several('TopK', 'x', 'v _', { k: int(1) }), ...one('Neg', {}, 'v')],
    shape: SHAPE,
    expected: [2, -1],
    outputShape: [2, 1],
    // onnxruntime counts outputs that have no name.
    alone: true,
  },
  ...['v', 'i'].map(
    (part): NodeCase => ({
      what: `TopK of the first axis of three, the least: ${part === 'v' ? 'values' : 'indices'}`,
      from: 11,
      nodes: [
        several('TopK', 'x k', 'v i', { axis: int(0), largest: int(0) }),
        part === 'v' ? node('Identity', 'v', 'y') : asFloats('i'),
      ],
      constants: [list('k', 2)],
      shape: [3, 1, 2],
      expected: part === 'v' ? [-4, -3, -2, -1] : [0, 0, 1, 1],
      outputShape: [2, 1, 2],
    }),
  ),
  {
    what: 'CumSum of the axis in the middle, from the end',
    from: 11,
    nodes: one('CumSum', { reverse: int(1) }, 'x axis'),
    constants: [tensor('axis', [], [-2], 'integer')],
    shape: [1, 3, 2],
    expected: [-6, -3, -2, 0, 0, 1],
  },
  {
    what: 'CumSum without the element itself',
    from: 11,
    nodes: one('CumSum', { exclusive: int(1) }, 'x axis'),
    constants: [tensor('axis', [], [1], 'integer')],
    shape: SHAPE,
    expected: [0, -4, -7, 0, -1, -1],
  },
  ...(
    [
      ['all axes by default', '', {}, [-9], [1, 1]],
      ['all axes, dropped', '', { keepdims: int(0) }, [-9], []],
      [
        'no axes, by an empty list and a flag',
        ' none',
        { noop_with_empty_axes: int(1) },
        ROW,
        [2, 3],
      ],
      ['all axes, by an empty list', ' none', {}, [-9], [1, 1]],
      ['the first axis from the end', ' minus', { keepdims: int(0) }, [-5, -3, -1], [3]],
    ] as const
  ).map(
    ([what, axes, attributes, expected, outputShape]): NodeCase => ({
      what: `ReduceSum over ${what}`,
      from: 13,
      nodes: one('ReduceSum', attributes, `x${axes}`),
      constants: [tensor('none', [0], [], 'integer'), list('minus', -2)].filter(
        ({ name }) => axes.trim() === name,
      ),
      ...{ shape: SHAPE, expected, outputShape },
    }),
  ),
  {
    what: 'Shape from the end, up to the end',
    from: 15,
    nodes: [
      node('Shape', 'x', 's', { start: int(-2), end: int(-1) }),
      node('Cast', 's', 'f', { to: int(1) }),
      ...one('Add', {}, 'x f'),
    ],
    shape: [1, 2, 3],
    expected: ROW.map((x) => x + 2),
  },
  {
    what: 'ConstantOfShape of nothing but zeros, and EyeLike of a type',
    from: 9,
    nodes: [
      node('ConstantOfShape', 'size', 'zeros'),
      node('EyeLike', 'zeros', 'eye', { dtype: int(6), k: int(-1) }),
      node('Cast', 'eye', 'f', { to: int(1) }),
      ...one('Add', {}, 'x f'),
    ],
    constants: [list('size', 3, 2)],
    shape: [3, 2],
    expected: [-4, -3, -1, -1, 0, 2],
  },
];

/** The mean along x, which is -1 to 1 on maps of -4 to 4. */
const sampled: readonly NodeCase[] = [
  ...(
    [
      // Half a pixel off: -1 is between the border and the first of three.
      ['by default', {}, [0.25, 0], [1.125]],
      [
        'nearest, mirrored',
        { mode: text('nearest'), padding_mode: text('reflection') },
        [1.9, 0],
        [0],
      ],
      ['of the border', { padding_mode: text('border'), align_corners: int(1) }, [3, 0], [1]],
    ] as const
  ).map(
    ([what, attributes, place]): NodeCase => ({
      what: `GridSample, ${what}`,
      from: 16,
      nodes: one('GridSample', attributes, 'x grid'),
      constants: [tensor('grid', [1, 1, 1, 2], place)],
      expected: what === 'by default' ? [0.375] : what === 'of the border' ? [1] : [0],
      outputShape: [1, 1, 1, 1],
    }),
  ),
  {
    what: 'AffineGrid of aligned corners, of one row',
    from: 20,
    nodes: one('AffineGrid', { align_corners: int(1) }, 'x size'),
    constants: [list('size', 1, 1, 1, 3)],
    shape: [1, 2, 3],
    // (-4 x - 3 y - 2, 1 - x) of x = -1, 0, 1 and y = 0.
    expected: [2, 2, -2, 1, -6, 0],
    outputShape: [1, 1, 3, 2],
    // ONNX divides by 0 there: as PyTorch has it; onnxruntime has a y of -1.
    alone: true,
  },
  {
    what: 'AffineGrid of a volume',
    from: 20,
    nodes: one('AffineGrid', {}, 'x size'),
    constants: [list('size', 1, 1, 2, 1, 1)],
    shape: [1, 3, 4],
    // Of (0, 0, z): -2 z - 1, 2 z + 3, 6 z + 7, at z = -1/2, 1/2.
    expected: [0, 2, 4, -2, 4, 10],
    outputShape: [1, 2, 1, 1, 3],
  },
  {
    what: 'RoiAlign: the most of samples, of a scale',
    from: 16,
    to: 21,
    nodes: one(
      'RoiAlign',
      {
        ...{ mode: text('max'), output_height: int(1), output_width: int(2) },
        ...{ sampling_ratio: int(1), spatial_scale: float(0.5) },
        coordinate_transformation_mode: text('output_half_pixel'),
      },
      'x rois i',
    ),
    constants: [tensor('rois', [1, 4], [0, 0, 4, 4]), list('i', 0)],
    // Samples at (0.5, 1) and (1.5, 1), each the largest of four pixels by their weights: half of 0, half of 1.
    expected: [0, 0.5],
    outputShape: [1, 1, 1, 2],
  },
  {
    what: 'RoiAlign of one place, of as many samples as pixels',
    from: 16,
    to: 21,
    nodes: one('RoiAlign', {}, 'x rois i'),
    constants: [tensor('rois', [1, 4], [0.5, 0.5, 2.5, 2.5]), list('i', 0)],
    // Samples at 0.5 and 1.5 both ways.
    expected: [0],
    outputShape: [1, 1, 1, 1],
  },
];

/** [1 0; 0 2; 1 1] */
const B = tensor('b', [3, 2], [1, 0, 0, 2, 1, 1]);
const equations: readonly NodeCase[] = (
  [
    [
      'without an arrow: what occurs once, in order',
      'ji,jk',
      [3, 2],
      'x b',
      [-4, -4, -2, -1],
      [2, 2],
    ],
    [
      'an ellipsis in front of one operand only',
      '...ij,jk->...ik',
      [1, 2, 3],
      'x b',
      [-6, -8, 0, 1],
      [1, 2, 2],
    ],
    ['an ellipsis without an arrow', '...i', [2, 3], 'x', [-4, -3, -2, -1, 0, 1], [2, 3]],
    ['an ellipsis at the end', 'i...->...i', [2, 3], 'x', [-4, -1, -3, 0, -2, 1], [3, 2]],
    ['spaces', ' i j -> j i ', [2, 3], 'x', [-4, -1, -3, 0, -2, 1], [3, 2]],
    ['sums of either operand alone', 'ij,kl->il', [2, 3], 'x b', [-18, -27, 0, 0], [2, 2]],
    ['stacks with an extent of 1', 'bij,bjk->bik', [2, 1, 3], 'x one', [-6, -8, 0, 1], [2, 1, 2]],
    ['a diagonal of three axes', 'iii->i', [2, 2, 2], 'x', [-4, 3], [2]],
    ['two diagonals', 'iijj->ij', [2, 2, 2, 2], 'x', [-4, -1, 8, 11], [2, 2]],
  ] as const
).map(([what, equation, shape, inputs, expected, outputShape]) => ({
  what: `Einsum, ${what}`,
  from: 12,
  nodes: one('Einsum', { equation: text(equation) }, inputs),
  constants: [B, tensor('one', [1, 3, 2], [1, 0, 0, 2, 1, 1])].filter(({ name }) =>
    inputs.endsWith(` ${name}`),
  ),
  ...{ shape, expected, outputShape },
}));

describe('loadOnnx', () => {
  const cases = [
    ...[...shapes, ...reshapes, ...slices, ...parts],
    ...[...found, ...sampled, ...equations],
  ];
  it.each(inOperatorSets(cases))('reads %s, of operator set %i', (_, opset, one) =>
    checkNodeCase(one, opset),
  );
});
