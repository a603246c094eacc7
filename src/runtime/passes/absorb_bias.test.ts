import { describe, expect, it } from 'vitest';
import { apply } from '../../../shaders/lib/expression.ts';
import * as f from '../../../shaders/lib/expression_functions.ts';
import { describeExpression } from '../../../shaders/lib/expression_text.ts';
import { graphOf } from '../../../test/fixtures/build_one.ts';
import { expectInOrder, expectSameOutputs } from '../../../test/fixtures/compare_graphs.ts';
import { Random, seeds } from '../../../test/fixtures/random.ts';
import { randomGraph } from '../../../test/fixtures/random_graph.ts';
import { relu } from '../../layers/activations.ts';
import { add, mul } from '../../layers/arithmetic.ts';
import { conv2d } from '../../layers/conv2d.ts';
import { linear } from '../../layers/linear.ts';
import { pointwise } from '../../layers/pointwise.ts';
import { isPointwise } from '../builtins.ts';
import type { Graph, Value } from '../graph.ts';
import type { GraphBuilder } from '../graph_builder.ts';
import { absorbBias } from './absorb_bias.ts';

const SHAPE = [1, 6, 5, 3];

function conv(g: GraphBuilder, bias = false): Value {
  const options = { channels: 6, kernel: 3, padding: 1, bias };
  return conv2d(g.at('c'), g.input('x', SHAPE), options);
}

/** What is left after the pass, once the outputs are found to be the same. */
function absorbed(graph: Graph): string {
  const result = absorbBias(graph);
  expectSameOutputs(result, graph);
  expectInOrder(result);
  return result.nodes
    .map((node) => {
      if (isPointwise(node)) return describeExpression(node.attributes.expression);
      return node.inputs.bias ? `${node.op.name} with a bias` : node.op.name;
    })
    .join('; ');
}

describe('absorbBias', () => {
  it.each<[string, string, (g: GraphBuilder) => Value]>([
    [
      'weights of the channels',
      'conv2d with a bias',
      (g) => add(g, conv(g), g.weight('bias', [6, 1, 1])),
    ],
    [
      'the same before other things',
      'conv2d with a bias; max(x1 + x2, 0)',
      (g) => {
        const values = [g.weight('bias', [1, 6, 1, 1]), conv(g), g.input('residual', SHAPE)];
        const sum = (b = 0, y = 0, r = 0) => apply(f.add, apply(f.add, b, y), r);
        return pointwise(g, values, (...all) => apply(f.max, sum(...(all as number[])), 0));
      },
    ],
    [
      'weights of the features of a linear layer',
      'linear with a bias; max(x0, 0)',
      (g) => {
        const y = linear(g, g.input('x', [2, 9]), { features: 4, bias: false });
        return relu(g.at('relu'), add(g.at('b'), y, g.weight('bias', [4])));
      },
    ],
    [
      'one of two that are added',
      'conv2d with a bias; x0 + x2',
      (g) => {
        const values = [conv(g), g.weight('bias', [6, 1, 1]), g.weight('more.bias', [6, 1, 1])];
        return pointwise(g, values, (y = 0, b = 0, c = 0) => apply(f.add, apply(f.add, y, b), c));
      },
    ],
    [
      'one of one that is added twice',
      'conv2d with a bias; x1 + x0',
      (g) => {
        const values = [conv(g), g.weight('bias', [6, 1, 1])];
        return pointwise(g, values, (y = 0, b = 0) => apply(f.add, b, apply(f.add, y, b)));
      },
    ],
    [
      'not after a factor',
      'conv2d; x0 * 2 + x1',
      (g) => {
        const values = [conv(g), g.weight('bias', [6, 1, 1])];
        return pointwise(g, values, (y = 0, b = 0) => apply(f.add, apply(f.mul, y, 2), b));
      },
    ],
    [
      'not beside the value itself',
      'conv2d; x0 * (x0 + x1)',
      (g) => {
        const values = [conv(g), g.weight('bias', [6, 1, 1])];
        return pointwise(g, values, (y = 0, b = 0) => apply(f.mul, y, apply(f.add, y, b)));
      },
    ],
    [
      'not after a bias',
      'conv2d with a bias; x0 + x1',
      (g) => add(g, conv(g, true), g.weight('more.bias', [6, 1, 1])),
    ],
    ['not of the pixels', 'conv2d; x0 + x1', (g) => add(g, conv(g), g.weight('bias', [5, 3]))],
    [
      'not what is computed',
      'conv2d; x0 + x1',
      (g) => add(g, conv(g), g.input('bias', [1, 6, 1, 1])),
    ],
    [
      'not of what another reads',
      'conv2d; x0 + x1; x0 * x1',
      (g) => {
        const y = conv(g);
        return mul(g, add(g.at('b'), y, g.weight('bias', [6, 1, 1])), y);
      },
    ],
  ])('%s', (_, expected, build) => {
    expect(absorbed(graphOf(build))).toBe(expected);
  });

  it.each(seeds(30))('computes the same outputs of the random graph of seed %i', (seed) => {
    const graph = randomGraph(new Random(700 + seed), 25);
    const result = absorbBias(graph);
    expectSameOutputs(result, graph);
    expectInOrder(result);
  });
});
