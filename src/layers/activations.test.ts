import { describe, expect, it } from 'vitest';
import { buildOne, evaluate } from '../../test/fixtures/build_one.ts';
import { checkKernels } from '../../test/fixtures/check_kernels.ts';
import { useDevice } from '../../test/fixtures/device.ts';
import { expression } from '../../test/fixtures/rounding_bounds.ts';
import type { Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import type { Shape } from '../runtime/tensor.ts';
import {
  clip,
  elu,
  gelu,
  hardSigmoid,
  hardSwish,
  leakyRelu,
  mish,
  prelu,
  relu,
  selu,
  sigmoid,
  silu,
  softplus,
  tanh,
} from './activations.ts';

const device = useDevice();

type Build = (g: GraphBuilder, x: Value) => Value;

const erf = (x: number): number => {
  // Abramowitz and Stegun, 7.1.5: the series, which converges fast enough for |x| < 3.
  let [term, sum] = [x, x];
  for (let n = 1; n < 80; n++) {
    term *= -(x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
};

/** Each builder, and its formula by itself. */
const ACTIVATIONS: Readonly<Record<string, readonly [Build, (x: number) => number]>> = {
  relu: [relu, (x) => Math.max(x, 0)],
  clip: [
    (g, x) => clip(g, x, { least: -0.5, most: 1.25 }),
    (x) => Math.min(Math.max(x, -0.5), 1.25),
  ],
  'clip from below': [(g, x) => clip(g, x, { least: -1 }), (x) => Math.max(x, -1)],
  'clip from above': [(g, x) => clip(g, x, { most: 0.5 }), (x) => Math.min(x, 0.5)],
  'clip by nothing': [(g, x) => clip(g, x, {}), (x) => x],
  leaky_relu: [(g, x) => leakyRelu(g, x, 0.25), (x) => (x < 0 ? x / 4 : x)],
  sigmoid: [sigmoid, (x) => 1 / (1 + Math.exp(-x))],
  tanh: [tanh, Math.tanh],
  hard_sigmoid: [
    (g, x) => hardSigmoid(g, x, 0.25, 0.5),
    (x) => Math.min(Math.max(x / 4 + 0.5, 0), 1),
  ],
  'hard_sigmoid of PyTorch': [hardSigmoid, (x) => Math.min(Math.max(x / 6 + 0.5, 0), 1)],
  hard_swish: [hardSwish, (x) => x * Math.min(Math.max(x / 6 + 0.5, 0), 1)],
  silu: [silu, (x) => x / (1 + Math.exp(-x))],
  gelu: [gelu, (x) => (x / 2) * (1 + erf(x / Math.SQRT2))],
  'gelu by tanh': [
    (g, x) => gelu(g, x, 'tanh'),
    (x) => (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  ],
  elu: [(g, x) => elu(g, x, 1.5), (x) => (x < 0 ? 1.5 * Math.expm1(x) : x)],
  selu: [selu, (x) => 1.0507009873554805 * (x < 0 ? 1.6732632423543772 * Math.expm1(x) : x)],
  softplus: [softplus, (x) => Math.log1p(Math.exp(x))],
  mish: [mish, (x) => x * Math.tanh(Math.log1p(Math.exp(x)))],
};

describe('activation kernels', () => {
  const shapes: readonly Shape[] = [
    [2, 3, 5, 7],
    [1, 65, 36],
  ];
  it.each(
    Object.keys(ACTIVATIONS).flatMap((name) => shapes.map((shape) => [name, shape] as const)),
  )('%s agrees with the reference: %j', async (name, shape) => {
    const [build] = ACTIVATIONS[name] ?? [relu];
    await checkKernels(device(), {
      op: 'pointwise',
      build: (g) => build(g, g.input('x', shape)),
      bound: expression,
      workgroupsPerDimension: 3,
    });
  });

  it('prelu agrees with the reference, a slope a channel', async () => {
    const x: Shape = [2, 3, 5, 7];
    await checkKernels(device(), {
      op: 'pointwise',
      build: (g) => prelu(g, g.input('x', x), g.weight('weight', [3, 1, 1])),
      bound: expression,
    });
    const build: (g: GraphBuilder) => Value = (g) =>
      prelu(g, g.input('x', [1, 2, 2, 1]), g.weight('weight', [2, 1, 1]));
    const data = { x: [-1, 2, -3, 4], weight: [0.5, -2] };
    expect(evaluate(build, data)).toEqual([-0.5, 2, 6, 4]);
  });

  it.each(Object.keys(ACTIVATIONS))(
    '%s neither overflows nor loses what is small',
    async (name) => {
      const [build] = ACTIVATIONS[name] ?? [relu];
      await checkKernels(device(), {
        op: 'pointwise',
        build: (g) => build(g, g.input('x', [9])),
        bound: expression,
        inputs: { x: Float32Array.of(-200, -80, -20, -1e-20, 0, 1e-20, 20, 80, 200) },
      });
    },
  );
});

describe('activation references', () => {
  const x = [-2.5, -1, -0.25, 0, 0.5, 2];

  it.each(Object.entries(ACTIVATIONS))('%s is its formula', (_, [build, formula]) => {
    const y = evaluate((g) => build(g, g.input('x', [x.length])), { x });
    x.forEach((value, i) => {
      expect(y[i]).toBeCloseTo(formula(value), 14);
    });
  });

  it('softplus and mish do not overflow', () => {
    const of = (build: Build) => evaluate((g) => build(g, g.input('x', [2])), { x: [-1000, 1000] });
    expect(of(softplus)).toEqual([0, 1000]);
    expect(of(mish)).toEqual([-0, 1000]);
  });

  it('clip takes an infinite bound for none', () => {
    const bounds = { least: Number.NEGATIVE_INFINITY, most: Number.POSITIVE_INFINITY };
    expect(evaluate((g) => clip(g, g.input('x', [x.length]), bounds), { x })).toEqual(x);
    const raised = evaluate((g) => clip(g, g.input('x', [x.length]), { ...bounds, least: 0 }), {
      x,
    });
    expect(raised).toEqual(x.map((value) => Math.max(value, 0)));
  });

  it('refuse parameters that are no numbers', () => {
    expect(() => buildOne((g) => leakyRelu(g, g.input('x', [1]), Number.NaN))).toThrow(
      'pointwise "pointwise": expects finite constants and values that it is given, got NaN',
    );
    expect(() => buildOne((g) => clip(g, g.input('x', [1]), { least: Number.NaN }))).toThrow(
      'pointwise "pointwise": expects finite constants and values that it is given, got NaN',
    );
  });
});
