/** Normalisations by their definitions: axes, groups, what is left out, and all outputs. */
import { describe, it } from 'vitest';
import {
  float,
  int,
  ints,
  onnxNode as node,
  onnxTensor as tensor,
} from '../../../test/fixtures/onnx_model.ts';
import {
  checkNodeCase,
  inOperatorSets,
  type NodeCase,
  one,
} from '../../../test/fixtures/onnx_node_cases.ts';
import type { Attributes } from '../attribute.ts';

type Numbers = readonly number[];

const sum = (values: Numbers) => values.reduce((total, x) => total + x, 0);
const mean = (values: Numbers) => sum(values) / values.length;
const variance = (values: Numbers) => mean(values.map((x) => (x - mean(values)) ** 2));
/** -4, -3, ... */
const counted = (count: number) => Array.from({ length: count }, (_, i) => i - 4);
/** What is made of rows of so many numbers, which lie one after the other. */
const byRows = (values: Numbers, length: number, f: (row: Numbers) => Numbers) =>
  Array.from({ length: values.length / length }, (_, i) =>
    f(values.slice(i * length, (i + 1) * length)),
  ).flat();
const standardized = (epsilon: number) => (row: Numbers) =>
  row.map((x) => (x - mean(row)) / Math.sqrt(variance(row) + epsilon));

/** A node with several outputs, of which `y` is one. */
const several = (opType: string, inputs: string, outputs: string, attributes: Attributes = {}) => [
  {
    ...node(opType, inputs, '', attributes),
    output: outputs.split(' ').map((name) => (name === '_' ? '' : name)),
  },
];

