import { describe, expect, it } from 'vitest';
import { graphOf } from '../../../test/fixtures/build_one.ts';
import { expectInOrder, expectSameOutputs } from '../../../test/fixtures/compare_graphs.ts';
import { profileOf } from '../../../test/fixtures/profiles.ts';
import { Random, seeds } from '../../../test/fixtures/random.ts';
import { randomGraph } from '../../../test/fixtures/random_graph.ts';
import { gelu, relu } from '../../layers/activations.ts';
import { add, mul } from '../../layers/arithmetic.ts';
import { conv2d } from '../../layers/conv2d.ts';
import { linear } from '../../layers/linear.ts';
import { reshapeTo, transpose } from '../../layers/rearrange.ts';
import type { Graph, Value } from '../graph.ts';
import type { GraphBuilder } from '../graph_builder.ts';
import { sinkReshapes } from './sink_reshapes.ts';

const device = profileOf('gpu');

/** Operators and shapes after the pass, once the outputs are found to be the same. */
function sunk(graph: Graph): readonly string[] {
  const result = sinkReshapes(graph, device);
  expectSameOutputs(result, graph);
  expectInOrder(result);
  return result.nodes.map(({ op, output }) => `${op.name} ${output.desc.shape.join('x')}`);
}

/** Rows of a linear layer as tokens [2, 3, 8]. */
function tokens(g: GraphBuilder, name = 'fc'): Value {
  return reshapeTo(
    g.at(`${name} tokens`),
    linear(g.at(name), g.input(name, [6, 4]), { features: 8 }),
    [2, 3, 8],
  );
}

describe('sinkReshapes', () => {
  it.each<[string, readonly string[], (g: GraphBuilder) => Value]>([
    [
      'an activation',
      ['linear 6x8', 'pointwise 6x8', 'rearrange 2x3x8'],
      (g) => gelu(g, tokens(g)),
    ],
    [
      'a weight a feature',
      ['linear 6x8', 'pointwise 6x8', 'rearrange 2x3x8'],
      (g) => add(g, tokens(g), g.weight('bias', [8])),
    ],
    [
      'a weight a token, which is repeated for all images',
      ['linear 6x8', 'rearrange 2x3x8', 'pointwise 2x3x8'],
      (g) => add(g, tokens(g), g.weight('place.weight', [3, 1])),
    ],
    [
      'a weight of all tokens of all images',
      ['linear 6x8', 'pointwise 6x8', 'rearrange 2x3x8'],
      (g) => mul(g, tokens(g), g.weight('all.weight', [2, 3, 1])),
    ],
    [
      'a residual, which is reshaped in turn',
      ['linear 6x8', 'rearrange 6x8', 'pointwise 6x8', 'rearrange 2x3x8'],
      (g) => add(g, g.input('residual', [2, 3, 8]), tokens(g)),
    ],
    [
      'two of them, of which one stays the shape',
      ['linear 6x8', 'linear 6x8', 'pointwise 6x8', 'rearrange 2x3x8'],
      (g) => add(g, tokens(g, 'a'), tokens(g, 'b')),
    ],
    [
      'several in a row, which are merged',
      ['linear 6x8', 'pointwise 6x8', 'rearrange 3x2x2x4'],
      (g) => relu(g, reshapeTo(g.at('again'), relu(g.at('first'), tokens(g)), [3, 2, 2, 4])),
    ],
    [
      'feature maps seen as tokens',
      ['conv2d 1x8x2x3', 'pointwise 1x8x2x3', 'rearrange 1x8x6'],
      (g) => {
        const y = conv2d(g.at('conv'), g.input('x', [1, 4, 2, 3]), { channels: 8, kernel: 1 });
        return mul(g, reshapeTo(g.at('rows'), y, [1, 8, 6]), g.weight('gamma.weight', [8, 1]));
      },
    ],
    [
      'not a transposition',
      ['linear 6x8', 'rearrange 8x6', 'pointwise 8x6'],
      (g) =>
        relu(
          g,
          transpose(g.at('t'), linear(g.at('fc'), g.input('x', [6, 4]), { features: 8 }), [1, 0]),
        ),
    ],
    [
      'not what two read',
      ['linear 6x8', 'rearrange 2x3x8', 'pointwise 2x3x8', 'pointwise 2x3x8'],
      (g) => {
        const y = tokens(g);
        return add(g, relu(g.at('relu'), y), y);
      },
    ],
    [
      'not what is repeated by it',
      ['linear 3x8', 'rearrange 1x3x8', 'pointwise 2x3x8'],
      (g) =>
        add(
          g,
          reshapeTo(
            g.at('one'),
            linear(g.at('fc'), g.input('x', [3, 4]), { features: 8 }),
            [1, 3, 8],
          ),
          g.input('y', [2, 3, 8]),
        ),
    ],
  ])('%s', (_, expected, build) => {
    expect(sunk(graphOf(build))).toEqual(expected);
  });

  it('leaves a graph without any as it is', () => {
    const graph = graphOf((g) => relu(g, g.input('x', [2, 3])));
    expect(sinkReshapes(graph, device)).toBe(graph);
  });

  it.each(seeds(30))('computes the same outputs of the random graph of seed %i', (seed) => {
    const graph = randomGraph(new Random(500 + seed), 25);
    const result = sinkReshapes(graph, device);
    expectSameOutputs(result, graph);
    expectInOrder(result);
  });
});
