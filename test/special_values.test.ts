/**
 * NaN, infinities, the largest f32s and subnormals in every kernel. What is expected is what IEEE 754 gives, where WGSL
 * lets a device assume that none of these are there (docs/decisions/0072-special-values.md).
 */
import { describe, expect, it } from 'vitest';
import { apply } from '../shaders/lib/expression.ts';
import * as f from '../shaders/lib/expression_functions.ts';
import { createSession } from '../src/create_session.ts';
import * as activations from '../src/layers/activations.ts';
import { globalAveragePool2d } from '../src/layers/adaptive_average_pool2d.ts';
import { argMax, argMin } from '../src/layers/arg_reduce.ts';
import { binary } from '../src/layers/arithmetic.ts';
import { batchNorm } from '../src/layers/batch_norm.ts';
import { concat } from '../src/layers/concat.ts';
import { convTranspose2d } from '../src/layers/conv_transpose2d.ts';
import { linear } from '../src/layers/linear.ts';
import { matmul } from '../src/layers/matmul.ts';
import { pad2d } from '../src/layers/pad2d.ts';
import { pointwise } from '../src/layers/pointwise.ts';
import { averagePool2d, maxPool2d } from '../src/layers/pool2d.ts';
import { transpose } from '../src/layers/rearrange.ts';
import { reduce } from '../src/layers/reduce.ts';
import { resize2d } from '../src/layers/resize2d.ts';
import { logSoftmax, softmax } from '../src/layers/softmax.ts';
import { topElements } from '../src/layers/top_k.ts';
import { padding } from '../src/layers/window.ts';
import { buildClassifier } from '../src/models/classifier.ts';
import { findModel } from '../src/models/index.ts';
import { loadOnnx } from '../src/onnx/index.ts';
import { type Value, weightsOf } from '../src/runtime/graph.ts';
import type { GraphBuilder } from '../src/runtime/graph_builder.ts';
import type { Shape } from '../src/runtime/tensor.ts';
import { syntheticTensor, syntheticWeights } from '../src/runtime/weights/synthetic.ts';
import { topK } from '../src/vision/top_k.ts';
import { graphOf } from './fixtures/build_one.ts';
import { asOnGpus, type Choose, checkKernels, type KernelCase } from './fixtures/check_kernels.ts';
import { buildConv2d, type Conv2dCase } from './fixtures/conv2d_case.ts';
import { useDevice } from './fixtures/device.ts';
import { onnxFile, onnxInput, onnxNode } from './fixtures/onnx_model.ts';
import {
  combined,
  dotProduct,
  exact,
  expression,
  logSoftmaxAlong,
  mean,
  batchNorm as ofBatchNorm,
  productsOfTaps,
  type RoundingBound,
  softmaxAlong,
  winogradOfSpecials,
} from './fixtures/rounding_bounds.ts';
import { smallTiles, smallWinograd } from './fixtures/small_tiles.ts';

const device = useDevice();

// llvmpipe takes half as long to compile for half as wide vectors.
process.env.LP_NATIVE_VECTOR_WIDTH = '128';

const { NaN: NAN, POSITIVE_INFINITY: INF } = Number;

/** What x86 makes of Infinity - Infinity: its sign is set. */
const NEGATIVE_NAN = new Float32Array(Uint32Array.of(0xffc0_0000).buffer);

const NOT_FINITE = [NAN, INF, -INF];
const SPECIALS = [...NOT_FINITE, 3e38, -3e38, 0];

/** Synthetic values, with these special ones `every` so many elements, and a negative NaN after them. */
function sprinkled(shape: Shape, specials: readonly number[], every: number): Float32Array {
  const data = syntheticTensor('x', shape);
  specials.forEach((value, i) => {
    data[i * every + ((i * 13) % every)] = value;
  });
  // As a number it may lose its sign.
  data.set(NEGATIVE_NAN, specials.length * every + 1);
  return data;
}

type Build = (g: GraphBuilder, x: Value) => Value;

interface SpecialCase extends Pick<KernelCase, 'variants'> {
  readonly op: string;
  readonly build: Build;
  readonly x: Float32Array;
  readonly shape: Shape;
  readonly bound?: RoundingBound;
  readonly choose?: Choose;
}

/**
 * Finite results within the operator's bound. Where that is infinite, WGSL promises nothing of what they are made of:
 * limits, such as the sigmoid of infinity, and quotients by the largest divisors. Within an ULP, and subnormal numbers
 * may be 0. All else exactly.
 */
function within(expected: Float64Array, bounded: Float64Array): Float64Array {
  return bounded.map((bound, i) => {
    const value = Math.abs(expected[i] ?? 0);
    if (!Number.isFinite(value)) return 0;
    return Number.isFinite(bound) ? bound : 2 ** -23 * value + 2 ** -126;
  });
}

