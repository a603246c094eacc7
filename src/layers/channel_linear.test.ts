import { describe, expect, it } from 'vitest';
import { evaluate, graphOf } from '../../test/fixtures/build_one.ts';
import { weightsOf } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import { syntheticTensor } from '../runtime/weights/synthetic.ts';
import { channelLinear } from './channel_linear.ts';
import { linear } from './linear.ts';
import { reshapeTo, transpose } from './rearrange.ts';

const SHAPE = [2, 3, 4, 5] as const;

/** As PyTorch's models compute it: the channels last, a linear layer of rows, and back. */
function permuted(g: GraphBuilder) {
  const rows = reshapeTo(
    g.at('rows'),
    transpose(g.at('last'), g.input('x', SHAPE), [0, 2, 3, 1]),
    [40, 3],
  );
  const maps = reshapeTo(g.at('maps'), linear(g.at('fc'), rows, { features: 7 }), [2, 4, 5, 7]);
  return transpose(g.at('first'), maps, [0, 3, 1, 2]);
}

describe('channelLinear', () => {
  it('is a linear layer at every pixel, with its weights', () => {
    const data = {
      x: syntheticTensor('x', SHAPE),
      'fc.weight': syntheticTensor('weight', [7, 3]),
      'fc.bias': syntheticTensor('bias', [7]),
    };
    const build = (g: GraphBuilder) => channelLinear(g.at('fc'), g.input('x', SHAPE), 7);
    expect(evaluate(build, data)).toEqual(evaluate(permuted, data));
    expect(weightsOf(graphOf(build)).map(({ name, desc }) => [name, desc.shape])).toEqual([
      ['fc.weight', [7, 3]],
      ['fc.bias', [7]],
    ]);
  });

  it('is one dispatch with what follows it', () => {
    expect(graphOf((g) => channelLinear(g, g.input('x', SHAPE), 7)).nodes).toHaveLength(1);
  });
});
