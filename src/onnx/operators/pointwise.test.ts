/** What computes element by element, in forms that are rare: of old operator sets, defaults, types and their ranges. */
import { describe, expect, it } from 'vitest';
import { evaluate } from '../../../test/fixtures/build_one.ts';
import {
  float,
  int,
  onnxNode as node,
  onnxFile,
  onnxInput,
  onnxTensor as tensor,
  text,
} from '../../../test/fixtures/onnx_model.ts';
import {
  checkNodeCase,
  inOperatorSets,
  type NodeCase,
  one,
  small,
} from '../../../test/fixtures/onnx_node_cases.ts';
import { pointwise } from '../../layers/pointwise.ts';
import { ANY_GPU } from '../../runtime/device_profile.ts';
import { prepare } from '../../runtime/prepare.ts';
import type { Shape } from '../../runtime/tensor.ts';
import type { Attributes } from '../attribute.ts';
import { loadOnnx } from '../import.ts';
import { corrected } from './pointwise.ts';

/** -4 to 4. */
const X = [-4, -3, -2, -1, 0, 1, 2, 3, 4];
const { exp } = Math;

/** What ONNX says of attributes that are not there. */
const defaults: readonly NodeCase[] = (
  [
    ['HardSigmoid', 7, (x: number) => Math.max(0, Math.min(1, 0.2 * x + 0.5))],
    ['LeakyRelu', 7, (x: number) => (x < 0 ? 0.01 * x : x)],
    ['Elu', 7, (x: number) => (x < 0 ? exp(x) - 1 : x)],
    ['Celu', 12, (x: number) => Math.max(0, x) + Math.min(0, exp(x) - 1)],
    ['ThresholdedRelu', 10, (x: number) => (x > 1 ? x : 0)],
  ] as const
).map(([opType, from, f]) => ({
  what: `${opType} by default`,
  from,
  nodes: one(opType),
  expected: X.map(f),
}));

/** Before operator set 7, a shape was laid along another one from an axis on; else at its end. */
const ALIGNED: Shape = [1, 3, 2];
const before7: readonly NodeCase[] = [
  {
    what: 'Add of a vector along an axis',
    nodes: one('Add', { broadcast: int(1), axis: int(1) }, 'x v'),
    constants: [tensor('v', [3], [10, 20, 30])],
    expected: [6, 7, 18, 19, 30, 31],
  },
  {
    what: 'Mul of a matrix from an axis on, up to the end',
    nodes: one('Mul', { broadcast: int(1), axis: int(1) }, 'x m'),
    constants: [tensor('m', [3, 2], [1, 2, 3, 4, 5, 6])],
    expected: [-4, -6, -6, -4, 0, 6],
  },
  {
    what: 'Sub of what is computed, along the first axis from the end',
    nodes: [
      node('ReduceSum', 'x', 'v', { axes: { ints: [0, 2] }, keepdims: int(0) }),
      ...one('Sub', { broadcast: int(1), axis: int(-2) }, 'x v'),
    ],
    // Sums -7, -3 and 1.
    expected: [3, 4, 1, 2, -1, 0],
  },
  {
    what: 'Div of a vector at the end',
    nodes: one('Div', { broadcast: int(1) }, 'x v'),
    constants: [tensor('v', [2], [2, 4])],
    expected: [-2, -0.75, -1, -0.25, 0, 0.25],
  },
  {
    what: 'PRelu with one slope for all',
    nodes: one('PRelu', {}, 'x v'),
    constants: [tensor('v', [1], [0.5])],
    expected: [-2, -1.5, -1, -0.5, 0, 1],
  },
].map((form) => ({ ...form, from: 6, to: 6, shape: ALIGNED }));

