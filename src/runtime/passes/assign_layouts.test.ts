import { describe, expect, it } from 'vitest';
import { faultsOf } from '../../../test/fixtures/check_plan.ts';
import {
  expectInOrder,
  expectReference,
  expectSameOutputs,
  inputsOf,
} from '../../../test/fixtures/compare_graphs.ts';
import { useDevice } from '../../../test/fixtures/device.ts';
import { profileOf } from '../../../test/fixtures/profiles.ts';
import { Random, seeds } from '../../../test/fixtures/random.ts';
import { randomGraph } from '../../../test/fixtures/random_graph.ts';
import { relu, sigmoid } from '../../layers/activations.ts';
import { globalAveragePool2d } from '../../layers/adaptive_average_pool2d.ts';
import { add, mul } from '../../layers/arithmetic.ts';
import { batchNorm } from '../../layers/batch_norm.ts';
import { concat } from '../../layers/concat.ts';
import { conv2d } from '../../layers/conv2d.ts';
import { cumSum } from '../../layers/cum_sum.ts';
import { flatten } from '../../layers/flatten.ts';
import { linear } from '../../layers/linear.ts';
import { matmul } from '../../layers/matmul.ts';
import { normalize } from '../../layers/normalize.ts';
import { averagePool2d, maxPool2d } from '../../layers/pool2d.ts';
import { rearrange, reshapeTo, shuffleChannels, slice, transpose } from '../../layers/rearrange.ts';
import { softmax } from '../../layers/softmax.ts';
import { isConcat, isRearrange } from '../builtins.ts';
import type { Graph, Value } from '../graph.ts';
import { GraphBuilder } from '../graph_builder.ts';
import { Tile } from '../movement/index.ts';
import type { ExecutionPlan } from '../plan/compile.ts';
import { prepare } from '../prepare.ts';
import { Session } from '../session.ts';
import type { DType } from '../tensor.ts';
import { syntheticWeights } from '../weights/synthetic.ts';
import { assignLayouts } from './assign_layouts.ts';

const device = useDevice();
const FAMILIES = ['gpu', 'llvmpipe', 'swiftshader'] as const;
const CPU = profileOf('llvmpipe');
const GPU = profileOf('gpu');

/** A stem, a residual block over pooled maps, a head: every reader and writer of channel-major maps. */
function network(batch: number, size = 11): Graph {
  const g = GraphBuilder.create();
  const x = g.input('x', [batch, 3, size, size]);
  const stem = relu(g, conv2d(g.at('stem'), x, { channels: 8, kernel: 3, padding: 1, stride: 2 }));
  const pooled = maxPool2d(g.at('pool'), stem, { kernel: 3, stride: 1, padding: 1 });
  const inner = relu(g, conv2d(g.at('inner'), pooled, { channels: 16, kernel: 1 }));
  const block = conv2d(g.at('outer'), inner, { channels: 8, kernel: 3, padding: 1 });
  const sum = relu(g, add(g, block, pooled));
  const mean = averagePool2d(g.at('mean'), sum, { kernel: 2, stride: 1 });
  g.output('y', globalAveragePool2d(g, mean));
  return g.build('network');
}

function planOf(graph: Graph, profile = GPU, precision: DType = 'f32'): ExecutionPlan {
  return prepare(graph, { device: profile, precision }).plan;
}

/** How many dispatches each movement and concat takes, once the plan is found right on all kinds of device. */
function copiesIn(graph: Graph, precision: DType = 'f32'): Readonly<Record<string, number>> {
  const counts = FAMILIES.map((family) => {
    const profile = profileOf(family);
    const plan = planOf(graph, profile, precision);
    expect(faultsOf(plan, profile), family).toEqual([]);
    if (precision === 'f32') expectSameOutputs(plan.graph, graph);
    const moving = plan.graph.nodes.filter((node) => isConcat(node) || isRearrange(node));
    return Object.fromEntries(
      moving.map((node) => [node.name, plan.dispatches.filter((d) => d.node === node).length]),
    );
  });
  expect(counts[1]).toEqual(counts[0]);
  expect(counts[2]).toEqual(counts[0]);
  return counts[0] ?? {};
}

