import { describe, expect, it } from 'vitest';
import { graphOf } from '../../../test/fixtures/build_one.ts';
import { expectInOrder, expectSameOutputs, opsOf } from '../../../test/fixtures/compare_graphs.ts';
import { Random, seeds } from '../../../test/fixtures/random.ts';
import { randomGraph } from '../../../test/fixtures/random_graph.ts';
import { relu } from '../../layers/activations.ts';
import { add } from '../../layers/arithmetic.ts';
import { batchNorm } from '../../layers/batch_norm.ts';
import { convTranspose2d } from '../../layers/conv_transpose2d.ts';
import { conv2d } from '../../layers/conv2d.ts';
import { linear } from '../../layers/linear.ts';
import { ANY_GPU } from '../device_profile.ts';
import { type Input, isConstant, weightsOf } from '../graph.ts';
import { GraphBuilder } from '../graph_builder.ts';
import { tensorDesc } from '../tensor.ts';
import { ConstantReader } from '../weights/constant_reader.ts';
import { foldBatchNorm } from './fold_batch_norm.ts';
import { fuseEpilogue } from './fuse_epilogue.ts';

const OPTIONS = { channels: 6, kernel: 3, padding: 1 };

describe('foldBatchNorm', () => {
  it.each([true, false])('folds into a convolution (bias: %s)', (bias) => {
    const graph = graphOf((g) =>
      batchNorm(g.at('bn'), conv2d(g.at('conv'), g.input('x', [2, 4, 5, 3]), { ...OPTIONS, bias })),
    );
    const folded = foldBatchNorm(graph);
    expect(opsOf(folded)).toBe('conv2d');
    expect(folded.nodes[0]?.name).toBe('conv');
    expectSameOutputs(folded, graph);
  });

  it('folds into a grouped convolution', () => {
    const graph = graphOf((g) =>
      batchNorm(
        g.at('bn'),
        conv2d(g.at('conv'), g.input('x', [1, 4, 5, 3]), { ...OPTIONS, groups: 2 }),
      ),
    );
    expect(opsOf(foldBatchNorm(graph))).toBe('conv2d');
    expectSameOutputs(foldBatchNorm(graph), graph);
  });

  it.each([
    { bias: true, groups: 1 },
    { bias: false, groups: 2 },
  ])('folds into a transposed convolution (bias: $bias, $groups groups)', (options) => {
    const graph = graphOf((g) => {
      const x = g.input('x', [1, 4, 5, 3]);
      return batchNorm(g.at('bn'), convTranspose2d(g.at('up'), x, { ...OPTIONS, ...options }));
    });
    expect(opsOf(foldBatchNorm(graph))).toBe('conv_transpose2d');
    expectSameOutputs(foldBatchNorm(graph), graph);
  });

  it.each([true, false])('folds into a linear layer (bias: %s)', (bias) => {
    const graph = graphOf((g) =>
      batchNorm(g.at('bn'), linear(g.at('fc'), g.input('x', [3, 20]), { features: 7, bias })),
    );
    expect(opsOf(foldBatchNorm(graph))).toBe('linear');
    expectSameOutputs(foldBatchNorm(graph), graph);
  });

  it('folds two in a row into one layer', () => {
    const graph = graphOf((g) => {
      const y = conv2d(g.at('conv'), g.input('x', [1, 4, 5, 3]), OPTIONS);
      return batchNorm(g.at('bn2'), batchNorm(g.at('bn1'), y), 0.1);
    });
    expect(opsOf(foldBatchNorm(graph))).toBe('conv2d');
    expectSameOutputs(foldBatchNorm(graph), graph);
  });

  it('folds layers that share a weight apart', () => {
    const graph = graphOf((g) => {
      const x = g.input('x', [1, 4, 5, 3]);
      const layer = () => conv2d(g.at('shared'), x, OPTIONS);
      return add(g, batchNorm(g.at('bn1'), layer()), batchNorm(g.at('bn2'), layer()));
    });
    expect(opsOf(foldBatchNorm(graph))).toBe('conv2d conv2d pointwise');
    expectSameOutputs(foldBatchNorm(graph), graph);
  });

  it('computes weight * gamma / sqrt(variance + epsilon), and the bias to it, in f64', () => {
    const graph = graphOf((g) => {
      const y = linear(g.at('fc'), g.input('x', [1, 1]), { features: 1 });
      return batchNorm(g.at('bn'), y, 0.5);
    });
    const [node] = foldBatchNorm(graph).nodes;
    const reader = new ConstantReader(
      {
        name: 'test',
        tensors: undefined,
        read: (name) => Float32Array.of(VALUES[name] ?? Number.NaN),
      },
      () => {},
    );
    const VALUES: Readonly<Record<string, number>> = {
      'fc.weight': 3,
      'fc.bias': 5,
      'bn.weight': 7,
      'bn.bias': 11,
      'bn.running_mean': 13,
      'bn.running_var': 1.75,
    };
    const scale = 7 / Math.sqrt(1.75 + 0.5);
    const read = (role: string): number | undefined => {
      const value = node?.inputs[role];
      return value && isConstant(value) ? reader.read(value)[0] : undefined;
    };
    expect(read('weight')).toBe(Math.fround(3 * scale));
    expect(read('bias')).toBe(Math.fround((5 - 13) * scale + 11));
  });

  it('still reads the same weights', () => {
    const graph = graphOf((g) =>
      batchNorm(g.at('bn'), conv2d(g.at('conv'), g.input('x', [1, 4, 5, 3]), OPTIONS)),
    );
    const names = (of: typeof graph): readonly string[] => weightsOf(of).map(({ name }) => name);
    expect([...names(foldBatchNorm(graph))].sort()).toEqual([...names(graph)].sort());
  });

  it('leaves the graph that it is given as it is', () => {
    const graph = graphOf((g) =>
      batchNorm(g.at('bn'), conv2d(g.at('conv'), g.input('x', [1, 4, 5, 3]), OPTIONS)),
    );
    foldBatchNorm(graph);
    expect(opsOf(graph)).toBe('conv2d batch_norm');
  });

  describe('does not fold', () => {
    it('where something else reads the layer', () => {
      const graph = graphOf((g) => {
        const y = conv2d(g.at('conv'), g.input('x', [1, 4, 5, 3]), OPTIONS);
        return add(g, batchNorm(g.at('bn'), y), y);
      });
      expect(opsOf(foldBatchNorm(graph))).toBe('conv2d batch_norm pointwise');
    });

    it('where the layer is an output', () => {
      const g = GraphBuilder.create();
      const y = conv2d(g.at('conv'), g.input('x', [1, 4, 5, 3]), OPTIONS);
      g.output('conv', y);
      g.output('bn', batchNorm(g.at('bn'), y));
      expect(opsOf(foldBatchNorm(g.build('test')))).toBe('conv2d batch_norm');
    });

    it('after a relu', () => {
      const graph = graphOf((g) => {
        const y = conv2d(g.at('conv'), g.input('x', [1, 4, 5, 3]), OPTIONS);
        return batchNorm(g.at('bn'), relu(g, y));
      });
      expect(opsOf(foldBatchNorm(graph))).toBe('conv2d pointwise batch_norm');
    });

    it('after a sum', () => {
      const graph = graphOf((g) => {
        const x = g.input('x', [1, 6, 5, 3]);
        return batchNorm(g.at('bn'), add(g, conv2d(g.at('conv'), x, OPTIONS), x));
      });
      expect(opsOf(foldBatchNorm(graph))).toBe('conv2d pointwise batch_norm');
    });

    it('into nothing: after an input', () => {
      const graph = graphOf((g) => batchNorm(g.at('bn'), g.input('x', [1, 4, 5, 3])));
      expect(opsOf(foldBatchNorm(graph))).toBe('batch_norm');
    });

    it.each(['relu', 'residual'])('into a layer with a fused %s', (part) => {
      const graph = graphOf((g) => {
        const x = g.input('x', [1, 6, 5, 3]);
        const conv = conv2d(g.at('conv'), x, OPTIONS);
        return batchNorm(g.at('bn'), part === 'relu' ? relu(g, conv) : add(g, conv, x));
      });
      const fused = fuseEpilogue(graph, ANY_GPU);
      expect(opsOf(fused)).toBe('conv2d batch_norm');
      expect(opsOf(foldBatchNorm(fused))).toBe('conv2d batch_norm');
      expectSameOutputs(foldBatchNorm(fused), graph);
    });

    it('a norm with an epilogue of its own', () => {
      const graph = graphOf((g) => {
        const y = conv2d(g.at('conv'), g.input('x', [1, 4, 5, 3]), OPTIONS);
        return relu(g, batchNorm(g.at('bn'), y));
      });
      const fused = fuseEpilogue(graph, ANY_GPU);
      expect(opsOf(foldBatchNorm(fused))).toBe('conv2d batch_norm');
      expectSameOutputs(foldBatchNorm(fused), graph);
    });

    it('where weights are no constants', () => {
      const graph = graphOf((g) =>
        batchNorm(g.at('bn'), conv2d(g.at('conv'), g.input('x', [1, 4, 5, 3]), OPTIONS)),
      );
      const [conv, norm] = graph.nodes;
      if (!conv || !norm) throw new Error('the graph is empty');
      const weight: Input = { kind: 'input', name: 'weight', desc: tensorDesc([6, 4, 3, 3]) };
      const node = { ...conv, inputs: { ...conv.inputs, weight } };
      const fed = { ...graph, inputs: [...graph.inputs, weight], nodes: [node, norm] };
      expect(opsOf(foldBatchNorm(fed))).toBe('conv2d batch_norm');
    });
  });

  it.each(seeds(20))('computes the same outputs of the random graph of seed %i', (seed) => {
    const graph = randomGraph(new Random(seed), 20);
    const folded = foldBatchNorm(graph);
    expectSameOutputs(folded, graph);
    expect(expectInOrder(folded)).toBeLessThanOrEqual(graph.nodes.length);
  });
});