const infinite = Number.POSITIVE_INFINITY;
const clips: readonly NodeCase[] = [
  { what: 'Clip of nothing', from: 6, nodes: one('Clip'), expected: X },
  {
    what: 'Clip from below, by an attribute',
    from: 6,
    to: 10,
    nodes: one('Clip', { min: float(-1) }),
    expected: X.map((x) => Math.max(x, -1)),
  },
  {
    what: 'Clip from above, by an attribute',
    from: 6,
    to: 10,
    nodes: one('Clip', { max: float(1) }),
    expected: X.map((x) => Math.min(x, 1)),
  },
  {
    what: 'Clip by infinities',
    from: 11,
    nodes: one('Clip', {}, 'x low high'),
    constants: [small('low', -infinite), small('high', infinite)],
    expected: X,
  },
  {
    what: 'Clip to infinity, which is as large as f32 gets',
    from: 11,
    nodes: [...one('Clip', {}, 'x low')],
    constants: [small('low', infinite)],
    expected: X.map(() => 3.4028234663852886e38),
    // onnxruntime keeps infinity.
    alone: true,
  },
  {
    what: 'Clip of which the least is more than the most',
    from: 12,
    nodes: one('Clip', {}, 'x low high'),
    constants: [small('low', 2), small('high', -1)],
    expected: X.map(() => -1),
  },
  {
    what: 'Clip from below by what is computed',
    from: 12,
    nodes: [
      node('ReduceMax', 'x', 'most', { keepdims: int(0) }),
      node('Neg', 'most', 'low'),
      node('Div', 'low two', 'bound'),
      ...one('Clip', {}, 'x bound'),
    ],
    constants: [small('two', 2)],
    expected: X.map((x) => Math.max(x, -2)),
  },
];

/** x times a factor, cast to types one after the other, and back to floats. */
function castThrough(
  factor: number,
  types: readonly number[],
  expected: readonly number[],
): NodeCase {
  const steps = types.map((to, i) =>
    node('Cast', i === 0 ? 'm' : `t${i - 1}`, `t${i}`, { to: int(to) }),
  );
  return {
    what: `Cast of ${factor} x to types ${types.join(', ')}`,
    from: 9,
    nodes: [
      node('Mul', 'x f', 'm'),
      ...steps,
      node('Cast', `t${types.length - 1}`, 'y', { to: int(1) }),
    ],
    constants: [small('f', factor)],
    expected,
  };
}

const [UINT8, INT8, UINT16, INT16, INT32, INT64, BOOL, DOUBLE, UINT32] = [
  2, 3, 4, 5, 6, 7, 9, 11, 12,
];
const casts: readonly NodeCase[] = [
  castThrough(0.75, [INT32], [-3, -2, -1, 0, 0, 0, 1, 2, 3]),
  castThrough(0.75, [INT64, INT32, DOUBLE], [-3, -2, -1, 0, 0, 0, 1, 2, 3]),
  castThrough(50, [INT32, INT8], [56, 106, -100, -50, 0, 50, 100, -106, -56]),
  castThrough(50, [INT32, UINT8, INT8], [56, 106, -100, -50, 0, 50, 100, -106, -56]),
  castThrough(50, [INT32, UINT8], [56, 106, 156, 206, 0, 50, 100, 150, 200]),
  castThrough(
    30,
    [INT8, INT16],
    X.map((x) => 30 * x),
  ),
  castThrough(30, [INT8, UINT8], [136, 166, 196, 226, 0, 30, 60, 90, 120]),
  castThrough(
    10000,
    [INT32, UINT16, INT16],
    [25536, -30000, -20000, -10000, 0, 10000, 20000, 30000, -25536],
  ),
  castThrough(
    10000,
    [INT32, UINT16, UINT32],
    [25536, 35536, 45536, 55536, 0, 10000, 20000, 30000, 40000],
  ),
  castThrough(
    0.25,
    [BOOL],
    X.map((x) => Number(x !== 0)),
  ),
  castThrough(
    1,
    [INT32, BOOL, INT8],
    X.map((x) => Number(x !== 0)),
  ),
];

const conditional = (opType: string, inputs: string, attributes: Attributes = {}) => [
  node('Cast', 'x', 'i', { to: int(INT32) }),
  node(opType, inputs, 'r', attributes),
  node('Cast', 'r', 'y', { to: int(1) }),
];
const integers: readonly NodeCase[] = [
  {
    what: 'Mod of the sign of the divisor',
    nodes: conditional('Mod', 'i n'),
    constants: [tensor('n', [], [-3], 'int32')],
    expected: [-1, 0, -2, -1, 0, -2, -1, 0, -2],
  },
  {
    what: 'Mod of the sign of the dividend',
    nodes: conditional('Mod', 'i n', { fmod: int(1) }),
    constants: [tensor('n', [], [-3], 'int32')],
    expected: [-1, 0, -2, -1, 0, 1, 2, 0, 1],
  },
  {
    what: 'Div towards zero, by a negative number',
    nodes: conditional('Div', 'i n'),
    constants: [tensor('n', [], [-2], 'int32')],
    expected: [2, 1, 1, 0, 0, 0, -1, -1, -2],
  },
  {
    what: 'Where between integers',
    nodes: [node('Greater', 'x zero', 'c'), ...conditional('Where', 'c i n')],
    constants: [small('zero', 0), tensor('n', [], [7], 'int32')],
    expected: [7, 7, 7, 7, 7, 1, 2, 3, 4],
  },
].map((form) => ({ ...form, from: 10 }));

