import { describe, expect, it } from 'vitest';
import { expectSameOutputs } from '../../test/fixtures/compare_graphs.ts';
import { Random, seeds } from '../../test/fixtures/random.ts';
import { randomGraph } from '../../test/fixtures/random_graph.ts';
import { relu } from '../layers/activations.ts';
import { findModel } from '../models/index.ts';
import { buildModel } from '../models/model.ts';
import { weightsOf } from './graph.ts';
import { GraphBuilder } from './graph_builder.ts';
import { type NewShapes, reshape, shapesOf } from './reshape.ts';

describe('reshape', () => {
  it('gives the graph that the model would have built for the new shape', () => {
    const graph = buildModel(findModel('resnet50'), { size: [64, 64] });
    const expected = buildModel(findModel('resnet50'), { batch: 2, size: [65, 97] });
    const reshaped = reshape(graph, { input: [2, 3, 65, 97] });
    expect(reshaped).toEqual(expected);
  });

  it('keeps the weights as the objects that they are', () => {
    const graph = buildModel(findModel('resnet50'), { size: [64, 64] });
    const reshaped = reshape(graph, { input: [1, 3, 96, 96] });
    weightsOf(reshaped).forEach((weight, i) => {
      expect(weight).toBe(weightsOf(graph)[i]);
    });
  });

  it('computes the same for the same shapes', () => {
    for (const seed of seeds(5)) {
      const graph = randomGraph(new Random(seed), 12);
      expectSameOutputs(reshape(graph, {}), graph);
    }
  });

  it('names the layer that cannot take the new shape', () => {
    const graph = buildModel(findModel('lenet'));
    expect(() => reshape(graph, { input: [1, 1, 40, 40] })).toThrow(
      expect.objectContaining({
        name: 'ShapeError',
        message: 'linear "fc1": weight expects an input [N, 256], got [1, 1024]',
      }),
    );
  });

  it('refuses inputs that the graph does not have', () => {
    const graph = buildModel(findModel('lenet'));
    expect(() => reshape(graph, { image: [1, 1, 32, 32] })).toThrow(
      'graph "lenet" has no input "image"',
    );
  });
});

describe('shapesOf', () => {
  const g = GraphBuilder.create();
  const x = g.input('x', [2, 3, 8, 9]);
  g.output('y', relu(g.at('relu'), x));
  const graph = g.build('test');

  it.each<[NewShapes, object]>([
    [{ batch: 5 }, { x: [5, 3, 8, 9] }],
    [{ size: 4 }, { x: [2, 3, 4, 4] }],
    [{ batch: 1, size: [6, 7] }, { x: [1, 3, 6, 7] }],
    [{ x: [7, 3, 1, 1] }, { x: [7, 3, 1, 1] }],
  ])('makes shapes by name of %j', (to, expected) => {
    expect(shapesOf(graph, to)).toEqual(expected);
  });

  it('takes an input called "size" by its name', () => {
    const named = GraphBuilder.create();
    named.output('y', relu(named.at('relu'), named.input('size', [1, 4])));
    expect(shapesOf(named.build('test'), { size: [2, 4] })).toEqual({ size: [2, 4] });
  });
});