function build(make: (g: GraphBuilder, x: Value) => Value, shape = [2, 4, 6, 5]): Graph {
  const g = GraphBuilder.create();
  g.output('y', make(g, g.input('x', shape)));
  return g.build('test');
}

function conv(g: GraphBuilder, name: string, x: Value, channels = 4): Value {
  return conv2d(g.at(name), x, { channels, kernel: 3, padding: 1 });
}

describe('channel-major maps', () => {
  function layoutsOf(graph: Graph): readonly string[] {
    return graph.nodes.flatMap(({ name, output }) => (output.desc.view ? [name] : []));
  }

  it('are those of CPU adapters, but for outputs of the graph', () => {
    const { graph } = planOf(network(2), CPU);
    expect(graph.nodes.map(({ name }) => name)).toEqual([
      'stem',
      'pool',
      'inner',
      'outer',
      'mean',
      'adaptive_average_pool2d',
    ]);
    expect(layoutsOf(graph)).toEqual(['stem', 'pool', 'inner', 'outer', 'mean']);
    expect(graph.nodes[0]?.output.desc.view).toEqual({ offset: 0, strides: [36, 72, 6, 1] });
    // 25 pixels of two images, up to whole fours.
    expect(graph.nodes[4]?.output.desc.view?.strides).toEqual([25, 52, 5, 1]);
  });

  it('are none for GPUs', () => {
    const graph = network(2);
    const laidOut = assignLayouts(graph, GPU);
    expect(laidOut.nodes.every((node, i) => node === graph.nodes[i])).toBe(true);
    expect(layoutsOf(planOf(network(2)).graph)).toEqual([]);
  });

  it('are not those that lie the same either way', () => {
    expect(layoutsOf(planOf(network(1, 16), CPU).graph)).toEqual(['mean']);
  });

  it('are not those that some layer reads as NCHW only, whose nodes stay as they are', () => {
    const graph = build(
      (g, x) => softmax(g, conv2d(g.at('conv'), x, { channels: 4, kernel: 1 })),
      [2, 3, 5, 5],
    );
    const laidOut = assignLayouts(graph, CPU);
    expect(laidOut.nodes.every((node, i) => node === graph.nodes[i])).toBe(true);
  });

  it('are parts of one, too', () => {
    const graph = build((g, x) => {
      const stem = conv(g, 'stem', x, 8);
      const both = concat(g.at('cat'), [conv(g, 'a', stem), conv(g, 'b', stem)]);
      return globalAveragePool2d(g, conv(g, 'last', both));
    });
    const { graph: laidOut } = planOf(graph, CPU);
    const viewOf = (name: string) =>
      laidOut.nodes.find((node) => node.name === name)?.output.desc.view;
    expect(viewOf('cat')).toEqual({ offset: 0, strides: [30, 60, 5, 1] });
    expect(viewOf('a')).toEqual({ offset: 0, strides: [30, 60, 5, 1] });
    expect(viewOf('b')).toEqual({ offset: 240, strides: [30, 60, 5, 1] });
    expect(copiesIn(graph)).toEqual({ cat: 0 });
  });

  it.each(['conv2d_direct', 'conv2d_winograd', 'conv2d_tiled'])(
    'give the results of a batch, with %s where it can',
    async (kernel) => {
      const graph = network(3);
      const inputs = inputsOf(graph);
      using session = await Session.create(device(), graph, {
        weights: syntheticWeights([]),
        kernels: () => kernel,
      });
      expectReference(graph, inputs, await session.run(inputs));
    },
  );

  it('that are outputs come back as NCHW', async () => {
    const graph = network(3);
    using session = await Session.create(device(), graph, {
      weights: syntheticWeights([]),
      observed: true,
    });
    const { inner } = await session.run(inputsOf(graph));
    const node = graph.nodes.find(({ name }) => name === 'pointwise#2');
    if (!node || !inner) throw new Error('the network lost a layer');
    const alone = { ...graph, outputs: new Map([['inner', node.output]]) };
    expectReference(alone, inputsOf(graph), { inner });
  });
});

