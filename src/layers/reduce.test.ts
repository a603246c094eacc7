import { describe, expect, it } from 'vitest';
import type { ReduceKind } from '../../shaders/reduce.wgsl.ts';
import { evaluate } from '../../test/fixtures/build_one.ts';
import { asOnGpus, checkKernels } from '../../test/fixtures/check_kernels.ts';
import { useDevice } from '../../test/fixtures/device.ts';
import { combined, exact, mean, type RoundingBound } from '../../test/fixtures/rounding_bounds.ts';
import { createSession } from '../create_session.ts';
import { GraphBuilder } from '../runtime/graph_builder.ts';
import { elementCount, type Shape } from '../runtime/tensor.ts';
import { syntheticWeights } from '../runtime/weights/synthetic.ts';
import { type Reduction, reduce } from './reduce.ts';

const device = useDevice();

const BOUNDS: Readonly<Record<ReduceKind, (length: number) => RoundingBound>> = {
  sum: combined,
  mean,
  max: () => exact,
  min: () => exact,
  prod: combined,
  sum_square: combined,
  l1: combined,
};

const KINDS = Object.keys(BOUNDS) as ReduceKind[];

const SHAPES: readonly (readonly [Shape, axes: readonly number[]])[] = [
  [[7], [0]],
  [
    [2, 3, 5, 7],
    [2, 3],
  ],
  [[2, 130, 3], [1]],
  [
    [4, 3, 200],
    [0, 1],
  ],
  [[5, 1, 33], [1]],
  [[1, 3, 2100], [2]],
  // In parts: of rows side by side, of rows apart, of a length that few numbers divide, and of a prime number.
  [[3, 16384], [1]],
  [
    [128, 130, 3],
    [0, 1],
  ],
  [[2, 31 * 541, 1], [1]],
  [[16411], [0]],
  [
    [2, 3, 1],
    [1, 2],
  ],
];

/** Around 1: of other numbers, long products vanish. */
function nearOne(shape: Shape): Float32Array {
  return Float32Array.from({ length: elementCount(shape) }, (_, i) => 1 + Math.sin(i) / 50);
}

describe('reduce', () => {
  const cases = SHAPES.flatMap(([shape, axes]) => KINDS.map((kind) => ({ shape, axes, kind })));
  it.each(cases)('$kind of $shape over axes $axes', async ({ shape, axes, kind }) => {
    const length = axes.reduce((product, axis) => product * (shape[axis] ?? 1), 1);
    await checkKernels(device(), {
      op: 'reduce',
      build: (g) => reduce(g, g.input('x', shape), kind, { axes }),
      bound: BOUNDS[kind](length),
      ...(kind === 'prod' && { inputs: { x: nearOne(shape) } }),
      workgroupsPerDimension: 5,
      choose: asOnGpus,
    });
  });

  it('drops axes, or keeps them with an extent of 1', () => {
    const shapeFor = (axes: readonly number[], keepAxes: boolean) =>
      built([2, 3, 5], 'max', { axes, keepAxes });
    expect(shapeFor([1], true)).toEqual([2, 1, 5]);
    expect(shapeFor([1], false)).toEqual([2, 5]);
    expect(shapeFor([0, 2], true)).toEqual([1, 3, 1]);
    expect(shapeFor([0, 2], false)).toEqual([3]);
  });

  it.each<[Reduction, readonly number[]]>([
    ['sum', [4, 6, 12, 16]],
    ['mean', [2, 3, 6, 8]],
    ['max', [3, 4, 7, 9]],
    ['min', [1, 2, 5, 7]],
    ['prod', [3, 8, 35, 63]],
    ['sum_square', [10, 20, 74, 130]],
    ['l1', [4, 6, 12, 16]],
    ['l2', [10, 20, 74, 130].map(Math.sqrt)],
    ['log_sum', [4, 6, 12, 16].map(Math.log)],
    ['log_sum_exp', [3, 4, 7, 9].map((most) => most + Math.log(1 + Math.exp(-2)))],
  ])('makes %s of pairs', (reduction, expected) => {
    const build = (g: GraphBuilder) =>
      reduce(g, g.input('x', [2, 2, 2]), reduction, { axes: [1], keepAxes: false });
    const y = evaluate(build, { x: [1, 2, 3, 4, 5, 7, 7, 9] });
    for (const [i, value] of expected.entries()) expect(y[i]).toBeCloseTo(value, 12);
  });

  it.each<Reduction>([...KINDS, 'l2', 'log_sum_exp'])(
    'takes %s over axes that are not neighbours as over neighbours',
    (reduction) => {
      const x = Array.from({ length: 24 }, (_, i) => Math.sin(i) * 3);
      const of = (shape: Shape, axes: readonly number[], data: readonly number[]) =>
        evaluate((g) => reduce(g, g.input('x', shape), reduction, { axes }), { x: data });
      const rows = [0, 1, 2].flatMap((row) => x.filter((_, i) => Math.floor(i / 4) % 3 === row));
      const expected = of([3, 8], [1], rows);
      const actual = of([2, 3, 4], [2, 0], x);
      expect(actual).toHaveLength(3);
      for (const [i, value] of expected.entries()) expect(actual[i]).toBeCloseTo(value, 12);
    },
  );

  // Of one long sum of 0.1, a hundredth would be lost.
  it.each([[[2, 3]], [[1, 2, 3]]])(
    'keeps the digits of a million elements, axes %j',
    async (axes) => {
      const g = GraphBuilder.create();
      g.output('y', reduce(g.at('mean'), g.input('x', [1, 1, 1000, 1000]), 'mean', { axes }));
      using session = await createSession(device(), g.build('mean'), {
        weights: syntheticWeights([]),
      });
      const value = Math.fround(0.1);
      const { y = new Float32Array() } = await session.run(new Float32Array(1e6).fill(value));
      // Rows and their sums: 2,000 additions on the longest path.
      expect(Math.abs((y[0] ?? 0) - value)).toBeLessThan(2000 * 2 ** -24 * value);
    },
  );

  it.each([[[3]], [[-1]], [[0.5]]])('refuses axes %j of three', (axes) => {
    expect(() => built([2, 3, 5], 'mean', { axes })).toThrow(
      expect.objectContaining({
        name: 'ShapeError',
        message: `reduce "layer": axis ${axes[0]} is not an axis of [2, 3, 5]`,
      }),
    );
  });
});

function built(
  shape: Shape,
  reduction: Reduction,
  options: Parameters<typeof reduce>[3],
): Shape | undefined {
  const g = GraphBuilder.create();
  g.output('y', reduce(g.at('layer'), g.input('x', shape), reduction, options));
  return g.build('one').outputs.get('y')?.desc.shape;
}