const EIGHT = counted(8);
const layers: readonly NodeCase[] = [
  {
    what: 'LayerNormalization from the second axis on, without a bias',
    from: 17,
    nodes: one('LayerNormalization', { axis: int(1), epsilon: float(0.5) }, 'x s'),
    constants: [tensor('s', [2, 2], [1, 2, 3, 4])],
    shape: [2, 2, 2],
    expected: byRows(EIGHT, 4, standardized(0.5)).map((y, i) => y * ((i % 4) + 1)),
  },
  ...[
    [2, 1, 2],
    [1, 1, 1, 2],
    [4, 2],
  ].map((dims): NodeCase => {
    const scales = counted(dims.reduce((a, b) => a * b));
    const scaleOf = (i: number) =>
      scales[dims.length === 3 ? 2 * (i >> 3) + (i & 1) : i % scales.length];
    return {
      what: `LayerNormalization of four axes with scales of shape [${dims}]`,
      from: 17,
      nodes: one('LayerNormalization', { epsilon: float(0.5) }, 'x s'),
      constants: [tensor('s', dims, scales)],
      shape: [1, 2, 4, 2],
      expected: byRows(counted(16), 2, standardized(0.5)).map((y, i) => y * (scaleOf(i) ?? 0)),
    };
  }),
  {
    what: 'LayerNormalization: the mean over two axes',
    from: 17,
    nodes: several('LayerNormalization', 'x s', 'n y', { axis: int(-2) }),
    constants: [tensor('s', [2, 2], [1, 1, 1, 1])],
    shape: [2, 2, 2],
    expected: [-2.5, 1.5],
    outputShape: [2, 1, 1],
  },
  {
    what: 'LayerNormalization: the reciprocal deviation over two axes',
    from: 17,
    nodes: several('LayerNormalization', 'x s', 'n _ y', { axis: int(1), epsilon: float(0.75) }),
    constants: [tensor('s', [2, 2], [1, 1, 1, 1])],
    shape: [2, 2, 2],
    // The variance of four numbers side by side is 5 / 4.
    expected: [Math.SQRT1_2, Math.SQRT1_2],
    outputShape: [2, 1, 1],
  },
  {
    what: 'RMSNormalization over two axes',
    from: 23,
    nodes: one('RMSNormalization', { axis: int(1), epsilon: float(0.5) }, 'x s'),
    constants: [tensor('s', [2, 2], [1, 2, 3, 4])],
    shape: [2, 2, 2],
    expected: byRows(EIGHT, 4, (row) => {
      const root = Math.sqrt(mean(row.map((x) => x * x)) + 0.5);
      return row.map((x, i) => ((i + 1) * x) / root);
    }),
  },
  {
    what: 'GroupNormalization of two groups of two channels, a value a group',
    from: 18,
    to: 20,
    nodes: one('GroupNormalization', { num_groups: int(2), epsilon: float(0.25) }, 'x s b'),
    constants: [tensor('s', [2], [1, 2]), tensor('b', [2], [0, 10])],
    shape: [1, 4, 2],
    expected: byRows(EIGHT, 4, standardized(0.25)).map((y, i) => (i < 4 ? y : 2 * y + 10)),
  },
  {
    what: 'GroupNormalization of two groups, a value a channel',
    from: 21,
    nodes: one('GroupNormalization', { num_groups: int(2), epsilon: float(0.25) }, 'x s b'),
    constants: [tensor('s', [4], [1, 2, 3, 4]), tensor('b', [4], [0, 10, 20, 30])],
    shape: [1, 4, 2],
    expected: byRows(EIGHT, 4, standardized(0.25)).map((y, i) => {
      const channel = Math.floor(i / 2);
      return (channel + 1) * y + 10 * channel;
    }),
  },
  {
    what: 'InstanceNormalization of two images of two channels',
    from: 7,
    nodes: one('InstanceNormalization', { epsilon: float(0.25) }, 'x s b'),
    constants: [tensor('s', [2], [1, 2]), tensor('b', [2], [0, 10])],
    shape: [2, 2, 2],
    expected: byRows(EIGHT, 2, standardized(0.25)).map((y, i) => (i % 4 < 2 ? y : 2 * y + 10)),
  },
  {
    what: 'LpNormalization along the first axis',
    from: 7,
    nodes: one('LpNormalization', { axis: int(0), p: int(1) }),
    shape: [2, 3],
    expected: [-4 / 5, -1, -2 / 3, -1 / 5, 0, 1 / 3],
  },
  {
    what: 'MeanVarianceNormalization over axes that lie apart',
    from: 9,
    nodes: one('MeanVarianceNormalization', { axes: ints(0, -1) }),
    shape: [2, 2, 2],
    // -4 -3 0 1 and -2 -1 2 3: deviations from -1.5 and 0.5, of which the squares are 17 in all.
    expected: [-2.5, -1.5, -2.5, -1.5, 1.5, 2.5, 1.5, 2.5].map((d) => d / Math.sqrt(17 / 4)),
  },
  {
    what: 'LRN with ONNX’s defaults',
    from: 7,
    nodes: one('LRN', { size: int(3) }),
    shape: [1, 3, 1, 1],
    expected: [
      [-4, 16 + 9],
      [-3, 16 + 9 + 4],
      [-2, 9 + 4],
    ].map(([x = 0, squares = 0]) => x / (1 + (1e-4 / 3) * squares) ** 0.75),
  },
  {
    what: 'LRN with a bias, over two channels',
    from: 7,
    nodes: one('LRN', { size: int(2), alpha: float(2), beta: float(0.5), bias: float(3) }),
    shape: [1, 3, 1, 1],
    // Of two, ONNX sums the channel itself and the one after it.
    expected: [
      [-4, 16 + 9],
      [-3, 9 + 4],
      [-2, 4],
    ].map(([x = 0, squares = 0]) => x / Math.sqrt(3 + squares)),
    // onnxruntime has odd sizes only.
    alone: true,
  },
];

const exponentials = (row: Numbers): Numbers => {
  const powers = row.map(Math.exp);
  return powers.map((power) => power / sum(powers));
};
const largest = (row: Numbers): Numbers => row.map((_, i) => Number(i === row.length - 1));
const softmaxes: readonly NodeCase[] = (
  [
    ['Softmax', exponentials],
    ['LogSoftmax', (row: Numbers) => exponentials(row).map(Math.log)],
    ['Hardmax', largest],
  ] as const
).flatMap(([opType, f]): readonly NodeCase[] => [
  ...(
    [
      [{}, 4],
      [{ axis: int(0) }, 8],
      [{ axis: int(2) }, 2],
    ] as const
  ).map(
    ([attributes, length]): NodeCase => ({
      what: `${opType} of all that follows, ${length} elements`,
      from: 7,
      to: 12,
      nodes: one(opType, attributes),
      shape: [2, 2, 2],
      expected: byRows(EIGHT, length, f),
    }),
  ),
  {
    what: `${opType} from the end`,
    from: 11,
    to: 12,
    nodes: one(opType, { axis: int(-2) }),
    shape: [2, 2, 2],
    expected: byRows(EIGHT, 4, f),
  },
  {
    what: `${opType} along the first axis`,
    from: 13,
    nodes: one(opType, { axis: int(0) }),
    shape: [3, 2],
    expected: [0, 1, 2].flatMap((i) => [
      f([-4, -2, 0])[i] ?? Number.NaN,
      f([-3, -1, 1])[i] ?? Number.NaN,
    ]),
  },
]);