describe('the parts of a concat', () => {
  it('are written where they belong', () => {
    const graph = build((g, x) => concat(g.at('cat'), [conv(g, 'a', x), conv(g, 'b', x)]));
    expect(copiesIn(graph)).toEqual({ cat: 0 });
    const { plan } = prepare(graph, { device: GPU });
    const [a, b, cat] = plan.graph.nodes;
    expect([a?.output.within, b?.output.within]).toEqual([cat?.output, cat?.output]);
    expect(b?.output.desc.view).toEqual({ offset: 120, strides: [240, 30, 5, 1] });
    expect(plan.activations.buffers).toHaveLength(2);
  });

  it.each(['nested', 'flat'])('of dense blocks are copied nowhere (%s concats)', (form) => {
    const graph = build((g, x) => {
      const features: Value[] = [conv(g, 'stem', x)];
      let joined = features[0] ?? x;
      for (let i = 0; i < 4; i++) {
        const at = g.at(`layer${i}`);
        const normed = relu(at.at('relu'), batchNorm(at.at('norm'), joined));
        const y = conv(at, 'conv', normed, 3);
        features.push(y);
        joined = concat(at.at('cat'), form === 'flat' ? features : [joined, y]);
      }
      return globalAveragePool2d(g, conv2d(g.at('transition'), joined, { channels: 6, kernel: 1 }));
    });
    const copies = Object.values(copiesIn(graph));
    expect(copies).toEqual([0, 0, 0, 0]);
  });

  it.each<[string, Readonly<Record<string, number>>, (g: GraphBuilder, x: Value) => Value]>([
    [
      'an input of the graph is copied',
      { cat: 1 },
      (g, x) => concat(g.at('cat'), [x, conv(g, 'a', x)]),
    ],
    [
      'a part that is there twice is copied to both places',
      { cat: 2 },
      (g, x) => {
        const a = conv(g, 'a', x);
        return concat(g.at('cat'), [a, conv(g, 'b', x), a]);
      },
    ],
    [
      'a part that another is computed from is copied: one dispatch cannot read and write one buffer',
      { cat: 1 },
      (g, x) => {
        const a = conv(g, 'a', x);
        return concat(g.at('cat'), [a, conv(g, 'b', a)]);
      },
    ],
    [
      'a part of two concats is copied to one of them',
      { first: 1, second: 0 },
      (g, x) => {
        const [a, b, c] = [conv(g, 'a', x), conv(g, 'b', x), conv(g, 'c', x)];
        const first = concat(g.at('first'), [b, a]);
        const second = concat(g.at('second'), [a, c]);
        return add(g, conv(g, 'd', first), conv(g, 'e', second));
      },
    ],
    [
      'rows are written in place',
      { rows: 0 },
      (g, x) => concat(g.at('rows'), [conv(g, 'a', x), sigmoid(g, x)], 2),
    ],
    [
      'columns are copied where a convolution computes them, and written in place where that is pointwise',
      { columns: 1 },
      (g, x) => concat(g.at('columns'), [conv(g, 'a', x), sigmoid(g, x)], 3),
    ],
    [
      'images of a batch are written in place',
      { batch: 0 },
      (g, x) => concat(g.at('batch'), [conv(g, 'a', x), sigmoid(g, x)], 0),
    ],
    [
      'a concat of concats is one memory',
      { inner: 0, outer: 0 },
      (g, x) => {
        const inner = concat(g.at('inner'), [conv(g, 'a', x), conv(g, 'b', x)]);
        return concat(g.at('outer'), [conv(g, 'c', x), inner]);
      },
    ],
    [
      'what a movement makes is made in its place',
      { turn: 1, cat: 0 },
      (g, x) =>
        concat(g.at('cat'), [shuffleChannels(g.at('turn'), conv(g, 'a', x), 2), conv(g, 'b', x)]),
    ],
    [
      'a part that is a softmax, which writes dense tensors only, is copied',
      { cat: 1 },
      (g, x) => concat(g.at('cat'), [softmax(g, conv(g, 'a', x)), conv(g, 'b', x)]),
    ],
    [
      'a part that a softmax reads is copied',
      { cat: 1 },
      (g, x) => {
        const a = conv(g, 'a', x);
        const b = softmax(g, a);
        return add(g, conv(g, 'last', concat(g.at('cat'), [a, conv(g, 'c', x)])), b);
      },
    ],
    [
      'slices that are put together again',
      { 'a.0': 0, 'b.0': 0, cat: 0 },
      (g, x) => {
        const y = conv(g, 'y', x);
        const [a, b] = [slice(g.at('a').at(0), y, 1, 0, 2), slice(g.at('b').at(0), y, 1, 2)];
        return conv(g, 'last', concat(g.at('cat'), [relu(g, a), sigmoid(g, b)]));
      },
    ],
  ])('%s', (_, expected, make) => {
    const found = copiesIn(build(make));
    expect(Object.fromEntries(Object.keys(expected).map((name) => [name, found[name]]))).toEqual(
      expected,
    );
  });

  it('that are outputs are copied; a concat that is one is not', () => {
    const g = GraphBuilder.create();
    const x = g.input('x', [2, 4, 6, 5]);
    const a = conv(g, 'a', x);
    g.output('a', a);
    g.output('y', concat(g.at('cat'), [a, conv(g, 'b', x)]));
    expect(copiesIn(g.build('test'))).toEqual({ cat: 1 });
  });

  it('of an output in f32 are copied in f16, and converted by that', () => {
    const graph = build((g, x) => concat(g.at('cat'), [conv(g, 'a', x), conv(g, 'b', x)]));
    expect(copiesIn(graph, 'f16')).toEqual({ cat: 2 });
    const inner = build((g, x) => {
      const both = concat(g.at('cat'), [conv(g, 'a', x), conv(g, 'b', x)]);
      return conv(g, 'last', both);
    });
    expect(copiesIn(inner, 'f16')).toEqual({ cat: 0 });
  });
});

