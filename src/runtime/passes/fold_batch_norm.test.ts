import { describe, expect, it } from 'vitest';
import { graphOf } from '../../../test/fixtures/build_one.ts';
import { expectSameOutputs, opsOf } from '../../../test/fixtures/compare_graphs.ts';
import { add } from '../../layers/add.ts';
import { batchNorm } from '../../layers/batch_norm.ts';
import { conv2d } from '../../layers/conv2d.ts';
import { linear } from '../../layers/linear.ts';
import { relu } from '../../layers/relu.ts';
import { isConstant, weightsOf } from '../graph.ts';
import { GraphBuilder } from '../graph_builder.ts';
import { ConstantReader } from '../weights/constant_reader.ts';
import { foldBatchNorm } from './fold_batch_norm.ts';

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
    expect(opsOf(foldBatchNorm(graph))).toBe('conv2d conv2d add');
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
      expect(opsOf(foldBatchNorm(graph))).toBe('conv2d batch_norm add');
    });

    it('where the layer is an output', () => {
      const g = GraphBuilder.create();
      const y = conv2d(g.at('conv'), g.input('x', [1, 4, 5, 3]), OPTIONS);
      g.output('conv', y);
      g.output('bn', batchNorm(g.at('bn'), y));
      expect(opsOf(foldBatchNorm(g.build('test')))).toBe('conv2d batch_norm');
    });

    it('behind a relu', () => {
      const graph = graphOf((g) => {
        const y = conv2d(g.at('conv'), g.input('x', [1, 4, 5, 3]), OPTIONS);
        return batchNorm(g.at('bn'), relu(g, y));
      });
      expect(opsOf(foldBatchNorm(graph))).toBe('conv2d relu batch_norm');
    });

    it('behind a sum', () => {
      const graph = graphOf((g) => {
        const x = g.input('x', [1, 6, 5, 3]);
        return batchNorm(g.at('bn'), add(g, conv2d(g.at('conv'), x, OPTIONS), x));
      });
      expect(opsOf(foldBatchNorm(graph))).toBe('conv2d add batch_norm');
    });

    it('into nothing: behind an input', () => {
      const graph = graphOf((g) => batchNorm(g.at('bn'), g.input('x', [1, 4, 5, 3])));
      expect(opsOf(foldBatchNorm(graph))).toBe('batch_norm');
    });

    it.each(['relu', 'residual'])('into a layer with a fused %s', (part) => {
      const graph = graphOf((g) => {
        const x = g.input('x', [1, 6, 5, 3]);
        return batchNorm(g.at('bn'), conv2d(g.at('conv'), x, OPTIONS));
      });
      const [x] = graph.inputs;
      const nodes = graph.nodes.map((node) => {
        if (node.op !== 'conv2d' || !x) return node;
        return part === 'relu'
          ? { ...node, attributes: { ...node.attributes, activation: 'relu' } }
          : { ...node, inputs: { ...node.inputs, residual: x } };
      });
      const fused = { ...graph, nodes };
      expect(opsOf(foldBatchNorm(fused))).toBe('conv2d batch_norm');
    });
  });
});
