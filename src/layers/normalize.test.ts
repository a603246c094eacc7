import { describe, expect, it } from 'vitest';
import { buildOne, evaluate } from '../../test/fixtures/build_one.ts';
import { asOnGpus, checkKernels } from '../../test/fixtures/check_kernels.ts';
import { useDevice } from '../../test/fixtures/device.ts';
import { normalize as bound } from '../../test/fixtures/rounding_bounds.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import { elementCount, type Shape } from '../runtime/tensor.ts';
import { groupNorm, instanceNorm, layerNorm, normalize, rmsNorm } from './normalize.ts';

const device = useDevice();

type Attributes = Parameters<typeof normalize>[2];

const CASES: readonly (readonly [what: string, shape: Shape, attributes: Attributes])[] = [
  ['rows', [3, 10], { from: 1 }],
  ['one element', [3, 1], { from: 1 }],
  ['the last axis', [2, 3, 70], { from: 2 }],
  ['long rows', [1, 2, 2100], { from: 2 }],
  ['the channels of feature maps', [2, 21, 3, 5], { from: 1, to: 2, epsilon: 1e-6 }],
  ['feature maps', [2, 3, 7, 5], { from: 2 }],
  ['groups of channels', [2, 6, 5, 3], { from: 1, groups: 3 }],
  ['images', [2, 6, 5, 3], { from: 1 }],
  ['the first axis', [9, 4], { from: 0, to: 1 }],
  ['everything', [3, 5], { from: 0 }],
  ['parts of images', [2, 6, 70, 41], { from: 1 }],
  ['parts of rows that lie apart', [1, 90, 190, 3], { from: 1, to: 3 }],
  ['long rows without parts', [16411], { from: 0 }],
];

describe('normalize kernels', () => {
  const cases = CASES.flatMap(([what, shape, attributes]) =>
    [true, false].map((centred) => ({ what, shape, attributes: { ...attributes, centred } })),
  );
  it.each(cases)(
    'agree with the reference for $what: $attributes',
    async ({ shape, attributes }) => {
      await checkKernels(device(), {
        op: 'normalize',
        build: (g) => normalize(g, g.input('x', shape), attributes),
        bound,
        workgroupsPerDimension: 5,
        choose: asOnGpus,
      });
    },
  );

  it.each([true, false])(
    'know how far apart the means of parts are, centred: %s',
    async (centred) => {
      const shape = [2, 128 * 200];
      const x = Float32Array.from(
        { length: elementCount(shape) },
        (_, i) => Math.sin(i) + i / 5000,
      );
      await checkKernels(device(), {
        op: 'normalize',
        build: (g) => normalize(g, g.input('x', shape), { from: 1, centred }),
        inputs: { x },
        bound,
        choose: asOnGpus,
      });
    },
  );

  it.each([50, 128 * 200])('keep the deviation of %i that lie far from 0', async (length) => {
    const x = Float32Array.from({ length: 2 * length }, (_, i) => 1000 + Math.sin(i));
    await checkKernels(device(), {
      op: 'normalize',
      build: (g) => normalize(g, g.input('x', [2, length]), { from: 1 }),
      inputs: { x },
      bound,
      choose: asOnGpus,
      // f16 cannot hold what this is about.
      variants: ['views'],
    });
  });

  it.each<[string, (g: GraphBuilder) => ReturnType<typeof normalize>]>([
    ['layerNorm of the last axis', (g) => layerNorm(g.at('n'), g.input('x', [2, 3, 9]))],
    [
      'layerNorm of channels',
      (g) => layerNorm(g.at('n'), g.input('x', [2, 5, 3, 4]), { from: 1, to: 2 }),
    ],
    ['layerNorm of maps', (g) => layerNorm(g.at('n'), g.input('x', [2, 5, 3, 4]), { from: 2 })],
    ['groupNorm', (g) => groupNorm(g.at('n'), g.input('x', [2, 6, 3, 4]), 2)],
    ['rmsNorm', (g) => rmsNorm(g.at('n'), g.input('x', [2, 3, 9]))],
    ['instanceNorm', (g) => instanceNorm(g.at('n'), g.input('x', [2, 5, 3, 4]))],
  ])('%s is one dispatch with its weights', async (_, build) => {
    await checkKernels(device(), { op: 'normalize', build, bound });
  });
});

describe('normalize', () => {
  it('leaves a mean of 0 and a variance of 1 in each group', () => {
    const shape = [2, 4, 3, 5];
    const x = Array.from({ length: elementCount(shape) }, (_, i) => 3 + Math.sin(i * i));
    const y = evaluate(
      (g) => normalize(g, g.input('x', shape), { from: 1, groups: 2, epsilon: 0 }),
      { x },
    );
    for (let group = 0; group < 4; group++) {
      const part = y.slice(group * 30, (group + 1) * 30);
      const mean = part.reduce((sum, value) => sum + value, 0) / 30;
      const square = part.reduce((sum, value) => sum + value * value, 0) / 30;
      expect(mean).toBeCloseTo(0, 12);
      expect(square).toBeCloseTo(1, 12);
    }
  });

  it.each<[string, Attributes]>([
    ['axes 2 to 2 are not axes of [2, 6]', { from: 2 }],
    ['axes 1 to 3 are not axes of [2, 6]', { from: 1, to: 3 }],
    ['4 groups must divide the 6 of axis 1', { from: 1, groups: 4 }],
    ['0 groups must divide the 6 of axis 1', { from: 1, groups: 0 }],
    ['epsilon must be a number >= 0, got -1', { from: 1, epsilon: -1 }],
    ['epsilon must be a number >= 0, got NaN', { from: 1, epsilon: Number.NaN }],
  ])('refuses: %s', (message, attributes) => {
    expect(() =>
      buildOne((g) => normalize(g.at('norm'), g.input('x', [2, 6]), attributes)),
    ).toThrow(
      expect.objectContaining({ name: 'ShapeError', message: `normalize "norm": ${message}` }),
    );
  });
});
