import { describe, expect, it } from 'vitest';
import { buildOne, evaluate } from '../../test/fixtures/build_one.ts';
import { checkKernels } from '../../test/fixtures/check_kernels.ts';
import { useDevice } from '../../test/fixtures/device.ts';
import type { RoundingBound } from '../../test/fixtures/rounding_bounds.ts';
import type { Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import type { Shape } from '../runtime/tensor.ts';
import { clip, hardSigmoid, hardSwish, leakyRelu, sigmoid } from './activations.ts';

const device = useDevice();
const U = 2 ** -24;

/**
 * Of a few multiplications and additions, or of an exponential of at most 2, which is within 3 + 2 |x| ULP, a
 * sum and a division: fewer than 30 errors on values that are at most 3 beside the result.
 */
const fewRoundings: RoundingBound = ({ expected }) =>
  expected.map((value) => 30 * U * (Math.abs(value) + 1));

type Build = (g: GraphBuilder, x: Value) => Value;

const ACTIVATIONS: Readonly<Record<string, Build>> = {
  clip: (g, x) => clip(g, x, { least: -0.5, most: 1.25 }),
  leaky_relu: (g, x) => leakyRelu(g, x, 0.2),
  sigmoid,
  hard_sigmoid: (g, x) => hardSigmoid(g, x, 0.2, 0.5),
  hard_swish: hardSwish,
};

describe('activation kernels', () => {
  const shapes: readonly Shape[] = [[1], [2, 3, 5, 7], [1, 65, 33]];
  it.each(Object.keys(ACTIVATIONS).flatMap((op) => shapes.map((shape) => [op, shape] as const)))(
    '%s agrees with the reference: %j',
    async (op, shape) => {
      const build = (g: GraphBuilder) => (ACTIVATIONS[op] ?? sigmoid)(g, g.input('x', shape));
      await checkKernels(device(), { op, build, bound: fewRoundings, workgroupsPerDimension: 3 });
    },
  );

  it('sigmoid neither overflows nor loses what is small', async () => {
    const x = Float32Array.from([-200, -80, -20, 0, 20, 80, 200]);
    const build = (g: GraphBuilder) => sigmoid(g, g.input('x', [7]));
    // exp(-80) is within 3 + 160 ULP of itself; exp(-200) may be flushed to 0.
    const bound: RoundingBound = ({ expected }) =>
      expected.map((value) => 2 * 170 * 2 * U * value + 2 ** -126);
    await checkKernels(device(), { op: 'sigmoid', build, bound, inputs: { x } });
  });
});

describe('activation references', () => {
  const x = [-4, -1, 0, 1, 4];
  const of = (apply: Build) => evaluate((g) => apply(g, g.input('x', [5])), { x });

  it('are the formulas', () => {
    expect(of((g, v) => clip(g, v, { least: -1 }))).toEqual([-1, -1, 0, 1, 4]);
    expect(of((g, v) => clip(g, v, { most: 0.5 }))).toEqual([-4, -1, 0, 0.5, 0.5]);
    expect(of((g, v) => leakyRelu(g, v, 0.25))).toEqual([-1, -0.25, 0, 1, 4]);
    expect(of((g, v) => hardSigmoid(g, v, 0.25, 0.5))).toEqual([0, 0.25, 0.5, 0.75, 1]);
    const [, , , , swish] = of(hardSwish);
    expect(swish).toBe(4);
    expect(of(sigmoid).map((value) => value.toFixed(6))).toEqual(
      x.map((value) => (1 / (1 + Math.exp(-value))).toFixed(6)),
    );
  });

  it('refuse parameters that are no numbers', () => {
    expect(() => buildOne((g) => leakyRelu(g.at('act'), g.input('x', [1]), Number.NaN))).toThrow(
      'leaky_relu "act": its parameters must be finite, got NaN and 0',
    );
  });
});