function check({ shape, x, build, ...test }: SpecialCase): Promise<void> {
  return checkKernels(device(), {
    ...test,
    build: (g) => build(g, g.input('x', shape)),
    inputs: { x },
    within,
  });
}

function ofOne(fn: f.Unary): Build {
  return (g, x) => pointwise(g, [x], (value = 0) => apply(fn, value));
}

const ELEMENTWISE: Readonly<Record<string, Build>> = {
  relu: activations.relu,
  'clip to [-1, 1]': (g, x) => activations.clip(g, x, { least: -1, most: 1 }),
  'clip to [-1, Infinity]': (g, x) => activations.clip(g, x, { least: -1 }),
  'clip to [-Infinity, 6]': (g, x) => activations.clip(g, x, { most: 6 }),
  'max of a constant and x': (g, x) => binary(g, f.max, -0.5, x),
  'min of a constant and x': (g, x) => binary(g, f.min, 0.5, x),
  leakyRelu: (g, x) => activations.leakyRelu(g, x),
  hardSigmoid: (g, x) => activations.hardSigmoid(g, x),
  hardSwish: activations.hardSwish,
  sigmoid: activations.sigmoid,
  silu: activations.silu,
  tanh: activations.tanh,
  atan: ofOne(f.atan),
  erf: ofOne(f.erf),
  is_nan: ofOne(f.is_nan),
  is_inf: ofOne(f.is_inf),
  elu: (g, x) => activations.elu(g, x),
  softplus: activations.softplus,
  abs: ofOne(f.abs),
  neg: ofOne(f.neg),
  sign: ofOne(f.sign),
  floor: ofOne(f.floor),
  ceil: ofOne(f.ceil),
  round: ofOne(f.round),
  exp: ofOne(f.exp),
  log: ofOne(f.log),
  sqrt: ofOne(f.sqrt),
  'x + 1': (g, x) => binary(g, f.add, x, 1),
  '2 x': (g, x) => binary(g, f.mul, x, 2),
  'x < 0': (g, x) => binary(g, f.less, x, 0),
  'x == x': (g, x) => binary(g, f.equal, x, x),
  'x to the power of 2': (g, x) => binary(g, f.pow, x, 2),
  'x to the power of 1.3': (g, x) => binary(g, f.pow, x, 1.3),
  'x to the power of -1.5': (g, x) => binary(g, f.pow, x, -1.5),
  'x to the power of 5': (g, x) => binary(g, f.pow, x, 5),
};

const MAP: Shape = [2, 3, 5, 7];

describe('special values', () => {
  describe.each(Object.entries(ELEMENTWISE))('%s', (_, build) => {
    const x = sprinkled(MAP, SPECIALS, 7);

    it('alone', () => check({ op: 'pointwise', shape: MAP, x, build, bound: expression }));

    it('in vectors', () => {
      const shape = [2, 4, 4, 8];
      const values = sprinkled(shape, SPECIALS, 7);
      return check({ op: 'pointwise', shape, x: values, build, bound: expression });
    });

    it('as an epilogue', () =>
      check({
        ...{ op: 'average_pool2d', shape: MAP, x, bound: mean(1) },
        build: (g, value) => build(g, averagePool2d(g.at('pool'), value, { kernel: 1 })),
      }));
  });
});

/** Each with each. */
const VALUES = [...NOT_FINITE, 3e38, -3e38, 0, 1, -1, 0.5, -0.5, 2, -2, 3, -3, 1.5, -1.5];

describe('special values in pairs', () => {
  const functions = [f.max, f.min, f.add, f.sub, f.mul, f.div, f.pow];
  const comparisons = [f.less, f.less_equal, f.greater, f.greater_equal, f.equal];
  it.each([...functions, ...comparisons])('$name', (fn) => {
    const n = VALUES.length;
    // Exponents are finite: 1^Infinity is 1 in C, and NaN here.
    const second = fn === f.pow ? VALUES.map((b) => (Number.isFinite(b) ? b : 0)) : VALUES;
    return checkKernels(device(), {
      op: 'pointwise',
      build: (g) => binary(g, fn, g.input('a', [n, n]), g.input('b', [n, n])),
      inputs: {
        a: Float32Array.from({ length: n * n }, (_, i) => VALUES[i % n] ?? 0),
        b: Float32Array.from({ length: n * n }, (_, i) => second[Math.floor(i / n)] ?? 0),
      },
      bound: expression,
      within,
    });
  });
});

it.each<[string, Build]>([
  ['logarithm', ofOne(f.log)],
  ['power of -1.5', (g, x) => binary(g, f.pow, x, -1.5)],
])('the %s of a subnormal, which may be taken for 0, is a number', async (_, build) => {
  const graph = graphOf((g) => build(g, g.input('x', [2])));
  using session = await createSession(device(), graph, { weights: syntheticWeights([]) });
  const { y } = await session.run(Float32Array.of(1e-40, 1e-38));
  expect([...(y ?? [])].some(Number.isNaN)).toBe(false);
});

