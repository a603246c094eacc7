import { describe, expect, it } from 'vitest';
import { faultsOf } from '../../../test/fixtures/check_plan.ts';
import { expectInOrder, expectSameOutputs, opsOf } from '../../../test/fixtures/compare_graphs.ts';
import { profileOf } from '../../../test/fixtures/profiles.ts';
import { conversions } from '../../conversions.ts';
import { relu } from '../../layers/activations.ts';
import { add } from '../../layers/arithmetic.ts';
import { concatOp } from '../../layers/concat.ts';
import { linear } from '../../layers/linear.ts';
import { ANY_GPU } from '../device_profile.ts';
import type { Graph } from '../graph.ts';
import { GraphBuilder } from '../graph_builder.ts';
import { prepare } from '../prepare.ts';
import { fuseEpilogue } from './fuse_epilogue.ts';
import { splitLargeWeights } from './split_large_weights.ts';

const PASSES = { ...conversions, concat: concatOp };

function layer(outputs: number, bias: boolean): Graph {
  const g = GraphBuilder.create();
  const fc = linear(g.at('fc'), g.input('x', [3, 10]), { features: outputs, bias });
  g.output('y', relu(g.at('relu'), fc));
  return fuseEpilogue(g.build('layer'), ANY_GPU);
}

describe('splitLargeWeights', () => {
  it.each([
    [200, true, 'linear linear linear linear concat'],
    [128, false, 'linear linear concat'],
  ])('cuts a layer of %i outputs into what fits, with the same result', (outputs, bias, ops) => {
    const graph = layer(outputs, bias);
    const cut = splitLargeWeights(graph, PASSES, 4 * 10 * 64);
    expect(opsOf(cut)).toBe(ops);
    expectSameOutputs(cut, graph);
    expectInOrder(cut);
  });

  it('says of each part and of what joins them which layers of the model they compute', () => {
    const { nodes } = splitLargeWeights(layer(128, true), PASSES, 4 * 10 * 64);
    expect(nodes.map(({ name, sources }) => [name, sources])).toEqual([
      ['fc 0..63', ['fc', 'relu']],
      ['fc 64..127', ['fc', 'relu']],
      ['fc joined', ['fc', 'relu']],
    ]);
  });

  it('leaves alone what fits, and what no cut makes fit', () => {
    const graph = layer(200, true);
    expect(opsOf(splitLargeWeights(graph, PASSES, 4 * 10 * 200))).toBe('linear');
    expect(opsOf(splitLargeWeights(graph, PASSES, 4 * 10 * 63))).toBe('linear');
  });

  it('computes an epilogue with operands after the parts', () => {
    const g = GraphBuilder.create();
    const x = g.input('x', [3, 200]);
    g.output(
      'y',
      relu(g.at('relu'), add(g.at('sum'), linear(g.at('fc'), x, { features: 200 }), x)),
    );
    const graph = fuseEpilogue(g.build('residual'), ANY_GPU);
    expect(opsOf(graph)).toBe('linear');
    const cut = splitLargeWeights(graph, PASSES, 4 * 256 * 64);
    expect(opsOf(cut)).toBe('linear linear linear linear concat pointwise');
    expectSameOutputs(cut, graph);
    expectInOrder(cut);
    expect(cut.nodes.at(-1)).toMatchObject({ sources: ['fc', 'sum', 'relu'] });
    const device = profileOf('gpu', { maxStorageBufferBindingSize: 4 * 256 * 64 });
    const { plan } = prepare(g.build('residual'), { device });
    expect(faultsOf(plan, device)).toEqual([]);
  });
});
