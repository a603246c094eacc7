import { describe, expect, it } from 'vitest';
import { apply, isSame, operand } from '../../../shaders/lib/expression.ts';
import * as f from '../../../shaders/lib/expression_functions.ts';
import { describeExpression } from '../../../shaders/lib/expression_text.ts';
import { graphOf } from '../../../test/fixtures/build_one.ts';
import { expectInOrder, expectSameOutputs, opsOf } from '../../../test/fixtures/compare_graphs.ts';
import { Random, seeds } from '../../../test/fixtures/random.ts';
import { randomGraph } from '../../../test/fixtures/random_graph.ts';
import { conversions } from '../../conversions.ts';
import { clip, hardSwish, relu, sigmoid, silu, tanh } from '../../layers/activations.ts';
import { globalAveragePool2d } from '../../layers/adaptive_average_pool2d.ts';
import { add, binary, div, mul } from '../../layers/arithmetic.ts';
import { conv2d } from '../../layers/conv2d.ts';
import { pointwise, pointwiseOp } from '../../layers/pointwise.ts';
import { isPointwise } from '../builtins.ts';
import { ANY_GPU, DEFAULT_LIMITS } from '../device_profile.ts';
import { consumers, type Graph, type Value } from '../graph.ts';
import { GraphBuilder } from '../graph_builder.ts';
import { prepare } from '../prepare.ts';
import { shapesEqual } from '../tensor.ts';
import { assignPrecision } from './assign_precision.ts';
import { mergePointwise } from './merge_pointwise.ts';

const SHAPE = [2, 6, 5, 3];
const LIMITED = { limits: DEFAULT_LIMITS };

/** What each node does after merging, once the outputs are found to be the same. */
function merged(graph: Graph): readonly string[] {
  const result = mergePointwise(graph, LIMITED);
  expectSameOutputs(result, graph);
  expectInOrder(result);
  return result.nodes.map((node) =>
    isPointwise(node) ? describeExpression(node.attributes.expression) : node.op.name,
  );
}

function call(g: GraphBuilder, fn: f.Unary, x: Value): Value {
  return pointwise(g, [x], (v) => apply(fn, v));
}

/** As exporters take activations to pieces. */
const DECOMPOSED: Readonly<Record<string, (g: GraphBuilder, x: Value) => Value>> = {
  'hard-swish': (g, x) => div(g, mul(g, x, clip(g, add(g, x, 3), { least: 0, most: 6 })), 6),
  SiLU: (g, x) => mul(g, x, sigmoid(g, x)),
  GELU: (g, x) => mul(g, mul(g, x, add(g, call(g, f.erf, div(g, x, Math.SQRT2)), 1)), 0.5),
  'GELU by tanh': (g, x) => {
    const cubic = mul(g, binary(g, f.pow, x, 3), 0.044715);
    const inner = tanh(g, mul(g, add(g, x, cubic), Math.sqrt(2 / Math.PI)));
    return mul(g, mul(g, x, 0.5), add(g, inner, 1));
  },
  mish: (g, x) => mul(g, x, tanh(g, call(g, f.log, add(g, call(g, f.exp, x), 1)))),
};

