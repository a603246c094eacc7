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
import { convTranspose2d } from '../../layers/conv_transpose2d.ts';
import { conv2d } from '../../layers/conv2d.ts';
import { conv2dDynamic } from '../../layers/conv2d_dynamic.ts';
import { linear } from '../../layers/linear.ts';
import { pointwise } from '../../layers/pointwise.ts';
import { isPointwise } from '../builtins.ts';
import type { Graph, Value } from '../graph.ts';
import type { GraphBuilder } from '../graph_builder.ts';
import { absorbAffine } from './absorb_affine.ts';

const SHAPE = [1, 6, 5, 3];

function conv(g: GraphBuilder, bias = false): Value {
  const options = { channels: 6, kernel: 3, padding: 1, bias };
  return conv2d(g.at('c'), g.input('x', SHAPE), options);
}

/** `(value - mean) * scale + shift`, each a node of its own, of [N, 6, ...], merged. */
function normalised(g: GraphBuilder, value: Value): Value {
  const names = ['mean.bias', 'scale.weight', 'shift.bias'];
  const constants = names.map((name) => g.weight(name, [6, 1, 1]));
  return pointwise(g.at('norm'), [value, ...constants], (y = 0, mean = 0, scale = 0, shift = 0) =>
    apply(f.add, apply(f.mul, apply(f.sub, y, mean), scale), shift),
  );
}

/** What is left after the pass, once the outputs are found to be the same. */
function absorbed(graph: Graph): string {
  const result = absorbAffine(graph);
  expectSameOutputs(result, graph);
  expectInOrder(result);
  return result.nodes
    .map((node) => {
      if (isPointwise(node)) return describeExpression(node.attributes.expression);
      return node.inputs.bias ? `${node.op.name} with a bias` : node.op.name;
    })
    .join('; ');
}

describe('absorbAffine', () => {
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
      'several that are added',
      'conv2d with a bias',
      (g) => {
        const values = [conv(g), g.weight('bias', [6, 1, 1]), g.weight('more.bias', [6, 1, 1])];
        return pointwise(g, values, (y = 0, b = 0, c = 0) => apply(f.add, apply(f.add, y, b), c));
      },
    ],
    [
      'one that is added twice',
      'conv2d with a bias',
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
      'more than the bias that it has',
      'conv2d with a bias',
      (g) => add(g, conv(g, true), g.weight('more.bias', [6, 1, 1])),
    ],
    [
      'a batch norm step by step, before other things',
      'conv2d with a bias; max(x0, 0)',
      (g) => relu(g.at('relu'), normalised(g, conv(g))),
    ],
    [
      'the same of groups, where a convolution has a bias',
      'conv2d with a bias',
      (g) => {
        const options = { channels: 6, kernel: 3, groups: 3, padding: 1 };
        return normalised(g, conv2d(g.at('c'), g.input('x', SHAPE), options));
      },
    ],
    [
      'the same of groups the other way',
      'conv_transpose2d with a bias',
      (g) => {
        const options = { channels: 6, kernel: 2, groups: 2 };
        return normalised(g, convTranspose2d(g.at('c'), g.input('x', [1, 4, 3, 2]), options));
      },
    ],
    [
      'quotients by constants, and not what is subtracted from them',
      'conv2d with a bias; x3 - x0',
      (g) => {
        const names = ['d.running_var', 'b.bias', 'e.weight'];
        const constants = names.map((name) => g.weight(name, [6, 1, 1]));
        return pointwise(g, [conv(g), ...constants], (y = 0, d = 0, b = 0, e = 0) =>
          apply(f.sub, e, apply(f.add, apply(f.div, y, d), b)),
        );
      },
    ],
    [
      'a bias, and not the factor after it, which may be small',
      'conv2d with a bias; x0 * x2',
      (g) => {
        const [b, gamma] = [g.weight('b.bias', [6, 1, 1]), g.weight('gamma.weight', [6, 1, 1])];
        return pointwise(g, [conv(g), b, gamma], (y = 0, b = 0, gamma = 0) =>
          apply(f.mul, apply(f.add, y, b), gamma),
        );
      },
    ],
    [
      'not a factor alone',
      'conv2d; x0 * x1',
      (g) => mul(g, conv(g), g.weight('gamma.weight', [6, 1, 1])),
    ],
    [
      'not with a weight that is computed',
      'max(x0, 0); conv2d_dynamic; x0 * x1',
      (g) => {
        const weight = relu(g.at('w'), g.input('w', [6, 6, 1, 1]));
        const y = conv2dDynamic(g.at('c'), g.input('x', SHAPE), weight);
        return mul(g, y, g.weight('s.weight', [6, 1, 1]));
      },
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
    const result = absorbAffine(graph);
    expectSameOutputs(result, graph);
    expectInOrder(result);
  });
});
