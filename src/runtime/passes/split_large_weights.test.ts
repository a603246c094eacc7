import { describe, expect, it } from 'vitest';
import { expectSameOutputs, opsOf } from '../../../test/fixtures/compare_graphs.ts';
import { operators } from '../../layers/index.ts';
import { linear } from '../../layers/linear.ts';
import { relu } from '../../layers/relu.ts';
import type { Graph } from '../graph.ts';
import { GraphBuilder } from '../graph_builder.ts';
import { optimize } from './index.ts';
import { splitLargeWeights } from './split_large_weights.ts';

function layer(outputs: number, bias: boolean): Graph {
  const g = GraphBuilder.create();
  g.output('y', relu(g, linear(g.at('fc'), g.input('x', [3, 10]), { features: outputs, bias })));
  return optimize(g.build('layer'), operators);
}

describe('splitLargeWeights', () => {
  it.each([
    [200, true, 'linear linear linear linear concat'],
    [128, false, 'linear linear concat'],
  ])('cuts a layer of %i outputs into what fits, with the same result', (outputs, bias, ops) => {
    const graph = layer(outputs, bias);
    const cut = splitLargeWeights(graph, 4 * 10 * 64);
    expect(opsOf(cut)).toBe(ops);
    expectSameOutputs(cut, graph);
  });

  it('leaves alone what fits, and what no cut makes fit', () => {
    const graph = layer(200, true);
    expect(opsOf(splitLargeWeights(graph, 4 * 10 * 200))).toBe('linear');
    expect(opsOf(splitLargeWeights(graph, 4 * 10 * 63))).toBe('linear');
  });
});
