import { describe, expect, it } from 'vitest';
import { graphOf } from '../../../test/fixtures/build_one.ts';
import { expectInOrder, expectSameOutputs } from '../../../test/fixtures/compare_graphs.ts';
import { Random, seeds } from '../../../test/fixtures/random.ts';
import { randomGraph } from '../../../test/fixtures/random_graph.ts';
import { randomMovement } from '../../../test/fixtures/random_movement.ts';
import { relu } from '../../layers/activations.ts';
import { add } from '../../layers/arithmetic.ts';
import { flatten } from '../../layers/flatten.ts';
import { rearrange, reshapeTo, slice, transpose } from '../../layers/rearrange.ts';
import { isRearrange } from '../builtins.ts';
import type { Graph, Value } from '../graph.ts';
import { GraphBuilder } from '../graph_builder.ts';
import { describeMovement } from '../movement/index.ts';
import { mergeMovements } from './merge_movements.ts';

const SHAPE = [2, 3, 4, 5];

/** What each node does after merging, once the outputs are found to be the same. */
function merged(graph: Graph): readonly string[] {
  const result = mergeMovements(graph);
  expectSameOutputs(result, graph);
  expectInOrder(result);
  return result.nodes.map((node) =>
    isRearrange(node) ? describeMovement(node.attributes.steps) : node.op.name,
  );
}

describe('mergeMovements', () => {
  it.each<[string, readonly string[], (g: GraphBuilder, x: Value) => Value]>([
    [
      'two transpositions',
      ['transpose [0, 1, 3, 2], transpose [0, 2, 1, 3]'],
      (g, x) => transpose(g, transpose(g, x, [0, 1, 3, 2]), [0, 2, 1, 3]),
    ],
    [
      'a transposition and its inverse, which is a view of what was there',
      ['transpose [0, 2, 3, 1], transpose [0, 3, 1, 2]'],
      (g, x) => transpose(g, transpose(g, x, [0, 2, 3, 1]), [0, 3, 1, 2]),
    ],
    [
      'two flattenings',
      ['flatten from axis 2, flatten from axis 1'],
      (g, x) => flatten(g, flatten(g, x, 2), 1),
    ],
    [
      'a slice of a slice',
      ['slice 1::1 of axis 2, slice 0:2:1 of axis 3'],
      (g, x) => slice(g, slice(g, x, 2, 1), 3, 0, 2),
    ],
    [
      'a channel shuffle from its parts',
      ['reshape [0, 1, 3, 4, 5], transpose [0, 2, 1, 3, 4], reshape [0, 3, 4, 5]'],
      (g, x) => {
        const groups = reshapeTo(g, x, [2, 1, 3, 4, 5]);
        return reshapeTo(g, transpose(g, groups, [0, 2, 1, 3, 4]), SHAPE);
      },
    ],
    [
      'movements between other nodes',
      ['pointwise', 'transpose [0, 1, 3, 2], slice 1:3:1 of axis 1', 'pointwise'],
      (g, x) => relu(g, slice(g, transpose(g, relu(g, x), [0, 1, 3, 2]), 1, 1, 3)),
    ],
  ])('makes one of %s', (_, expected, build) => {
    expect(merged(graphOf((g) => build(g, g.input('x', SHAPE))))).toEqual(expected);
  });

  it.each<[string, readonly string[], (g: GraphBuilder, x: Value) => Value]>([
    [
      'a movement that another node reads',
      ['transpose [0, 1, 3, 2]', 'flatten from axis 1', 'flatten from axis 1', 'pointwise'],
      (g, x) => {
        const turned = transpose(g, x, [0, 1, 3, 2]);
        return add(g, flatten(g.at('a'), turned), flatten(g.at('b'), turned));
      },
    ],
    [
      'steps that are no single map',
      ['transpose [0, 1, 3, 2], reshape [0, 3, 2, 10]', 'transpose [0, 1, 3, 2]'],
      (g, x) => {
        const turned = reshapeTo(g, transpose(g, x, [0, 1, 3, 2]), [2, 3, 2, 10]);
        return transpose(g, turned, [0, 1, 3, 2]);
      },
    ],
  ])('leaves %s', (_, expected, build) => {
    expect(merged(graphOf((g) => build(g, g.input('x', SHAPE))))).toEqual(expected);
  });

  it('leaves a movement that is an output', () => {
    const g = GraphBuilder.create();
    const turned = transpose(g, g.input('x', SHAPE), [0, 1, 3, 2]);
    g.output('turned', turned);
    g.output('flat', flatten(g, turned));
    expect(merged(g.build('test'))).toHaveLength(2);
  });

  it.each(seeds(60))('computes the same outputs of a random chain of seed %i', (seed) => {
    const { shape, steps } = randomMovement(new Random(seed));
    const graph = graphOf((g) =>
      steps.reduce<Value>((x, step) => rearrange(g, x, [step]), g.input('x', shape)),
    );
    expect(merged(graph).length).toBeLessThanOrEqual(steps.length);
  });

  it.each(seeds(20))('computes the same outputs of the random graph of seed %i', (seed) => {
    const graph = randomGraph(new Random(300 + seed), 25);
    merged(graph);
  });
});
