import { describe, expect, it } from 'vitest';
import { graphOf } from '../../../test/fixtures/build_one.ts';
import { expectInOrder, expectSameOutputs } from '../../../test/fixtures/compare_graphs.ts';
import { relu } from '../../layers/activations.ts';
import { add } from '../../layers/arithmetic.ts';
import { conv2d } from '../../layers/conv2d.ts';
import { pad } from '../../layers/pad.ts';
import { maxPool2d } from '../../layers/pool2d.ts';
import type { Value } from '../graph.ts';
import type { GraphBuilder } from '../graph_builder.ts';
import { absorbPadding } from './absorb_padding.ts';

interface Amounts {
  readonly before?: readonly number[];
  readonly after?: readonly number[];
  readonly value?: number;
}

function padded(g: GraphBuilder, amounts: Amounts): Value {
  const { before = [0, 0, 1, 2], after = [0, 0, 0, 3], value = 0 } = amounts;
  return pad(g.at('pad'), g.input('x', [2, 3, 5, 4]), { before, after, value });
}

function conv(g: GraphBuilder, x: Value): Value {
  return conv2d(g, x, {
    channels: 4,
    kernel: 3,
    stride: 2,
    padding: { top: 0, left: 1, bottom: 2, right: 0 },
  });
}

describe('absorbPadding', () => {
  it.each<[string, string, (g: GraphBuilder) => Value]>([
    ['zeros around maps', 'conv2d', (g) => conv(g.at('c'), padded(g, {}))],
    ['not other numbers', 'rearrange conv2d', (g) => conv(g.at('c'), padded(g, { value: 1 }))],
    [
      'not what cuts on a side',
      'rearrange conv2d',
      (g) => conv(g.at('c'), padded(g, { after: [0, 0, -1, 2] })),
    ],
    [
      'not channels, or images',
      'rearrange conv2d',
      (g) => conv(g.at('c'), padded(g, { after: [0, 2, 1, 1] })),
    ],
    [
      'not what another reads',
      'rearrange pointwise max_pool2d conv2d pointwise',
      (g) => {
        const x = padded(g, {});
        const pooled = maxPool2d(g.at('pool'), relu(g.at('relu'), x), { kernel: 6, stride: 6 });
        const y = conv2d(g.at('c'), x, { channels: 3, kernel: [6, 9] });
        return add(g.at('sum'), y, pooled);
      },
    ],
    [
      'not for a pool, which does not count zeros',
      'rearrange max_pool2d',
      (g) => maxPool2d(g.at('pool'), padded(g, {}), { kernel: 2 }),
    ],
  ])('%s', (_, expected, build) => {
    const graph = graphOf(build);
    const result = absorbPadding(graph);
    expectSameOutputs(result, graph);
    expectInOrder(result);
    expect(result.nodes.map(({ op }) => op.name).join(' ')).toBe(expected);
  });
});
