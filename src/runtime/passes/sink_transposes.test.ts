import { describe, expect, it } from 'vitest';
import { apply } from '../../../shaders/lib/expression.ts';
import * as f from '../../../shaders/lib/expression_functions.ts';
import { graphOf } from '../../../test/fixtures/build_one.ts';
import { channelsLast } from '../../../test/fixtures/channels_last.ts';
import { expectInOrder, expectSameOutputs } from '../../../test/fixtures/compare_graphs.ts';
import { profileOf } from '../../../test/fixtures/profiles.ts';
import { Random, seeds } from '../../../test/fixtures/random.ts';
import { randomGraph } from '../../../test/fixtures/random_graph.ts';
import { relu, silu } from '../../layers/activations.ts';
import { add, mul } from '../../layers/arithmetic.ts';
import { concat } from '../../layers/concat.ts';
import { conv2d } from '../../layers/conv2d.ts';
import { flatten } from '../../layers/flatten.ts';
import { matmul } from '../../layers/matmul.ts';
import { pad } from '../../layers/pad.ts';
import { pointwise } from '../../layers/pointwise.ts';
import { maxPool2d } from '../../layers/pool2d.ts';
import { slice, transpose } from '../../layers/rearrange.ts';
import { reduce } from '../../layers/reduce.ts';
import { softmax } from '../../layers/softmax.ts';
import { isRearrange } from '../builtins.ts';
import type { Graph, Node, Value } from '../graph.ts';
import type { GraphBuilder } from '../graph_builder.ts';
import { describeMovement } from '../movement/index.ts';
import { prepare } from '../prepare.ts';
import { mergeMovements } from './merge_movements.ts';
import { sinkTransposes } from './sink_transposes.ts';

const LAST = [0, 2, 3, 1];
const FIRST = [0, 3, 1, 2];

/** Operators and shapes after the pass, once the outputs are found to be the same. */
function sunk(graph: Graph): readonly string[] {
  const result = sinkTransposes(graph);
  expectSameOutputs(result, graph);
  expectInOrder(result);
  return result.nodes.map((node) => {
    const what = isRearrange(node) ? describeMovement(node.attributes.steps) : node.op.name;
    return `${what} ${node.output.desc.shape.join('x')}`;
  });
}

/** A convolution of a map, as [1, 5, 4, 6]. */
function convLast(g: GraphBuilder, name = 'c', x: Value = g.input(name, [1, 3, 5, 4])): Value {
  const y = conv2d(g.at(name), x, { channels: 6, kernel: 1 });
  return transpose(g.at(`${name} last`), y, LAST);
}

function first(g: GraphBuilder, x: Value): Value {
  return transpose(g.at('first'), x, FIRST);
}

const CONV = 'conv2d 1x6x5x4';

const device = profileOf('gpu');

function count(graph: Graph): number {
  return prepare(graph, { device }).plan.dispatches.length;
}

function withoutSinking(graph: Graph): Graph {
  const nodes = graph.nodes.map((node): Node => {
    const { 'sink transposes': _, ...passes } = node.op.passes ?? {};
    return { ...node, op: { ...node.op, passes } };
  });
  return { ...graph, nodes };
}