describe('mergePointwise', () => {
  it.each([
    ['with a gap', ['x1', 'x2']],
    ['that are others', ['left', 'right']],
    ['the second first', ['x1', 'x0']],
  ] as const)('keeps what nodes read whose operands have names %s', (_, [left, right]) => {
    const graph = graphOf((g) => {
      const [a, b, c] = [g.input('a', SHAPE), g.input('b', SHAPE), g.input('c', SHAPE)];
      const sum = apply(f.add, operand(left), operand(right));
      const y = g.at('sum').add(pointwiseOp, { expression: sum }, { [left]: a, [right]: b });
      return mul(g.at('product'), y, c);
    });
    expect(merged(graph)).toHaveLength(1);
  });

  it.each(Object.entries(DECOMPOSED))('makes one node of the pieces of %s', (_, build) => {
    const graph = graphOf((g) => build(g, g.input('x', SHAPE)));
    expect(merged(graph)).toHaveLength(1);
    expect(graph.nodes.length).toBeGreaterThan(1);
  });

  it.each(Object.entries(DECOMPOSED))('whose epilogue is %s, after a convolution', (_, build) => {
    const graph = graphOf((g) => {
      const x = g.input('x', SHAPE);
      return build(g, conv2d(g.at('conv'), x, { channels: 6, kernel: 1 }));
    });
    const { plan } = prepare(graph, { device: ANY_GPU });
    expect(opsOf(plan.graph)).toBe('conv2d');
    expectSameOutputs(plan.graph, graph);
  });

  it('makes of them the expressions of the activations by name', () => {
    const expressionOf = (build: (g: GraphBuilder, x: Value) => Value) => {
      const [node] = mergePointwise(
        graphOf((g) => build(g, g.input('x', SHAPE))),
        LIMITED,
      ).nodes;
      if (!node || !isPointwise(node)) throw new Error('nothing pointwise is left');
      return node.attributes.expression;
    };
    const pieces = DECOMPOSED.SiLU ?? silu;
    expect(isSame(expressionOf(pieces), expressionOf(silu))).toBe(true);
    expect(isSame(expressionOf(pieces), expressionOf(hardSwish))).toBe(false);
  });

  it.each<[string, readonly string[], (g: GraphBuilder) => Value]>([
    [
      'a chain',
      ['tanh(sigmoid(max(x0, 0)))'],
      (g) => tanh(g, sigmoid(g, relu(g, g.input('x', SHAPE)))),
    ],
    [
      'a tree, each value once',
      ['sigmoid(x1) * max(x0, 0) + x1'],
      (g) => {
        const [a, b] = [g.input('a', SHAPE), g.input('b', SHAPE)];
        return add(g, mul(g, sigmoid(g, a), relu(g, b)), a);
      },
    ],
    [
      'a sum of a value with itself',
      ['t0 = max(x0, 0); t0 + t0'],
      (g) => {
        const y = relu(g, g.input('x', SHAPE));
        return add(g, y, y);
      },
    ],
    [
      'what repeats an operand of its own',
      ['max(x0 * x1 + x2, 0)'],
      (g) => {
        const x = g.input('x', SHAPE);
        return relu(g, add(g, mul(g, x, g.input('gate', [6, 1, 1])), g.input('columns', [3])));
      },
    ],
  ])('makes one of %s', (_, expected, build) => {
    const described = merged(graphOf(build));
    expect(described).toHaveLength(expected.length);
    expect(described).toEqual(expected);
  });

  it.each<[string, number, (g: GraphBuilder) => Value]>([
    [
      'what another node reads',
      3,
      (g) => {
        const y = relu(g, g.input('x', SHAPE));
        return conv2d(g.at('last'), add(g, y, conv2d(g, y, { channels: 6, kernel: 1 })), {
          channels: 1,
          kernel: 1,
        });
      },
    ],
    [
      'what is smaller than the output, and would be computed over and over',
      2,
      (g) => mul(g, g.input('x', SHAPE), sigmoid(g, g.input('gate', [2, 6, 1, 1]))),
    ],
  ])('leaves %s', (_, pieces, build) => {
    const result = mergePointwise(graphOf(build), LIMITED);
    expectSameOutputs(result, graphOf(build));
    expect(result.nodes.filter(isPointwise).length).toBeGreaterThan(pieces > 2 ? 1 : 0);
    expect(result.nodes).toHaveLength(graphOf(build).nodes.length);
  });

  it('leaves outputs', () => {
    const g = GraphBuilder.create();
    const y = relu(g, g.input('x', SHAPE));
    g.output('first', y);
    g.output('second', sigmoid(g, y));
    expect(merged(g.build('test'))).toHaveLength(2);
  });

  it('leaves conversions', () => {
    const graph = graphOf((g) => relu(g, globalAveragePool2d(g, relu(g, g.input('x', SHAPE)))));
    const half = assignPrecision(graph, conversions.pointwise, 'f16');
    expect(opsOf(half)).toBe('pointwise pointwise adaptive_average_pool2d pointwise');
    expect(opsOf(mergePointwise(half, LIMITED))).toBe(opsOf(half));
  });

  it('keeps the name of the last node, and the names of all as its sources', () => {
    const graph = graphOf((g) =>
      relu(g.at('c'), tanh(g.at('b'), relu(g.at('a'), g.input('x', [3])))),
    );
    const [node] = mergePointwise(graph, LIMITED).nodes;
    expect(node?.name).toBe('c');
    expect([...(node?.sources ?? [])].sort()).toEqual(['a', 'b', 'c']);
  });

  it('joins no more operands than the device can bind beside the output', () => {
    const sum = (count: number) =>
      graphOf((g) => {
        let total: Value = g.input('x0', [3]);
        for (let i = 1; i < count; i++) total = add(g, total, g.input(`x${i}`, [3]));
        return total;
      });
    expect(merged(sum(7))).toHaveLength(1);
    const more = mergePointwise(sum(8), LIMITED);
    expect(more.nodes).toHaveLength(2);
    const most = Math.max(...more.nodes.map(({ inputs }) => Object.keys(inputs).length));
    expect(most).toBeLessThanOrEqual(7);
    expectSameOutputs(more, sum(8));
  });

  it('joins no more calls than a kernel has registers for', () => {
    const chain = graphOf((g) => {
      let y: Value = g.input('x', [3]);
      for (let i = 0; i < 100; i++) y = tanh(g, y);
      return y;
    });
    const result = mergePointwise(chain, LIMITED);
    expect(result.nodes.length).toBeGreaterThan(1);
    expect(result.nodes.length).toBeLessThan(5);
    expectSameOutputs(result, chain);
  });

  it.each(seeds(30))('computes the same outputs of the random graph of seed %i', (seed) => {
    const graph = randomGraph(new Random(400 + seed), 25);
    const result = mergePointwise(graph, LIMITED);
    expectSameOutputs(result, graph);
    expectInOrder(result);
    // Nothing is left that could have been merged.
    const outputs = new Set([...result.outputs.values()]);
    const readers = consumers(result);
    for (const node of result.nodes.filter(isPointwise)) {
      const [reader, ...others] = readers.get(node.output) ?? [];
      if (!reader || others.length > 0 || outputs.has(node.output) || !isPointwise(reader))
        continue;
      expect(shapesEqual(reader.output.desc.shape, node.output.desc.shape)).toBe(false);
    }
  });
});
