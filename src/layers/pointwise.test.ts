import { describe, expect, it } from 'vitest';
import { apply, type Expression } from '../../shaders/lib/expression.ts';
import * as f from '../../shaders/lib/expression_functions.ts';
import { parameter } from '../../shaders/lib/expression_parameters.ts';
import { buildOne, evaluate } from '../../test/fixtures/build_one.ts';
import { checkKernels, type KernelCase } from '../../test/fixtures/check_kernels.ts';
import { useDevice } from '../../test/fixtures/device.ts';
import { expression } from '../../test/fixtures/rounding_bounds.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import type { Shape } from '../runtime/tensor.ts';
import { pointwise, pointwiseOp } from './pointwise.ts';

const device = useDevice();

type Operand = Expression | number;

function check(build: KernelCase['build'], more: Partial<KernelCase> = {}): Promise<void> {
  return checkKernels(device(), { op: 'pointwise', build, bound: expression, ...more });
}

/** Inputs `x0`, `x1`, ... of these shapes, and an expression over them. */
function over(shapes: readonly Shape[], make: (...operands: Operand[]) => Expression) {
  return (g: GraphBuilder) =>
    pointwise(
      g,
      shapes.map((shape, i) => g.input(`x${i}`, shape)),
      make,
    );
}

const double = (x: Operand = 0): Expression => apply(f.add, x, x);
const sum = (...operands: Operand[]): Expression =>
  operands
    .slice(1)
    .reduce<Expression>(
      (left, right) => apply(f.add, apply(f.mul, left, 0.5), right),
      apply(f.add, operands[0] ?? 0, 0),
    );

describe('pointwise kernels', () => {
  it.each<[Shape]>([[[]], [[1]], [[5, 63]], [[2, 3, 5, 7]], [[1, 17, 8, 8]], [[3, 1, 1, 1]]])(
    'agree with the reference for one operand of %j',
    (shape) => check(over([shape], double)),
  );

  it.each<Shape[][]>([
    // One value an element, a channel, an image and channel, a column; one for all.
    [
      [
        [2, 3, 4, 5],
        [2, 3, 4, 5],
      ],
    ],
    [
      [
        [2, 3, 4, 5],
        [1, 3, 1, 1],
      ],
    ],
    [
      [
        [2, 3, 4, 5],
        [2, 3, 1, 1],
      ],
    ],
    [
      [
        [2, 3, 4, 5],
        [2, 1, 1, 1],
      ],
    ],
    [[[2, 3, 4, 5], [5]]],
    [
      [
        [2, 3, 4, 5],
        [4, 1],
      ],
    ],
    [[[2, 3, 4, 5], []]],
    // Four neighbours at once.
    [
      [
        [2, 3, 4, 8],
        [2, 3, 4, 8],
      ],
    ],
    [
      [
        [2, 3, 4, 8],
        [3, 1, 1],
      ],
    ],
    [
      [
        [2, 3, 4, 8],
        [2, 3, 4, 1],
      ],
    ],
    [[[2, 3, 4, 8], [8]]],
    [
      [
        [2, 3, 4, 8],
        [2, 1, 4, 8],
      ],
    ],
    // Each repeats what the other does not.
    [
      [
        [3, 1, 1],
        [2, 3, 4, 5],
      ],
    ],
    [
      [
        [4, 1],
        [1, 7],
      ],
    ],
    [
      [
        [4, 1],
        [1, 8],
      ],
    ],
    [
      [
        [1, 1, 2, 1, 3, 1],
        [3, 2, 1, 2, 1, 2],
      ],
    ],
    [
      [
        [2, 1, 3, 1, 2, 1, 3, 1],
        [1, 2, 1, 3, 1, 2, 1, 3],
      ],
    ],
    // Several.
    [[[2, 3, 4, 5], [3, 1, 1], [2, 3, 4, 5], [5]]],
    [[[1], [2, 3, 1, 1], [4, 4]]],
    [
      [
        [2, 4],
        [2, 4],
        [2, 4],
        [2, 4],
        [2, 4],
        [2, 4],
        [2, 4],
      ],
    ],
  ])('agree with the reference for operands of %j', (shapes) => check(over(shapes, sum)));

  it('agree with the reference for a value that is there twice', () =>
    check((g) => {
      const x = g.input('x', [2, 3, 5, 7]);
      return pointwise(g, [x, x], sum);
    }));

  it('agree with the reference for values and numbers', () =>
    check((g) => pointwise(g, [0.75, g.input('x', [3, 5]), 3], sum)));

  it.each([7, 8, 63])('agree with the reference for parameters, %i of them', (count) =>
    check((g) =>
      pointwise(g, [g.input('x', [2, 3, 5, count])], (x = 0) =>
        Array.from({ length: count }, (_, i) => parameter(i / 8 + 0.01)).reduce<Expression>(
          (sum, p, i) => apply(i % 2 === 0 ? f.add : f.mul, sum, p),
          apply(f.add, x, parameter(-0.3)),
        ),
      ),
    ),
  );

  it('agree with the reference for weights', () =>
    check((g) => pointwise(g, [g.input('x', [2, 3, 5, 7]), g.weight('bias', [3, 1, 1])], sum)));

  it.each([99, 100])(
    'agree with the reference where a dispatch has several rows of workgroups, rows of %i',
    (columns) => check(over([[7, columns], [columns]], sum), { workgroupsPerDimension: 2 }),
  );
});

