/** Convolutions, pools and their like: windows at the edges, along axes that differ, and defaults. */
import { describe, it } from 'vitest';
import {
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
} from '../../../test/fixtures/onnx_node_cases.ts';
import type { Shape } from '../../runtime/tensor.ts';

/** -4 to 0, and -4 to 1. */
const FIVE: Shape = [1, 1, 5];
const SIX: Shape = [1, 1, 6];
const row = { kernel_shape: ints(2), strides: ints(2) };

/** The maxima of windows of two, by twos, of five: padding of one in all, before or after. */
const automatic: readonly NodeCase[] = (
  [
    ['NOTSET', {}, [-3, -1]],
    ['NOTSET', { pads: ints(1, 0) }, [-4, -2, 0]],
    ['VALID', {}, [-3, -1]],
    // Padding that is given does not count there.
    ['VALID', { pads: ints(1, 1) }, [-3, -1]],
    ['SAME_UPPER', {}, [-3, -1, 0]],
    ['SAME_LOWER', {}, [-4, -2, 0]],
  ] as const
).map(([mode, pads, expected]) => ({
  what: `MaxPool, auto_pad ${mode}, pads ${'pads' in pads ? 'given' : 'not given'}`,
  from: 8,
  nodes: one('MaxPool', { ...row, ...pads, auto_pad: text(mode) }),
  shape: FIVE,
  expected,
  outputShape: [1, 1, expected.length],
  // onnxruntime refuses both.
  alone: mode === 'VALID' && 'pads' in pads,
}));

const SUMS = [tensor('w', [1, 1, 3], [1, 1, 1])];
const convolutions: readonly NodeCase[] = [
  {
    what: 'Conv, SAME_UPPER, of windows that are dilated',
    from: 7,
    nodes: one('Conv', { auto_pad: text('SAME_UPPER'), dilations: ints(2) }, 'x w'),
    constants: SUMS,
    shape: FIVE,
    // Two on either side.
    expected: [-6, -4, -6, -4, -2],
    // onnxruntime has no dilation there.
    alone: true,
  },
  {
    what: 'Conv, SAME_LOWER, by threes',
    from: 7,
    nodes: one('Conv', { auto_pad: text('SAME_LOWER'), strides: ints(3) }, 'x w'),
    constants: SUMS,
    shape: FIVE,
    // One more in all, which is before.
    expected: [-7, -3],
    outputShape: [1, 1, 2],
  },
  {
    what: 'Conv, SAME_UPPER, of windows that skip more than they reach',
    from: 7,
    nodes: one('Conv', { auto_pad: text('SAME_UPPER'), strides: ints(3) }, 'x w'),
    constants: [tensor('w', [1, 1, 1], [2])],
    shape: FIVE,
    expected: [-8, -2],
    outputShape: [1, 1, 2],
  },
  {
    what: 'Conv, in groups, by an attribute, of rows',
    from: 7,
    nodes: one('Conv', { group: int(2), kernel_shape: ints(2) }, 'x w b'),
    constants: [tensor('w', [2, 1, 2], [1, 10, 100, 1]), tensor('b', [2], [1, 2])],
    shape: [1, 2, 3],
    expected: [-33, -22, -98, 3],
    outputShape: [1, 2, 2],
  },
  {
    what: 'Conv of rows and of their maps, by one weight',
    from: 13,
    nodes: [
      node('Conv', 'x w', 'a'),
      node('Unsqueeze', 'w axis', 'plane'),
      node('Unsqueeze', 'x axis', 'map'),
      node('Conv', 'map plane', 'b'),
      node('Squeeze', 'b axis', 'c'),
      ...one('Add', {}, 'a c'),
    ],
    constants: [...SUMS, list('axis', 2)],
    shape: FIVE,
    expected: [-18, -12, -6],
    outputShape: [1, 1, 3],
  },
  {
    what: 'ConvTranspose, SAME_UPPER, of what is to be longer than it would be',
    from: 11,
    nodes: one('ConvTranspose', { auto_pad: text('SAME_UPPER'), strides: ints(3) }, 'x w'),
    constants: [tensor('w', [1, 1, 1], [2])],
    shape: [1, 1, 2],
    // One after another by threes, up to twice three.
    expected: [-8, 0, 0, -6, 0, 0],
    outputShape: [1, 1, 6],
    // onnxruntime pads nothing that way.
    alone: true,
  },
  {
    what: 'ConvTranspose, SAME_LOWER and SAME_UPPER, where one more is cut',
    from: 11,
    nodes: [
      node('ConvTranspose', 'x w', 'upper', { auto_pad: text('SAME_UPPER'), strides: ints(2) }),
      node('ConvTranspose', 'x w', 'lower', { auto_pad: text('SAME_LOWER'), strides: ints(2) }),
      ...one('Concat', { axis: int(1) }, 'upper lower'),
    ],
    constants: [tensor('w', [1, 1, 3], [1, 10, 100])],
    shape: [1, 1, 2],
    // Of -4 -40 -403 -30 -300 one is cut: at the end, or at the front.
    expected: [-4, -40, -403, -30, -40, -403, -30, -300],
    outputShape: [1, 2, 4],
  },
  {
    what: 'ConvTranspose, VALID',
    from: 11,
    nodes: one('ConvTranspose', { auto_pad: text('VALID'), strides: ints(2) }, 'x w'),
    constants: [tensor('w', [1, 1, 2], [1, 10])],
    shape: [1, 1, 2],
    expected: [-4, -40, -3, -30],
    outputShape: [1, 1, 4],
  },
  {
    what: 'ConvTranspose, output_shape with output_padding, one of three cut in front',
    from: 7,
    nodes: one(
      'ConvTranspose',
      { output_shape: ints(4), strides: ints(3), output_padding: ints(1), dilations: ints(2) },
      'x w b',
    ),
    constants: [tensor('w', [1, 1, 2], [1, 10]), tensor('b', [1], [0.5])],
    shape: [1, 1, 2],
    // -4 . -40 -3 . -30 . and half everywhere: of seven, two are cut in front and one behind.
    expected: [-39.5, -2.5, 0.5, -29.5],
    outputShape: [1, 1, 4],
  },
];

