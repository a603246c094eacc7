import { describe, expect, it } from 'vitest';
import { add } from '../layers/arithmetic.ts';
import { batchNorm } from '../layers/batch_norm.ts';
import { linear } from '../layers/linear.ts';
import { consumers, type Graph, weightsOf } from './graph.ts';
import { GraphBuilder } from './graph_builder.ts';
import { foldBatchNorm } from './passes/fold_batch_norm.ts';

function diamond(): Graph {
  const g = GraphBuilder.create();
  const x = g.input('x', [1, 4]);
  const a = linear(g.at('a'), x, { features: 4 });
  const b = linear(g.at('a'), a, { features: 4 });
  g.output('y', add(g.at('sum'), add(g.at('twice'), a, a), b));
  return g.build('diamond');
}

describe('graphs', () => {
  it('know the readers of a value, each once even if it reads it twice', () => {
    const graph = diamond();
    const [a] = graph.nodes;
    const readers = a && consumers(graph).get(a.output);
    expect(readers?.map(({ name }) => name)).toEqual(['a#2', 'twice']);
  });

  it('list each weight once, in order of use', () => {
    expect(weightsOf(diamond()).map(({ name }) => name)).toEqual(['a.weight', 'a.bias']);
  });

  it('list the weights that derived ones are made from', () => {
    const g = GraphBuilder.create();
    g.output('y', batchNorm(g.at('bn'), linear(g.at('fc'), g.input('x', [1, 4]), { features: 4 })));
    const folded = foldBatchNorm(g.build('test'));
    expect([...weightsOf(folded)].map(({ name }) => name).sort()).toEqual([
      'bn.bias',
      'bn.running_mean',
      'bn.running_var',
      'bn.weight',
      'fc.bias',
      'fc.weight',
    ]);
  });
});
