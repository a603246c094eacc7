import { describe, expect, it } from 'vitest';
import { graphOf } from '../../../test/fixtures/build_one.ts';
import { expectSameOutputs, opsOf } from '../../../test/fixtures/compare_graphs.ts';
import { globalAveragePool2d } from '../../layers/adaptive_average_pool2d.ts';
import { add } from '../../layers/add.ts';
import { conv2d } from '../../layers/conv2d.ts';
import { flatten } from '../../layers/flatten.ts';
import { operators } from '../../layers/index.ts';
import { linear } from '../../layers/linear.ts';
import { relu } from '../../layers/relu.ts';
import type { Graph, Value } from '../graph.ts';
import { GraphBuilder } from '../graph_builder.ts';
import { absorbViews } from './absorb_views.ts';

const SHAPE = [2, 3, 4, 5];

function absorbed(graph: Graph): string {
  const result = absorbViews(graph, operators);
  expectSameOutputs(result, graph);
  return opsOf(result);
}

describe('absorbViews', () => {
  it.each<[string, string, (g: GraphBuilder) => Value]>([
    [
      'a flattening behind the global mean',
      'adaptive_average_pool2d linear',
      (g) => {
        const pooled = globalAveragePool2d(g, g.input('x', SHAPE));
        return linear(g, flatten(g, pooled), { features: 4 });
      },
    ],
    ['a flattening behind a relu', 'relu', (g) => flatten(g, relu(g, g.input('x', SHAPE)))],
    [
      'two flattenings in a row',
      'relu',
      (g) => flatten(g, flatten(g, relu(g, g.input('x', SHAPE)), 2), 1),
    ],
  ])('absorbs %s', (_, expected, build) => {
    expect(absorbed(graphOf(build))).toBe(expected);
  });

  it.each<[string, string, (g: GraphBuilder) => Value]>([
    ['a flattening of an input', 'flatten', (g) => flatten(g, g.input('x', SHAPE))],
    [
      'a flattening behind an operator that needs the shape of its output',
      'conv2d flatten',
      (g) => flatten(g, conv2d(g, g.input('x', SHAPE), { channels: 3, kernel: 1 })),
    ],
    [
      'a flattening of a value that another node reads',
      'relu flatten flatten add',
      (g) => {
        const y = relu(g, g.input('x', SHAPE));
        return add(g, flatten(g, y), flatten(g, y));
      },
    ],
  ])('leaves %s', (_, expected, build) => {
    expect(absorbed(graphOf(build))).toBe(expected);
  });

  it('leaves a flattening of an output', () => {
    const g = GraphBuilder.create();
    const y = relu(g, g.input('x', SHAPE));
    g.output('y', y);
    g.output('flat', flatten(g, y));
    expect(absorbed(g.build('test'))).toBe('relu flatten');
  });
});
