import { describe, expect, it } from 'vitest';
import { graphOf } from '../../../test/fixtures/build_one.ts';
import { expectInOrder, expectSameOutputs } from '../../../test/fixtures/compare_graphs.ts';
import { add, div, mul } from '../../layers/arithmetic.ts';
import { matmul } from '../../layers/matmul.ts';
import { isMatmul } from '../builtins.ts';
import type { Value } from '../graph.ts';
import type { GraphBuilder } from '../graph_builder.ts';
import { foldFactors } from './fold_factors.ts';

const a = (g: GraphBuilder): Value => g.input('a', [2, 3, 4]);
const b = (g: GraphBuilder): Value => g.input('b', [2, 4, 5]);

describe('foldFactors', () => {
  it.each<[string, string, number, (g: GraphBuilder) => Value]>([
    ['of the first', 'matmul', 3, (g) => matmul(g, mul(g.at('m'), a(g), 3), b(g))],
    ['of the second, before it', 'matmul', 3, (g) => matmul(g, a(g), mul(g.at('m'), 3, b(g)))],
    ['a divisor', 'matmul', 0.125, (g) => matmul(g, div(g.at('d'), a(g), 8), b(g))],
    [
      'of both, beside its own',
      'matmul',
      3,
      (g) => matmul(g, mul(g.at('m'), a(g), 3), div(g.at('d'), b(g), 2), { scale: 2 }),
    ],
    [
      'of a matrix that is multiplied by itself, twice',
      'matmul',
      9,
      (g) => {
        const scaled = mul(g.at('m'), a(g), 3);
        return matmul(g, scaled, scaled, { transposeB: true });
      },
    ],
    [
      'not one that sums might not bear',
      'pointwise matmul',
      1,
      (g) => matmul(g, mul(g.at('m'), a(g), 1e-4), b(g)),
    ],
    [
      'not a quotient of it',
      'pointwise matmul',
      1,
      (g) => matmul(g, div(g.at('d'), 8, a(g)), b(g)),
    ],
    ['not a sum', 'pointwise matmul', 1, (g) => matmul(g, add(g.at('s'), a(g), 8), b(g))],
    [
      'not what another reads',
      'pointwise matmul pointwise',
      1,
      (g) => {
        const scaled = mul(g.at('m'), a(g), 3);
        const product = matmul(g.at('product'), scaled, g.input('square', [2, 4, 4]));
        return add(g, product, scaled);
      },
    ],
    [
      'not of what is repeated',
      'pointwise matmul',
      1,
      (g) => matmul(g, mul(g.at('m'), g.input('one', [2, 3, 1]), g.input('row', [4])), b(g)),
    ],
  ])('%s', (_, operators, scale, build) => {
    const graph = graphOf(build);
    const result = foldFactors(graph);
    expectSameOutputs(result, graph);
    expectInOrder(result);
    expect(result.nodes.map(({ op }) => op.name).join(' ')).toBe(operators);
    expect(result.nodes.find(isMatmul)?.attributes.scale).toBe(scale);
  });
});