describe('sinkTransposes', () => {
  it.each<[string, readonly string[], (g: GraphBuilder) => Value]>([
    [
      'two that turn one another back, and what is between',
      [CONV, 'pointwise 1x6x5x4', 'max_pool2d 1x6x2x2'],
      (g) => maxPool2d(g.at('pool'), first(g, silu(g.at('act'), convLast(g))), { kernel: 2 }),
    ],
    [
      'weights of channels, rows and pixels',
      [CONV, ...Array<string>(4).fill('pointwise 1x6x5x4'), 'max_pool2d 1x6x2x2'],
      (g) => {
        const shapes = [[6], [5, 1, 1], [1, 5, 4, 6], [1, 1, 1, 1]];
        const weighted = shapes.reduce<Value>(
          (x, shape, i) => add(g.at(`a${i}`), x, g.weight(`w${i}.weight`, shape)),
          convLast(g),
        );
        return maxPool2d(g.at('pool'), first(g, weighted), { kernel: 2 });
      },
    ],
    [
      'a residual of which others read both forms',
      [
        CONV,
        CONV,
        ...'pointwise pointwise conv2d pointwise'.split(' ').map((op) => `${op} 1x6x5x4`),
        'max_pool2d 1x6x2x2',
      ],
      (g) => {
        const sum = relu(g.at('relu'), add(g.at('sum'), convLast(g, 'a'), convLast(g, 'b')));
        const next = conv2d(g.at('next'), first(g, sum), { channels: 6, kernel: 1 });
        const y = add(g.at('again'), transpose(g.at('next last'), next, LAST), sum);
        return maxPool2d(g.at('pool'), first(g.at('end'), y), { kernel: 2 });
      },
    ],
    [
      'a gate of each channel, which is computed',
      [CONV, 'reduce 1x6x1x1', 'pointwise 1x6x5x4', 'max_pool2d 1x6x2x2'],
      (g) => {
        const y = convLast(g);
        const gate = reduce(g.at('mean'), y, 'mean', { axes: [1, 2], keepAxes: true });
        return maxPool2d(g.at('pool'), first(g, mul(g.at('gate'), y, gate)), { kernel: 2 });
      },
    ],
    [
      'a mean of all pixels',
      [CONV, 'reduce 1x6'],
      (g) => reduce(g.at('mean'), convLast(g), 'mean', { axes: [1, 2], keepAxes: false }),
    ],
    [
      'not a mean of rows, whose other axes change their order',
      [CONV, 'transpose [0, 2, 3, 1] 1x5x4x6', 'reduce 1x4x6'],
      (g) => reduce(g.at('mean'), convLast(g), 'mean', { axes: [1], keepAxes: false }),
    ],
    [
      'slices and padding, as steps of the map',
      [
        CONV,
        'slice 1:3:1 of axis 1, pad [0, 0, 1, 0] before, [0, 3, 0, 2] after with 0.5 1x5x6x6',
        'max_pool2d 1x5x3x3',
      ],
      (g) => {
        const part = slice(g.at('slice'), convLast(g), 3, 1, 3);
        const options = { before: [0, 1, 0, 0], after: [0, 0, 2, 3], value: 0.5 };
        const padded = first(g, pad(g.at('pad'), part, options));
        return maxPool2d(g.at('pool'), padded, { kernel: 2 });
      },
    ],
    [
      'parts along any axis',
      [CONV, CONV, 'concat 1x12x5x4', 'max_pool2d 1x12x2x2'],
      (g) => {
        const whole = concat(g.at('concat'), [convLast(g, 'a'), convLast(g, 'b')], 3);
        return maxPool2d(g.at('pool'), first(g, whole), { kernel: 2 });
      },
    ],
    [
      'a softmax along any axis',
      [CONV, 'softmax 1x6x5x4', 'max_pool2d 1x6x2x2'],
      (g) => {
        const shares = softmax(g.at('shares'), convLast(g), 3);
        return maxPool2d(g.at('pool'), first(g, shares), { kernel: 2 });
      },
    ],
    [
      'not parts of which one is no transposed map',
      [CONV, 'transpose [0, 2, 3, 1] 1x5x4x6', 'concat 1x5x4x8'],
      (g) => concat(g.at('c2'), [convLast(g), g.input('other', [1, 5, 4, 2])], 3),
    ],
    [
      'not with a map that is not transposed, or otherwise',
      [CONV, 'transpose [0, 2, 3, 1] 1x5x4x6', 'pointwise 1x5x4x6'],
      (g) => add(g, convLast(g), g.input('other', [1, 5, 4, 6])),
    ],
    [
      'to the end, where nothing turns it back',
      [CONV, 'pointwise 1x6x5x4', 'transpose [0, 2, 3, 1], flatten from axis 1 1x120'],
      (g) => flatten(g.at('flat'), relu(g.at('relu'), convLast(g))),
    ],
    [
      'none of an output, which is made of what was there',
      [CONV, 'transpose [0, 2, 3, 1] 1x5x4x6', 'transpose [0, 3, 1, 2] 1x6x5x4'],
      (g) => first(g, convLast(g)),
    ],
  ])('%s', (_, expected, build) => {
    expect(sunk(graphOf(build))).toEqual(expected);
  });

  it('parts a transposition from padding that was merged with it', () => {
    const graph = graphOf((g) => {
      const options = { before: [0, 0, 0, 0], after: [0, 0, 0, 2] };
      const padded = pad(g.at('pad'), convLast(g), options);
      return maxPool2d(g.at('pool'), first(g, relu(g.at('relu'), padded)), { kernel: 2 });
    });
    expect(sunk(mergeMovements(graph))).toEqual([
      CONV,
      'pad [0, 0, 0, 0] before, [0, 2, 0, 0] after with 0 1x8x5x4',
      'pointwise 1x8x5x4',
      'max_pool2d 1x8x2x2',
    ]);
  });

  it.each<[string, number, (g: GraphBuilder) => Value]>([
    [
      'an input that is prepared for a convolution',
      2,
      (g) => {
        const x = first(g, g.input('x', [1, 8, 8, 3]));
        const centred = add(g.at('m'), x, g.weight('mean.bias', [3, 1, 1]));
        const scaled = mul(g.at('s'), centred, g.weight('std.weight', [3, 1, 1]));
        return conv2d(g.at('c'), scaled, { channels: 4, kernel: 3 });
      },
    ],
    [
      'two inputs side by side',
      3,
      (g) => {
        const [a, b] = ['a', 'b'].map((x) => first(g.at(x), g.input(x, [1, 8, 8, 3])));
        const whole = concat(g.at('cat'), [a as Value, b as Value]);
        return conv2d(g.at('c'), whole, { channels: 4, kernel: 3 });
      },
    ],
    [
      'matrices that are scaled before their product',
      1,
      (g) => {
        const [a, b] = ['a', 'b'].map((x) => {
          const turned = transpose(g.at(`t${x}`), g.input(x, [1, 16, 4, 8]), [0, 2, 1, 3]);
          return pointwise(g.at(`s${x}`), [turned], (v) => apply(f.mul, v, 0.5));
        });
        return matmul(g.at('m'), a as Value, b as Value, { transposeB: true });
      },
    ],
    [
      'one computed operand of many sums',
      7,
      (g) => {
        const bias = relu(g.at('bias'), g.input('o', [4, 4, 4]));
        const ends = ['a', 'b', 'c', 'd'].map((name) => {
          const y = conv2d(g.at(name), g.input(name, [1, 3, 4, 4]), { channels: 4, kernel: 1 });
          return first(
            g.at(`${name} back`),
            add(g.at(`s${name}`), transpose(g.at(`t${name}`), y, LAST), bias),
          );
        });
        return maxPool2d(g.at('pool'), concat(g.at('cat'), ends), { kernel: 2 });
      },
    ],
  ])('takes so many dispatches: %s, %i', (_, expected, build) => {
    const { plan } = prepare(graphOf(build), { device });
    expect(plan.dispatches).toHaveLength(expected);
  });

  it.each(seeds(60))('costs nothing in the random graph of seed %i', (seed) => {
    const graph = randomGraph(new Random(5000 + seed), 25);
    expect(count(graph)).toBeLessThanOrEqual(count(withoutSinking(graph)));
  });

  it.each(seeds(60))(
    'leaves of the random graph of seed %i, channels last, what it was',
    (seed) => {
      const graph = randomGraph(new Random(5000 + seed), 25);
      const last = channelsLast(graph);
      expectSameOutputs(last, graph);
      const result = sinkTransposes(last);
      expectSameOutputs(result, graph);
      expectInOrder(result);
      const count = ({ plan }: ReturnType<typeof prepare>) => plan.dispatches.length;
      const device = profileOf('gpu');
      const all = count(prepare(last, { device }));
      expect(all).toBeLessThanOrEqual(count(prepare(last, { device, optimize: false })));
    },
  );
});