/** Each special value in a row of its own, and three rows of nothing but one of them. */
const ROWS: Shape = [13, 70];

function inRows(specials: readonly number[]): Float32Array {
  const data = sprinkled(ROWS, specials, 70);
  return [INF, -INF, NAN].reduce(
    (x, value, i) => x.fill(value, (10 + i) * 70, (11 + i) * 70),
    data,
  );
}

const extremes = inRows(SPECIALS);
const notFinite = inRows(NOT_FINITE);

describe('special values in rows', () => {
  it.each(['max', 'min', 'sum', 'mean', 'prod', 'l1', 'sum_square'] as const)(
    'reduce %s',
    async (kind) => {
      const x = kind === 'max' || kind === 'min' ? extremes : notFinite;
      const test = { op: 'reduce', shape: ROWS, x, choose: asOnGpus, bound: combined(70) };
      await check({ ...test, build: (g, value) => reduce(g, value, kind, { axes: [1] }) });
      await check({ ...test, build: (g, value) => reduce(g, value, kind, { axes: [0] }) });
    },
  );

  it.each<[string, string, Build, RoundingBound]>([
    ['argMax', 'arg_reduce', argMax, exact],
    ['argMin', 'arg_reduce', argMin, exact],
    ['topElements', 'top_k', (g, x) => topElements(g, x, 5), exact],
    ['matmul', 'matmul', (g, x) => matmul(g, x, g.weight('weight', [70, 33])), dotProduct],
  ])('%s', (_, op, build, bound) =>
    check({ op, shape: ROWS, x: notFinite, build, bound, choose: asOnGpus }),
  );

  // llvmpipe compiles what GPUs have for minutes.
  it('linear', () =>
    check({
      op: 'linear',
      shape: [3, 70],
      x: sprinkled([3, 70], NOT_FINITE, 30),
      build: (g, x) => linear(g.at('fc'), x, { features: 33 }),
      bound: dotProduct,
    }));
});

describe('softmax of special values', () => {
  // Where a row has Infinity, all of it is NaN, or this element alone: exp(NaN) is Infinity on SwiftShader.
  const x = inRows([NAN, 0, -INF]).fill(0, 10 * 70, 11 * 70);
  it.each([
    ['softmax', softmax, softmaxAlong(1)],
    ['logSoftmax', logSoftmax, logSoftmaxAlong(1)],
  ])('%s', (_, build, bound) =>
    check({ op: 'softmax', shape: ROWS, x, build, bound, choose: asOnGpus }),
  );
});

const WINDOWS: Shape = [1, 2, 12, 14];
const inWindows = sprinkled(WINDOWS, NOT_FINITE, 61).fill(-INF, 200, 300);

describe('special values in windows', () => {
  it.each<[string, string, Build, RoundingBound?]>([
    ['maxPool2d', 'max_pool2d', (g, x) => maxPool2d(g, x, { kernel: 2 })],
    [
      'maxPool2d, overlapping',
      'max_pool2d',
      (g, x) => maxPool2d(g, x, { kernel: 3, stride: 1, padding: 1 }),
    ],
    [
      'averagePool2d',
      'average_pool2d',
      (g, x) => averagePool2d(g, x, { kernel: 3, stride: 2, padding: 1 }),
      mean(9),
    ],
    ['globalAveragePool2d', 'adaptive_average_pool2d', globalAveragePool2d, mean(12 * 14)],
    [
      'resize2d to the nearest',
      'resize2d',
      (g, x) => resize2d(g, x, { size: [24, 7], mode: 'nearest' }),
    ],
    ['pad2d', 'pad2d', (g, x) => pad2d(g, x, padding(2), { mode: 'reflect' })],
    ['transpose', 'rearrange', (g, x) => transpose(g, x, [0, 2, 3, 1])],
    ['concat', 'concat', (g, x) => concat(g, [x, x])],
    ['batchNorm', 'batch_norm', (g, x) => batchNorm(g.at('bn'), x), ofBatchNorm],
    // Kernels of fewer taps are filled up with zeros: 0 * NaN spreads.
    [
      'convTranspose2d',
      'conv_transpose2d',
      (g, x) => convTranspose2d(g.at('up'), x, { channels: 3, kernel: 4, stride: 2 }),
      productsOfTaps,
    ],
  ])('%s', (_, op, build, bound = exact) =>
    check({ op, shape: WINDOWS, x: inWindows, build, bound }),
  );
});

