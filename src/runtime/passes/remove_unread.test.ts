import { describe, expect, it } from 'vitest';
import { expectInOrder, expectSameOutputs, opsOf } from '../../../test/fixtures/compare_graphs.ts';
import { Random, seeds } from '../../../test/fixtures/random.ts';
import { randomGraph } from '../../../test/fixtures/random_graph.ts';
import { relu } from '../../layers/activations.ts';
import { add } from '../../layers/arithmetic.ts';
import { maxPool2d } from '../../layers/pool2d.ts';
import { softmax } from '../../layers/softmax.ts';
import { consumers } from '../graph.ts';
import { GraphBuilder } from '../graph_builder.ts';
import { removeUnread } from './remove_unread.ts';

describe('removeUnread', () => {
  it('removes nodes that nothing reads, and those that only they read', () => {
    const g = GraphBuilder.create();
    const x = g.input('x', [1, 3, 4, 4]);
    softmax(g, maxPool2d(g, x, { kernel: 2 }));
    g.output('y', relu(g, x));
    const graph = g.build('test');
    expect(opsOf(graph)).toBe('max_pool2d softmax pointwise');
    expect(opsOf(removeUnread(graph))).toBe('pointwise');
    expectSameOutputs(removeUnread(graph), graph);
  });

  it('keeps what an output needs, in order, and every output', () => {
    const g = GraphBuilder.create();
    const x = g.input('x', [1, 3, 4, 4]);
    const a = relu(g.at('a'), x);
    const b = softmax(g.at('b'), a);
    g.output('sum', add(g, a, b));
    g.output('a', a);
    const graph = g.build('test');
    expect(removeUnread(graph).nodes).toEqual(graph.nodes);
    expect(removeUnread(graph).outputs).toEqual(graph.outputs);
  });

  it('keeps inputs that nothing reads: the caller still gives them', () => {
    const g = GraphBuilder.create();
    const x = g.input('x', [1, 3]);
    softmax(g, g.input('unused', [1, 3]));
    g.output('y', relu(g, x));
    expect(removeUnread(g.build('test')).inputs.map(({ name }) => name)).toEqual(['x', 'unused']);
  });

  it.each(seeds(20))('leaves in the random graph of seed %i only what is read', (seed) => {
    const graph = randomGraph(new Random(seed), 25);
    const read = removeUnread(graph);
    expectSameOutputs(read, graph);
    expectInOrder(read);
    const readers = consumers(read);
    const outputs = [...read.outputs.values()];
    for (const { output } of read.nodes) {
      expect(readers.has(output) || outputs.includes(output)).toBe(true);
    }
  });
});
