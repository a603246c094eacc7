import { describe, expect, it } from 'vitest';
import * as functions from '../../shaders/lib/expression_functions.ts';
import { buildOne, evaluate } from '../../test/fixtures/build_one.ts';
import { checkKernels, type KernelCase } from '../../test/fixtures/check_kernels.ts';
import { useDevice } from '../../test/fixtures/device.ts';
import { expression } from '../../test/fixtures/rounding_bounds.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import { elementCount, type Shape } from '../runtime/tensor.ts';
import { syntheticTensor } from '../runtime/weights/synthetic.ts';
import { relu } from './activations.ts';
import { add, binary, div, mul, sub } from './arithmetic.ts';

const device = useDevice();

const f = { ...functions };
const KINDS = ['add', 'sub', 'mul', 'div', 'min', 'max', 'pow'] as const;

const SHAPES: readonly [Shape, Shape][] = [
  [[1], [1]],
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
];

function check(build: KernelCase['build'], more: Partial<KernelCase> = {}): Promise<void> {
  return checkKernels(device(), { op: 'pointwise', build, bound: expression, ...more });
}

/** Values in (0, 2]: logarithms and quotients of them are defined. */
function positive(shape: Shape): Float32Array {
  return syntheticTensor('positive', shape).map((value) => Math.abs(value) + 2 ** -10);
}

describe('arithmetic kernels', () => {
  it.each([
    ...KINDS.map((kind) => [kind, [2, 3, 4, 5], [3, 1, 1]] as const),
    ...SHAPES.map(([a, b]) => ['add', a, b] as const),
  ])('%s of %j and %j agrees with the reference', (kind, a, b) =>
    check((g) => binary(g, f[kind], g.input('a', a), g.input('b', b)), {
      workgroupsPerDimension: 5,
      inputs: { a: positive(a), ...(kind === 'div' && { b: positive(b) }) },
    }),
  );

  it.each(KINDS)('%s of a number agrees with the reference, on either side', async (kind) => {
    const inputs = { x: positive([3, 7]) };
    await check((g) => binary(g, f[kind], g.input('x', [3, 7]), 1.75), { inputs });
    await check((g) => binary(g, f[kind], 1.75, g.input('x', [3, 7])), { inputs });
  });

  it('agree with the reference with a relu behind', () =>
    check((g) => relu(g, add(g, g.input('a', [2, 3, 5, 7]), g.input('b', [2, 3, 5, 7])))));

  it('agree with the reference for a value added to itself', () =>
    check((g) => {
      const x = g.input('x', [2, 3, 5, 7]);
      return add(g, x, x);
    }));
});

describe('arithmetic references', () => {
  it.each([
    [add, [5, 18]],
    [sub, [-3, 14]],
    [mul, [4, 32]],
    [div, [0.25, 8]],
  ] as const)('%o', (build, expected) => {
    const y = evaluate((g: GraphBuilder) => build(g, g.input('a', [2]), g.input('b', [2])), {
      a: [1, 16],
      b: [4, 2],
    });
    expect(y).toEqual(expected);
  });

  it.each<['min' | 'max' | 'pow', number[]]>([
    ['min', [1, 2]],
    ['max', [4, 16]],
    ['pow', [1, 256]],
  ])('%s', (kind, expected) => {
    const build = (g: GraphBuilder) => binary(g, f[kind], g.input('a', [2]), g.input('b', [2]));
    expect(evaluate(build, { a: [1, 16], b: [4, 2] })).toEqual(expected);
  });
});

describe('arithmetic shapes', () => {
  it('are those of NumPy', () => {
    for (const [a, b] of SHAPES) {
      const { shape } = buildOne((g) => add(g, g.input('a', a), g.input('b', b))).output.desc;
      expect(elementCount(shape)).toBeGreaterThanOrEqual(
        Math.max(elementCount(a), elementCount(b)),
      );
    }
    const broadcast = buildOne((g) => add(g, g.input('a', [4, 1]), g.input('b', [3, 1, 7])));
    expect(broadcast.output.desc.shape).toEqual([3, 4, 7]);
  });

  it('refuse what does not go together', () => {
    expect(() =>
      buildOne((g) => add(g.at('sum'), g.input('a', [2, 3]), g.input('b', [2]))),
    ).toThrow(/pointwise "sum": expects shapes .*, got \[2, 3\] and \[2\]/);
  });
});