const pools: readonly NodeCase[] = [
  {
    what: 'MaxPool by ones',
    from: 8,
    nodes: one('MaxPool', { kernel_shape: ints(2) }),
    shape: FIVE,
    expected: [-3, -2, -1, 0],
    outputShape: [1, 1, 4],
  },
  {
    what: 'MaxPool by the strides of each axis',
    from: 8,
    nodes: one('MaxPool', { kernel_shape: ints(1, 2), strides: ints(2, 1) }),
    expected: [-3, -2, 3, 4],
    outputShape: [1, 1, 2, 2],
  },
  {
    what: 'AveragePool in ceil mode, padded, of what is inside',
    from: 10,
    nodes: one('AveragePool', { ...row, pads: ints(1, 0), ceil_mode: int(1) }),
    shape: SIX,
    expected: [-4, -2.5, -0.5, 1],
    outputShape: [1, 1, 4],
  },
  {
    what: 'LpPool in ceil mode: what hangs over is nothing',
    from: 18,
    nodes: one('LpPool', { ...row, p: int(1), ceil_mode: int(1) }),
    shape: FIVE,
    expected: [7, 3, 0],
    outputShape: [1, 1, 3],
  },
  {
    what: 'LpPool in ceil mode, padded, of which a last window would begin in the padding',
    from: 18,
    nodes: one('LpPool', { ...row, p: int(1), pads: ints(0, 1), ceil_mode: int(1) }),
    shape: SIX,
    // It would begin at 6, which is no more on the input.
    expected: [7, 3, 1],
    outputShape: [1, 1, 3],
    // onnxruntime begins one there.
    alone: true,
  },
  {
    what: 'LpPool in ceil mode, padded in front and behind, by threes',
    from: 18,
    nodes: one('LpPool', {
      ...{ kernel_shape: ints(3), strides: ints(3), p: int(1) },
      ...{ pads: ints(1, 1), ceil_mode: int(1) },
    }),
    shape: SIX,
    expected: [7, 3, 1],
    outputShape: [1, 1, 3],
  },
  {
    what: 'LpPool of squares by default',
    from: 18,
    nodes: one('LpPool', { kernel_shape: ints(2) }),
    shape: FIVE,
    expected: [5, Math.sqrt(13), Math.sqrt(5), 1],
    outputShape: [1, 1, 4],
  },
  {
    what: 'GlobalLpPool of squares by default, of channels',
    from: 7,
    to: 21,
    nodes: one('GlobalLpPool'),
    shape: [1, 2, 2],
    expected: [5, Math.sqrt(5)],
    outputShape: [1, 2, 1],
  },
  {
    what: 'GlobalAveragePool and GlobalMaxPool of rows of channels',
    from: 7,
    nodes: [
      node('GlobalAveragePool', 'x', 'mean'),
      node('GlobalMaxPool', 'x', 'most'),
      ...one('Concat', { axis: int(2) }, 'mean most'),
    ],
    shape: [1, 2, 3],
    expected: [-3, -2, 0, 1],
    outputShape: [1, 2, 2],
  },
  {
    what: 'MaxUnpool by a window that is padded in front and behind',
    from: 9,
    nodes: one(
      'MaxUnpool',
      { kernel_shape: ints(3), strides: ints(2), pads: ints(1, 1) },
      'x indices',
    ),
    constants: [tensor('indices', [1, 1, 3], [0, 2, 4], 'integer')],
    shape: [1, 1, 3],
    // (3 - 1) 2 + 3 - 2
    expected: [-4, 0, -3, 0, -2],
    outputShape: [1, 1, 5],
  },
  {
    what: 'MaxUnpool by ones',
    from: 9,
    nodes: one('MaxUnpool', { kernel_shape: ints(2) }, 'x indices'),
    constants: [tensor('indices', [1, 1, 3], [0, 3, 1], 'integer')],
    shape: [1, 1, 3],
    expected: [-4, -2, 0, -3],
    outputShape: [1, 1, 4],
  },
  {
    what: 'Col2Im of two channels and a border on all sides',
    from: 18,
    nodes: one('Col2Im', { pads: ints(0, 1, 0, 1) }, 'x size block'),
    constants: [list('size', 1, 2), list('block', 1, 2)],
    // Each channel has taps -4 -3 -2 and -1 0 1: those that fall on the border are dropped.
    shape: [1, 4, 3],
    expected: [-3 - 1, -2 + 0, 3 + 5, 4 + 6],
    outputShape: [1, 2, 1, 2],
  },
  {
    what: 'Col2Im of taps that lie apart',
    from: 18,
    nodes: one('Col2Im', { dilations: ints(1, 2) }, 'x size block'),
    constants: [list('size', 1, 4), list('block', 1, 2)],
    shape: [1, 2, 2],
    expected: [-4, -3, -2, -1],
    outputShape: [1, 1, 1, 4],
  },
];

const deformed: readonly NodeCase[] = [
  {
    what: 'DeformConv by twos, of windows that do not move',
    from: 19,
    nodes: one('DeformConv', { strides: ints(2, 2), pads: ints(1, 0, 0, 1) }, 'x w offset'),
    constants: [
      tensor('w', [1, 1, 2, 2], [1, 10, 100, 1000]),
      tensor('offset', [1, 8, 2, 2], Array<number>(32).fill(0)),
    ],
    // Over [. . .; -4 -3 -2] and [-1 0 1; 2 3 4], each with a column of nothing behind.
    expected: [-3400, -200, 3199, 401],
    outputShape: [1, 1, 2, 2],
  },
];

describe('loadOnnx', () => {
  const cases = [...automatic, ...convolutions, ...pools, ...deformed];
  it.each(inOperatorSets(cases))('reads %s, of operator set %i', (_, opset, one) =>
    checkNodeCase(one, opset),
  );
});