const many: readonly NodeCase[] = [
  ...['Sum', 'Mean', 'Min', 'Max'].map(
    (opType): NodeCase => ({
      what: `${opType} of one`,
      from: 8,
      nodes: one(opType),
      expected: X,
    }),
  ),
  {
    what: 'Mean of two',
    from: 8,
    nodes: one('Mean', {}, 'x three'),
    constants: [small('three', 3)],
    expected: X.map((x) => (x + 3) / 2),
  },
  {
    what: 'Min of four, of three shapes',
    from: 8,
    nodes: one('Min', {}, 'x row column one'),
    constants: [
      tensor('row', [3], [-2, 1, 3]),
      tensor('column', [3, 1], [9, 0, 2]),
      tensor('one', [1], [1.5]),
    ],
    expected: [-4, -3, -2, -2, 0, 0, -2, 1, 1.5],
  },
  {
    what: 'a number of more axes than x, and an infinite one',
    from: 8,
    nodes: [node('Min', 'x infinity', 'm'), ...one('Add', {}, 'm wide')],
    constants: [small('infinity', infinite), tensor('wide', [1, 1, 1, 1, 1], [2])],
    expected: X.map((x) => x + 2),
    outputShape: [1, 1, 1, 3, 3],
  },
  {
    what: 'Trilu below a diagonal under the middle one',
    from: 14,
    nodes: one('Trilu', { upper: int(0) }, 'x k'),
    constants: [tensor('k', [], [-1], 'integer')],
    shape: [3, 3],
    expected: [0, 0, 0, -1, 0, 0, 2, 3, 0],
  },
  {
    what: 'Trilu of a stack of matrices that are no squares',
    from: 14,
    nodes: one('Trilu'),
    shape: [2, 2, 3],
    expected: [-4, -3, -2, 0, 0, 1, 2, 3, 4, 0, 6, 7],
  },
  {
    what: 'Swish of half',
    from: 24,
    nodes: one('Swish', { alpha: float(0.5) }),
    expected: X.map((x) => x / (1 + exp(-x / 2))),
  },
  {
    what: 'Gelu that names what is usual',
    from: 20,
    nodes: [
      node('Gelu', 'x', 'a', { approximate: text('none') }),
      node('Gelu', 'x', 'b'),
      ...one('Sub', {}, 'a b'),
    ],
    expected: X.map(() => 0),
  },
];

describe('loadOnnx', () => {
  const cases = [...defaults, ...before7, ...clips, ...casts, ...integers, ...many];
  it.each(inOperatorSets(cases))('reads %s, of operator set %i', (_, opset, one) =>
    checkNodeCase(one, opset),
  );
});

describe('corrected', () => {
  it('makes good a quotient that is one off', () => {
    const dividends = Array.from({ length: 21 }, (_, i) => i);
    const all = dividends.flatMap((a) =>
      [1, 2, 3, 7].flatMap((b) => [-1, 0, 1].map((off) => ({ a, b, off }))),
    );
    const shape = [all.length];
    const y = evaluate(
      (g) =>
        pointwise(
          g,
          [g.input('q', shape), g.input('a', shape), g.input('b', shape)],
          (q = 0, a = 0, b = 0) => corrected(q, a, b),
        ),
      {
        q: all.map(({ a, b, off }) => Math.floor(a / b) + off),
        a: all.map(({ a }) => a),
        b: all.map(({ b }) => b),
      },
    );
    // 0 in place of -0.
    expect(y.map((value) => value + 0)).toEqual(all.map(({ a, b }) => Math.floor(a / b) + 0));
  });
});

it('binds the numbers by which single values are scaled, and no others', () => {
  const sourceOf = (shape: readonly number[], factor: number): readonly string[] => {
    const bytes = onnxFile({
      node: one('Mul', {}, 'x k'),
      input: [onnxInput('x', shape)],
      initializer: [small('k', factor)],
      output: [{ name: 'y' }],
    });
    const { plan } = prepare(loadOnnx(bytes).graph, { device: ANY_GPU });
    return plan.dispatches.map(({ source }) => source);
  };
  expect(sourceOf([1, 1], 0.25)).toEqual(sourceOf([1, 1], 0.75));
  expect(sourceOf([1, 2], 0.25)).not.toEqual(sourceOf([1, 2], 0.75));
});