/** Before operator set 14, more outputs mean training; before 7, what `is_test` does not exclude. */
const statistics = [
  tensor('s', [2], [2, 3]),
  tensor('b', [2], [1, 0]),
  tensor('m', [2], [0, 1]),
  tensor('v', [2], [4, 16]),
];
const INPUTS = 'x s b m v';
/** 2 x / 2 + 1 and 3 (x - 1) / 4. */
const inference = [-3, -2, -2.25, -1.5, 1, 2, 0.75, 1.5];
/** Of channels -4 -3 0 1 and -2 -1 2 3, whose means are -1.5 and 0.5, and whose variances are 4.25. */
const training = [-2.5, -1.5, -2.5, -1.5, 1.5, 2.5, 1.5, 2.5].map((d, i) => {
  const y = d / Math.sqrt(4.25);
  return i % 4 < 2 ? 2 * y + 1 : 3 * y;
});
/** What an epsilon of 1e-5 makes of it. */
const less = Math.sqrt(4.25 / (4.25 + 1e-5));
const NONE = { epsilon: float(0) };
const SHAPE = [2, 2, 2];
const batches: readonly NodeCase[] = [
  {
    what: 'BatchNormalization of inference',
    from: 7,
    nodes: one('BatchNormalization', NONE, INPUTS),
    expected: inference,
  },
  {
    what: 'BatchNormalization of inference, as it was said first',
    from: 6,
    to: 6,
    nodes: one('BatchNormalization', { ...NONE, is_test: int(1) }, INPUTS),
    expected: inference,
  },
  {
    what: 'BatchNormalization of inference, whose other outputs have no name',
    from: 7,
    to: 13,
    nodes: several('BatchNormalization', INPUTS, 'y _ _', NONE),
    expected: inference,
    // onnxruntime counts outputs that have no name.
    alone: true,
  },
  {
    what: 'BatchNormalization of training, as it was said first',
    from: 6,
    to: 6,
    nodes: one('BatchNormalization', NONE, INPUTS),
    expected: training,
  },
  {
    what: 'BatchNormalization of training, by an attribute',
    from: 14,
    nodes: several('BatchNormalization', INPUTS, 'y m2 v2', { ...NONE, training_mode: int(1) }),
    expected: training,
  },
  {
    what: 'BatchNormalization of training with an epsilon of 1e-5',
    from: 14,
    nodes: several('BatchNormalization', INPUTS, 'y m2 v2', { training_mode: int(1) }),
    expected: training.map((y, i) => (i % 4 < 2 ? (y - 1) * less + 1 : y * less)),
  },
  {
    what: 'BatchNormalization of training: the running mean, nine tenths of it the old one',
    from: 14,
    nodes: several('BatchNormalization', INPUTS, 'n y v2', { training_mode: int(1) }),
    expected: [-0.15, 0.9 + 0.05],
    outputShape: [2],
  },
  {
    what: 'BatchNormalization of training: the running variance',
    from: 14,
    nodes: several('BatchNormalization', INPUTS, 'n m2 y', {
      ...{ training_mode: int(1), momentum: float(0.75) },
    }),
    expected: [3 + 4.25 / 4, 12 + 4.25 / 4],
    outputShape: [2],
  },
].map((form) => ({ ...form, constants: statistics, shape: SHAPE }));

describe('loadOnnx', () => {
  it.each(inOperatorSets([...layers, ...softmaxes, ...batches]))(
    'reads %s, of operator set %i',
    (_, opset, one) => checkNodeCase(one, opset),
  );
});