describe('views', () => {
  it.each<[string, Readonly<Record<string, number>>, (g: GraphBuilder, x: Value) => Value]>([
    [
      'a flattening of a map',
      { flat: 0 },
      (g, x) => linear(g, flatten(g.at('flat'), maxPool2d(g, x, { kernel: 2 })), { features: 3 }),
    ],
    [
      'channels that a convolution reads',
      { part: 0 },
      (g, x) => conv(g, 'b', slice(g.at('part'), conv(g, 'a', x), 1, 1, 3)),
    ],
    [
      'channels of an input of the graph',
      { part: 0 },
      (g, x) => conv(g, 'b', slice(g.at('part'), x, 1, 1, 3)),
    ],
    [
      'rows that a convolution reads',
      { part: 0 },
      (g, x) => conv(g, 'b', slice(g.at('part'), conv(g, 'a', x), 2, 1, 3)),
    ],
    [
      'columns that are read element by element',
      { part: 0 },
      (g, x) => mul(g, slice(g.at('part'), conv(g, 'a', x), 3, 1, 3), g.input('f', [1, 4, 1, 1])),
    ],
    [
      'a transposition that is read element by element',
      { turn: 0 },
      (g, x) => {
        const turned = transpose(g.at('turn'), conv(g, 'a', x), [0, 2, 3, 1]);
        return add(g, turned, g.input('other', [2, 6, 5, 4]));
      },
    ],
    [
      'a reshape under another rank',
      { shape: 0 },
      (g, x) => softmax(g, reshapeTo(g.at('shape'), softmax(g.at('first'), x), [2, 4, 30])),
    ],
    [
      'a transposition and its inverse',
      { there: 0 },
      (g, x) => {
        const there = transpose(g.at('there'), conv(g, 'a', x), [0, 2, 3, 1]);
        return conv(g, 'b', transpose(g.at('back'), there, [0, 3, 1, 2]));
      },
    ],
    ['outputs of the graph', { part: 0 }, (g, x) => slice(g.at('part'), conv(g, 'a', x), 1, 2)],
  ])('are %s', (_, expected, make) => {
    expect(copiesIn(build(make))).toEqual(expected);
  });

  it.each<[string, Readonly<Record<string, number>>, (g: GraphBuilder, x: Value) => Value]>([
    [
      'columns that a convolution reads',
      { part: 1 },
      (g, x) => conv(g, 'b', slice(g.at('part'), conv(g, 'a', x), 3, 1, 3)),
    ],
    [
      'what is in reverse',
      { back: 1 },
      (g, x) => sigmoid(g, slice(g.at('back'), conv(g, 'a', x), 3, -1, undefined, -1)),
    ],
    [
      'what repeats',
      { tile: 1 },
      (g, x) =>
        sigmoid(g, rearrange(g.at('tile'), conv(g, 'a', x), [new Tile({ repeats: [1, 1, 2, 1] })])),
    ],
    [
      'weights',
      { turn: 1 },
      (g, x) => add(g, transpose(g.at('turn'), g.weight('weight', [5, 6]), [1, 0]), x),
    ],
    [
      'what adds up along an axis, unless it is dense',
      { turn: 1 },
      (g, x) => cumSum(g, transpose(g.at('turn'), conv(g, 'a', x), [0, 1, 3, 2]), 1),
    ],
    [
      'what a dispatch reads that writes beside it',
      { part: 1, cat: 0 },
      (g, x) => {
        const [a, b] = [conv(g, 'a', x), conv(g, 'b', x)];
        const part = slice(g.at('part'), a, 1, 0, 2);
        const c = maxPool2d(g.at('c'), part, { kernel: 3, stride: 1, padding: 1 });
        return conv(g, 'last', concat(g.at('cat'), [a, b, c]));
      },
    ],
  ])('are not %s', (_, expected, make) => {
    expect(copiesIn(build(make))).toEqual(expected);
  });

  it.each<[string, Readonly<Record<string, number>>, (g: GraphBuilder, x: Value) => Value]>([
    [
      'by a product: the heads of attention, side by side',
      { heads: 0 },
      (g, x) => {
        const product = matmul(g.at('product'), x, g.input('values', [2, 4, 5, 3]));
        const heads = reshapeTo(g, transpose(g.at('heads'), product, [0, 2, 1, 3]), [12, 12]);
        return linear(g.at('last'), heads, { features: 3 });
      },
    ],
    [
      'by a pointwise layer, into a part of a concat',
      { turn: 0, cat: 0 },
      (g, x) => {
        const turned = transpose(g.at('turn'), relu(g.at('relu'), x), [0, 2, 1, 3]);
        const other = sigmoid(g.at('s'), g.input('z', [2, 6, 4, 5]));
        return normalize(g, concat(g.at('cat'), [turned, other], 2), { from: 1 });
      },
    ],
    [
      'but not apart, element by element',
      { turn: 1 },
      (g, x) =>
        normalize(g, transpose(g.at('turn'), relu(g.at('relu'), x), [0, 1, 3, 2]), { from: 1 }),
    ],
    [
      'but not by what writes dense maps only',
      { turn: 1 },
      (g, x) =>
        normalize(g, transpose(g.at('turn'), softmax(g.at('first'), x), [0, 2, 1, 3]), { from: 1 }),
    ],
    [
      'but not where only a part is moved',
      { turn: 1 },
      (g, x) => {
        const turned = transpose(g.at('turn'), relu(g.at('relu'), x), [0, 2, 1, 3]);
        return normalize(g, slice(g.at('part'), turned, 1, 1, 3), { from: 1 });
      },
    ],
  ])('that a layer needs dense are written so %s', (_, expected, make) => {
    expect(copiesIn(build(make))).toEqual(expected);
  });

  it('that a layer needs dense are copied where their layer reads what would lie beside them', () => {
    const graph = build(
      (g, x) => {
        const a = relu(g.at('a'), x);
        const turned = transpose(g.at('turn'), sigmoid(g.at('b'), a), [0, 2, 1, 3]);
        return normalize(g, concat(g.at('cat'), [a, turned]), { from: 1 });
      },
      [2, 4, 4, 5],
    );
    expect(copiesIn(graph)).toEqual({ turn: 1, cat: 0 });
  });

  it('of a value keep all of it until all are read', () => {
    const graph = build((g, x) => {
      const y = conv(g, 'y', x);
      const [a, b] = [slice(g.at('a'), y, 1, 0, 2), slice(g.at('b'), y, 1, 2)];
      const first = conv(g, 'first', a);
      const second = conv(g, 'second', first);
      return add(g, conv(g, 'third', b), second);
    });
    expect(copiesIn(graph)).toEqual({ a: 0, b: 0 });
  });
});