describe('pointwise reference', () => {
  it('repeats extents of 1 on either side', () => {
    const build = over([[2, 1], [3]], (a = 0, b = 0) => apply(f.sub, a, b));
    expect(evaluate(build, { x0: [10, 20], x1: [1, 2, 3] })).toEqual([9, 8, 7, 19, 18, 17]);
  });

  it('takes its operands in their order, numbers among them', () => {
    const build = (g: GraphBuilder) =>
      pointwise(g, [10, g.input('x', [2])], (a = 0, b = 0) => apply(f.sub, a, b));
    expect(evaluate(build, { x: [1, 2] })).toEqual([9, 8]);
  });
});

describe('pointwise shapes', () => {
  const nine: Shape = [1, 1, 1, 1, 1, 1, 1, 1, 2];

  it.each<[string, Shape[], string]>([
    ['extents that differ', [[2, 3], [2]], '[2, 3] and [2]'],
    [
      'maps of two sizes',
      [
        [1, 256, 56, 56],
        [1, 256, 28, 28],
      ],
      '[1, 256, 56, 56] and [1, 256, 28, 28]',
    ],
    ['nine axes', [nine], '[1, 1, 1, 1, 1, 1, 1, 1, 2]'],
  ])('refuse %s', (_, shapes, got) => {
    const build = (g: GraphBuilder) => over(shapes, sum)(g.at('sum'));
    expect(() => buildOne(build)).toThrow(
      expect.objectContaining({
        name: 'ShapeError',
        message: `pointwise "sum": expects shapes of at most 8 axes that agree or are 1 along each, got ${got}`,
      }),
    );
  });

  it('refuse numbers only', () => {
    expect(() => buildOne((g) => pointwise(g.at('sum'), [1, 2], sum))).toThrow(
      'pointwise "sum": expects at least one value, got numbers only',
    );
  });

  it('refuse more values than a kernel can bind, however many roles they have', () => {
    const build = (count: number) => (g: GraphBuilder) => {
      const x = Array.from({ length: count }, (_, i) => g.input(`x${i}`, [1, 4]));
      return pointwise(g.at('sum'), [...x, ...x], sum);
    };
    expect(buildOne(build(7)).output.desc.shape).toEqual([1, 4]);
    expect(() => buildOne(build(8))).toThrow(
      'pointwise "sum": expects at most 7 values, got 8; compute some in another node',
    );
  });
});

describe('mixesBatch', () => {
  const mixes = (build: KernelCase['build']) => pointwiseOp.mixesBatch?.(buildOne(build) as never);

  it('is said of what is not of images, and not the same for all of them', () => {
    const x = (g: GraphBuilder) => g.input('x', [2, 3, 4, 4]);
    expect(mixes((g) => pointwise(g, [x(g), g.input('z', [2, 3, 1, 1])], sum))).toBe(false);
    expect(mixes((g) => pointwise(g, [x(g), g.weight('z', [3, 1, 1])], sum))).toBe(false);
    expect(mixes((g) => pointwise(g, [x(g), g.weight('z', [2, 3, 1, 1])], sum))).toBe(true);
    expect(mixes((g) => pointwise(g, [x(g), g.input('z', [4, 4])], sum))).toBe(true);
  });
});
