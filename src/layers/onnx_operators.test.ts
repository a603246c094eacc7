/** The operators that no model here has, but files do: arithmetic, products, reductions, padding. */
import { describe, expect, it } from 'vitest';
import { buildOne, evaluate } from '../../test/fixtures/build_one.ts';
import { checkKernels, type KernelCase } from '../../test/fixtures/check_kernels.ts';
import { useDevice } from '../../test/fixtures/device.ts';
import {
  dotProduct,
  exact,
  mean,
  type RoundingBound,
} from '../../test/fixtures/rounding_bounds.ts';
import type { Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import type { Shape } from '../runtime/tensor.ts';
import { binary } from './binary.ts';
import { localResponseNorm } from './local_response_norm.ts';
import { matmul } from './matmul.ts';
import { pad2d } from './pad2d.ts';
import { reduce } from './reduce.ts';
import { reshapeTo } from './reshape.ts';

const device = useDevice();
const U = 2 ** -24;

function check(test: Pick<KernelCase, 'op' | 'build' | 'bound' | 'inputs'>): Promise<void> {
  return checkKernels(device(), { ...test, workgroupsPerDimension: 5 });
}

describe('binary', () => {
  /** One rounding; a division is within 2.5 ULP, 5 u. */
  const rounded: RoundingBound = ({ expected }) =>
    expected.map((value) => 5 * U * Math.abs(value) + 2 ** -126);
  const shapes: readonly [Shape, Shape][] = [
    [
      [2, 3, 4, 5],
      [2, 3, 4, 5],
    ],
    [
      [2, 3, 4, 5],
      [2, 3, 1, 1],
    ],
    [[2, 3, 4, 5], [5]],
    [[2, 3, 4, 5], []],
    [
      [3, 1, 1],
      [2, 3, 4, 5],
    ],
    [
      [4, 1],
      [1, 7],
    ],
    [
      [1, 1, 2, 1, 3, 1],
      [3, 2, 1, 2, 1, 2],
    ],
  ];

  it.each(
    (['add', 'sub', 'mul', 'div'] as const).flatMap((kind) =>
      shapes.map(([a, b]) => [kind, a, b] as const),
    ),
  )('%s of %j and %j agrees with the reference', async (kind, a, b) => {
    const build = (g: GraphBuilder) => binary(g, kind, g.input('a', a), g.input('b', b));
    await check({ op: 'binary', build, bound: rounded });
  });

  it('repeats extents of 1 on either side', () => {
    const build = (g: GraphBuilder) => binary(g, 'sub', g.input('a', [2, 1]), g.input('b', [3]));
    expect(evaluate(build, { a: [10, 20], b: [1, 2, 3] })).toEqual([9, 8, 7, 19, 18, 17]);
  });

  it('refuses shapes that do not go together', () => {
    const build = (g: GraphBuilder) =>
      binary(g.at('sum'), 'add', g.input('a', [2, 3]), g.input('b', [2]));
    expect(() => buildOne(build)).toThrow(
      /binary "sum": expects shapes .*, got \[2, 3\] and \[2\]/,
    );
  });
});

describe('matmul', () => {
  it.each<[Shape, Shape, boolean, boolean]>([
    [[1, 1], [1, 1], false, false],
    [[3, 70], [70, 5], false, false],
    [[70, 3], [70, 5], true, false],
    [[3, 70], [5, 70], false, true],
    [[70, 3], [5, 70], true, true],
    [[2, 3, 4, 5], [5, 6], false, false],
    [[6, 4], [2, 3, 4, 5], false, false],
    [[2, 3, 4, 5], [2, 3, 5, 6], false, false],
  ])('%j times %j, transposed %s and %s', async (a, b, transposeA, transposeB) => {
    const options = { transposeA, transposeB, scale: 0.5 };
    const build = (g: GraphBuilder) => matmul(g, g.input('a', a), g.input('b', b), options);
    await check({ op: 'matmul', build, bound: dotProduct });
  });

  it('is the product of matrices', () => {
    const build = (g: GraphBuilder) => matmul(g, g.input('a', [2, 2]), g.input('b', [2, 2]));
    expect(evaluate(build, { a: [1, 2, 3, 4], b: [5, 6, 7, 8] })).toEqual([19, 22, 43, 50]);
  });

  it('refuses matrices that cannot be multiplied', () => {
    const build = (g: GraphBuilder) =>
      matmul(g.at('fc'), g.input('a', [2, 3]), g.input('b', [2, 3]));
    expect(() => buildOne(build)).toThrow(
      'matmul "fc": expects matrices that can be multiplied, got [2, 3] and [2, 3]',
    );
  });
});

describe('reduce', () => {
  it.each<[Shape, number, number]>([
    [[7], 0, 1],
    [[2, 3, 5, 7], 2, 4],
    [[2, 130, 3], 1, 2],
    [[4, 3, 200], 0, 2],
  ])('%j over axes %i to %i: mean and maximum', async (shape, from, to) => {
    const length = shape.slice(from, to).reduce((a, b) => a * b, 1);
    for (const kind of ['mean', 'max'] as const) {
      const build = (g: GraphBuilder) =>
        reduce(g, g.input('x', shape), { kind, from, to, keepAxes: true });
      await check({ op: 'reduce', build, bound: kind === 'mean' ? mean(length) : exact });
    }
  });

  it('drops axes, or keeps them with an extent of 1', () => {
    const shapeFor = (keepAxes: boolean) =>
      buildOne((g) => reduce(g, g.input('x', [2, 3, 5]), { kind: 'max', from: 1, to: 2, keepAxes }))
        .output.desc.shape;
    expect([shapeFor(true), shapeFor(false)]).toEqual([
      [2, 1, 5],
      [2, 5],
    ]);
  });
});

describe('local_response_norm', () => {
  /** Sums of squares of five, a power, which is exp2(beta log2 x), and a division; all of them are near 1. */
  const bound: RoundingBound = ({ expected }) =>
    expected.map((value) => 200 * U * Math.abs(value) + 2 ** -126);

  it.each<[Shape, number]>([
    [[1, 1, 2, 2], 3],
    [[2, 7, 3, 5], 5],
    [[2, 7, 3, 5], 4],
    [[1, 3, 4], 9],
  ])('%j over %i channels agrees with the reference', async (shape, size) => {
    const build = (g: GraphBuilder) =>
      localResponseNorm(g, g.input('x', shape), { size, alpha: 0.5, beta: 0.75, bias: 2 });
    await check({ op: 'local_response_norm', build, bound });
  });
});

describe('pad2d', () => {
  const x: Shape = [2, 3, 5, 4];
  const sides = [
    { top: 1, left: 2, bottom: 3, right: 0 },
    { top: -1, left: 1, bottom: 0, right: -2 },
  ];

  it.each(
    (['constant', 'edge', 'reflect'] as const).flatMap((mode) =>
      sides.map((padding) => [mode, padding] as const),
    ),
  )('%s by %j is exact', async (mode, padding) => {
    const build = (g: GraphBuilder) => pad2d(g, g.input('x', x), padding, { mode, value: 0.25 });
    await check({ op: 'pad2d', build, bound: exact });
  });

  it('reflects without repeating the edge', () => {
    const padding = { top: 0, left: 2, bottom: 0, right: 1 };
    const build = (g: GraphBuilder) =>
      pad2d(g, g.input('x', [1, 1, 1, 3]), padding, { mode: 'reflect' });
    expect(evaluate(build, { x: [1, 2, 3] })).toEqual([3, 2, 1, 2, 3, 2]);
  });

  it('refuses to reflect further than the image, and to leave nothing', () => {
    const padded = (top: number, mode: 'reflect' | 'constant') => () =>
      buildOne((g) =>
        pad2d(g.at('pad'), g.input('x', x), { top, left: 0, bottom: 0, right: 0 }, { mode }),
      );
    expect(padded(5, 'reflect')).toThrow(/reflected padding must be less than the 5 x 4/);
    expect(padded(-5, 'constant')).toThrow(/leaves nothing of 5 rows/);
  });
});

describe('reshape', () => {
  const shapeOf = (build: (g: GraphBuilder) => Value) => buildOne(build).output.desc.shape;

  it('finds the extent that is left open', () => {
    expect(shapeOf((g) => reshapeTo(g, g.input('x', [2, 3, 4]), [-1, 6]))).toEqual([4, 6]);
  });

  it('refuses another number of elements', () => {
    expect(() => shapeOf((g) => reshapeTo(g.at('view'), g.input('x', [2, 3]), [4, -1]))).toThrow(
      'reshape "view": [2, 3] has 6 elements, which cannot be seen as [4, -1]',
    );
  });
});