describe('special values in convolutions', () => {
  it.each<[string, Omit<Conv2dCase, 'x'>, Shape]>([
    ['a 1x1 kernel', { channels: 9, kernel: 1 }, [1, 5, 9, 11]],
    ['a 1x1 kernel over whole fours', { channels: 9, kernel: 1 }, [1, 5, 8, 12]],
    [
      'a 3x3 kernel, relu',
      { channels: 9, kernel: 3, padding: 1, epilogue: ['relu'] },
      [2, 5, 9, 11],
    ],
    ['stride 2', { channels: 9, kernel: 3, padding: 1, stride: 2 }, [1, 33, 9, 11]],
    ['groups', { channels: 10, kernel: 3, padding: 1, groups: 2 }, [1, 6, 9, 11]],
    ['one group a channel', { channels: 6, kernel: 3, padding: 1, groups: 6 }, [1, 6, 9, 11]],
    ['many channels', { channels: 9, kernel: 1, epilogue: ['residual', 'relu'] }, [1, 512, 3, 3]],
  ])('%s', (_, options, shape) =>
    check({
      op: 'conv2d',
      shape,
      x: sprinkled(shape, NOT_FINITE, 71),
      build: (g, value) => buildConv2d(g, { ...options, x: shape }, value),
      choose: smallTiles,
      bound: dotProduct,
    }),
  );
});

describe.each([2, 4] as const)(
  'special values in convolutions by Winograd, tiles of %i',
  (tile) => {
    const shape: Shape = [2, 35, 9, 11];
    it.each<[string, Float32Array, Partial<Conv2dCase>?]>([
      ['values that are not finite', sprinkled(shape, NOT_FINITE, 1200)],
      [
        'values that are not finite, bias and relu',
        sprinkled(shape, NOT_FINITE, 1013),
        { epilogue: ['relu'] },
      ],
      // Sums of few pixels overflow, those of their products do not.
      [
        'the largest values',
        syntheticTensor('x', shape).map((value) => value * 4e37),
        { bias: false },
      ],
    ])('%s', (_, x, options = {}) =>
      check({
        op: 'conv2d',
        shape,
        x,
        build: (g, value) =>
          buildConv2d(g, { channels: 9, kernel: 3, padding: 1, ...options, x: shape }, value),
        choose: smallWinograd(tile),
        variants: ['views'],
        bound: winogradOfSpecials(tile),
      }),
    );
  },
);

describe('functions of ONNX that are made of others hold for small and for large numbers', () => {
  const sizes = [1e-30, 1e-6, 1e-4, 1e-2, 0.2, 0.3, 0.7];
  const larger = [1, 1.5, 3, 10, 80, 88.9];
  const huge = [1e4, 1e10, 1e20, 3e38];
  const both = (values: readonly number[]) => values.flatMap((value) => [-value, value]);
  it.each<[string, (x: number) => number, readonly number[]]>([
    ['Sinh', Math.sinh, both([...sizes, ...larger])],
    ['Cosh', Math.cosh, both([...sizes, ...larger])],
    ['Asinh', Math.asinh, both([...sizes, ...larger, ...huge])],
    ['Acosh', Math.acosh, [...larger, 1 + 2 ** -20, 1.01, ...huge, -1, -1e5, -1e10, 0.5]],
    ['Atanh', Math.atanh, both([...sizes, 0.999])],
  ])('%s', async (opType, f, numbers) => {
    const x = Float32Array.from(numbers);
    const graph = onnxFile({
      node: [onnxNode(opType, 'x', 'y')],
      input: [onnxInput('x', [x.length])],
      output: [onnxInput('y', [x.length])],
    });
    using session = await createSession(device(), loadOnnx(graph).graph, {
      weights: syntheticWeights([]),
    });
    const { y = new Float32Array() } = await session.run({ x });
    const wrong = [...x].flatMap((value, i) => {
      const [got = 0, expected] = [y[i], f(value)];
      // exp(x / 2) is off by 3 + |x| units of the last place at most, and is squared.
      const near =
        Math.abs(got - expected) <=
        2 ** -24 * (16 + 2 * Math.min(Math.abs(value), 90)) * Math.abs(expected);
      return near || Object.is(got, expected) ? [] : [{ x: value, got, expected }];
    });
    expect(wrong).toEqual([]);
  });
});

it('a classifier says so where its input holds NaN', async () => {
  const model = buildClassifier(findModel('lenet'), { outputs: ['probabilities'] });
  const weights = syntheticWeights(weightsOf(model).map(({ name }) => name));
  using session = await createSession(device(), model, { weights });
  const pixels = syntheticTensor('input', model.inputs[0]?.desc.shape ?? []);
  const { probabilities: good = new Float32Array() } = await session.run(pixels);
  expect(topK(good, 1)).toHaveLength(1);
  const { probabilities = new Float32Array() } = await session.run(pixels.with(300, NAN));
  expect(() => topK(probabilities, 1)).toThrow('is not a number; the weights or the input hold');
});
