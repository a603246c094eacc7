import { describe, expect, it } from 'vitest';
import { graphOf } from '../../../test/fixtures/build_one.ts';
import { expectSameOutputs, opsOf } from '../../../test/fixtures/compare_graphs.ts';
import { add } from '../../layers/add.ts';
import { batchNorm } from '../../layers/batch_norm.ts';
import { concat } from '../../layers/concat.ts';
import { conv2d } from '../../layers/conv2d.ts';
import { operators } from '../../layers/index.ts';
import { linear } from '../../layers/linear.ts';
import { maxPool2d } from '../../layers/pool2d.ts';
import { relu } from '../../layers/relu.ts';
import type { Graph, Value } from '../graph.ts';
import { GraphBuilder } from '../graph_builder.ts';
import { fuseEpilogue } from './fuse_epilogue.ts';

const SHAPE = [1, 6, 5, 3];

function conv(g: GraphBuilder, name: string, x: Value): Value {
  return conv2d(g.at(name), x, { channels: 6, kernel: 3, padding: 1 });
}

/** The operators after fusing, once the outputs are found to be the same. */
function fused(graph: Graph): string {
  const result = fuseEpilogue(graph, operators);
  expectSameOutputs(result, graph);
  return opsOf(result);
}

describe('fuseEpilogue', () => {
  it.each<[string, string, (g: GraphBuilder) => Value]>([
    ['a relu into a convolution', 'conv2d', (g) => relu(g, conv(g, 'c', g.input('x', SHAPE)))],
    [
      'a relu into a linear layer',
      'linear',
      (g) => relu(g, linear(g, g.input('x', [2, 9]), { features: 4 })),
    ],
    ['a relu into a batch norm', 'batch_norm', (g) => relu(g, batchNorm(g, g.input('x', SHAPE)))],
    [
      'a relu into a sum that no layer takes',
      'add',
      (g) => relu(g.at('relu'), add(g, g.input('a', SHAPE), g.input('b', SHAPE))),
    ],
    [
      'a sum and a relu into a convolution',
      'conv2d',
      (g) => {
        const x = g.input('x', SHAPE);
        return relu(g, add(g, conv(g, 'c', x), x));
      },
    ],
    [
      'a sum whose second term is the convolution',
      'conv2d',
      (g) => {
        const x = g.input('x', SHAPE);
        return relu(g, add(g, x, conv(g, 'c', x)));
      },
    ],
    [
      'a sum of two convolutions into the later one',
      'conv2d conv2d',
      (g) => {
        const x = g.input('x', SHAPE);
        const [a, b] = [conv(g, 'a', x), conv(g, 'b', x)];
        return relu(g, add(g, a, b));
      },
    ],
    [
      'a sum with a convolution that the other term is made from',
      'conv2d max_pool2d conv2d',
      (g) => {
        const a = conv(g, 'a', g.input('x', SHAPE));
        const b = maxPool2d(g, a, { kernel: 3, stride: 1, padding: 1 });
        return add(g, conv(g, 'b', a), b);
      },
    ],
    [
      'a sum with the relu of a convolution, which is fused first',
      'conv2d conv2d',
      (g) => {
        const x = g.input('x', SHAPE);
        return add(g, relu(g, conv(g, 'a', x)), conv(g, 'b', x));
      },
    ],
  ])('fuses %s', (_, expected, build) => {
    expect(fused(graphOf(build))).toBe(expected);
  });

  it('takes the later of two convolutions for a sum, whichever term it is', () => {
    for (const order of [0, 1]) {
      const graph = graphOf((g) => {
        const x = g.input('x', SHAPE);
        const terms = [conv(g, 'first', x), conv(g, 'second', x)] as const;
        return order === 0 ? add(g, ...terms) : add(g, terms[1], terms[0]);
      });
      const last = fuseEpilogue(graph, operators).nodes.at(-1);
      expect(last?.name).toBe('second');
      expect(last?.inputs.residual?.name).toBe('first');
    }
  });

  it('lets a node read its residual only once that is computed', () => {
    const graph = graphOf((g) => {
      const x = g.input('x', SHAPE);
      const early = conv(g, 'early', x);
      const late = maxPool2d(g.at('late'), conv(g, 'other', x), { kernel: 1 });
      return add(g, early, late);
    });
    const { nodes } = fuseEpilogue(graph, operators);
    expect(nodes.map(({ name }) => name)).toEqual(['other', 'late', 'early']);
    expectSameOutputs(fuseEpilogue(graph, operators), graph);
  });

  it.each<[string, string, (g: GraphBuilder) => Value]>([
    [
      'a relu of a value that another node reads',
      'conv2d relu concat',
      (g) => {
        const y = conv(g, 'c', g.input('x', SHAPE));
        return concat(g, [relu(g, y), y]);
      },
    ],
    [
      'a sum of a value that another node reads',
      'conv2d add concat',
      (g) => {
        const x = g.input('x', SHAPE);
        const y = conv(g, 'c', x);
        return concat(g, [add(g, y, x), y]);
      },
    ],
    [
      'a sum of a relu of the convolution: the epilogue adds first',
      'conv2d add',
      (g) => {
        const x = g.input('x', SHAPE);
        return add(g, relu(g, conv(g, 'c', x)), x);
      },
    ],
    [
      'a convolution added to itself',
      'conv2d add',
      (g) => {
        const y = conv(g, 'c', g.input('x', SHAPE));
        return add(g, y, y);
      },
    ],
    [
      'a second residual',
      'conv2d add',
      (g) => {
        const [x, other] = [g.input('x', SHAPE), g.input('other', SHAPE)];
        return add(g, add(g, conv(g, 'c', x), x), other);
      },
    ],
    [
      'a residual into a linear layer, whose kernels take none',
      'linear add',
      (g) => {
        const x = g.input('x', [2, 9]);
        return add(g, linear(g, x, { features: 9 }), x);
      },
    ],
    [
      'a relu into an operator whose kernels have none',
      'max_pool2d relu',
      (g) => relu(g, maxPool2d(g, g.input('x', SHAPE), { kernel: 2 })),
    ],
    ['a relu into an input', 'relu', (g) => relu(g, g.input('x', SHAPE))],
  ])('does not fuse %s', (_, expected, build) => {
    expect(fused(graphOf(build))).toBe(expected);
  });

  it.each(['relu', 'add'])('does not fuse a %s of an output', (op) => {
    const g = GraphBuilder.create();
    const x = g.input('x', SHAPE);
    const y = conv(g, 'c', x);
    g.output('before', y);
    g.output('after', op === 'relu' ? relu(g, y) : add(g, y, x));
    expect(fused(g.build('test'))).toBe(`conv2d ${op}`);
  });

  it('keeps the names of the layers, which messages and profiles show', () => {
    const graph = graphOf((g) => {
      const x = g.input('x', SHAPE);
      return relu(g.at('relu'), add(g.at('add'), conv(g, 'conv3', x), x));
    });
    const [node] = fuseEpilogue(graph, operators).nodes;
    expect(node?.name).toBe('conv3');
    expect(node?.output).toBe(graph.outputs.get('y'));
  });
});