describe('assignLayouts', () => {
  it.each(seeds(40))('keeps the outputs of the random graph of seed %i, in order', (seed) => {
    const graph = randomGraph(new Random(500 + seed), 25);
    for (const family of FAMILIES) {
      const laidOut = assignLayouts(graph, profileOf(family));
      expect(laidOut.nodes.map(({ name }) => name)).toEqual(graph.nodes.map(({ name }) => name));
      expect(expectInOrder(laidOut)).toBe(graph.nodes.length);
      expectSameOutputs(laidOut, graph);
    }
  });

  it.each(seeds(10))('keeps inputs of the graph dense: random graph of seed %i', (seed) => {
    const graph = randomGraph(new Random(600 + seed), 25);
    for (const family of FAMILIES) {
      expect(assignLayouts(graph, profileOf(family)).inputs).toEqual(graph.inputs);
    }
  });
});

describe('a movement whose ends lie under views', () => {
  const map = (g: GraphBuilder, ...shape: number[]) => g.input('x', shape);
  const cases: Readonly<Record<string, (g: GraphBuilder) => void>> = {
    'reshapes and slices a part of a concat': (g) => {
      const x = map(g, 2, 3, 4, 4);
      const part = relu(g.at('part'), x);
      g.output('whole', concat(g.at('whole'), [part, sigmoid(g.at('other'), x)]));
      const rows = reshapeTo(g.at('rows'), part, [6, 4, 4]);
      g.output('y', slice(g.at('slice'), rows, 0, 1, 5));
    },
    'makes a part of a concat across a transpose': (g) => {
      const x = map(g, 2, 3);
      const turned = transpose(g.at('turned'), relu(g.at('relu'), x), [1, 0]);
      g.output('y', concat(g.at('whole'), [reshapeTo(g.at('rows'), turned, [2, 3]), x]));
    },
    'goes from one part to another': (g) => {
      const x = map(g, 3, 2, 1, 4);
      const part = relu(g.at('part'), x);
      const rows = [part, x].map((value, i) => reshapeTo(g.at(`rows${i}`), value, [4, 6]));
      g.output('maps', concat(g.at('maps'), [part, x], 2));
      g.output('y', concat(g.at('rows'), rows));
    },
    'reads the output of a convolution backwards': (g) => {
      const maps = conv2d(g.at('conv'), map(g, 2, 3, 3, 3), { channels: 3, kernel: 3, padding: 1 });
      const rows = reshapeTo(g.at('rows'), maps, [6, 9]);
      g.output('y', slice(g.at('slice'), rows, 0, -2, undefined, -1));
    },
    'is joined alone, by parts of a later concat': (g) => {
      const x = map(g, 1, 3, 4, 4);
      const parts = [relu(g.at('a'), x), sigmoid(g.at('b'), x)];
      const inner = concat(g.at('inner'), parts);
      g.output('y', relu(g.at('relu'), concat(g.at('alone'), [inner])));
      g.output('late', concat(g.at('late'), [...parts, x]));
    },
  };
  it.each(Object.entries(cases))('%s', (_, build) => {
    const g = GraphBuilder.create();
    build(g);
    const graph = g.build('views');
    for (const family of FAMILIES) {
      for (const optimize of [true, false]) {
        const profile = profileOf(family);
        const { plan } = prepare(graph, { device: profile, optimize });
        expect(faultsOf(plan, profile), family).toEqual([]);
        expectSameOutputs(plan.graph, graph);
      }
    }
  });
});
