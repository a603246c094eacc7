/** Networks whose tensors lie in parts of others, or channel-major: nothing may be copied that need not be. */
import { describe, expect, it } from 'vitest';
import { expectReference, inputsOf } from '../../test/fixtures/compare_graphs.ts';
import { useDevice } from '../../test/fixtures/device.ts';
import { kindOf } from '../runtime/device_profile.ts';
import type { Value } from '../runtime/graph.ts';
import { GraphBuilder } from '../runtime/graph_builder.ts';
import type { ExecutionPlan } from '../runtime/plan/compile.ts';
import { Session } from '../runtime/session.ts';
import { channelMajor, type Shape } from '../runtime/tensor.ts';
import { syntheticWeights } from '../runtime/weights/synthetic.ts';
import { hardSwish, relu, sigmoid } from './activations.ts';
import { adaptiveAveragePool2d, globalAveragePool2d } from './adaptive_average_pool2d.ts';
import { add, mul, sub } from './arithmetic.ts';
import { batchNorm } from './batch_norm.ts';
import { concat } from './concat.ts';
import { conv2d } from './conv2d.ts';
import { flatten } from './flatten.ts';
import { linear } from './linear.ts';
import { localResponseNorm } from './local_response_norm.ts';
import { pad2d } from './pad2d.ts';
import { averagePool2d, maxPool2d } from './pool2d.ts';
import { shuffleChannels, slice, split, transpose } from './rearrange.ts';
import { resize2d } from './resize2d.ts';

const device = useDevice();

type Build = (g: GraphBuilder, x: Value) => Value;

/** Runs a network, checks its outputs, and gives its plan. */
async function planOf(build: (g: GraphBuilder) => void): Promise<ExecutionPlan> {
  const g = GraphBuilder.create();
  build(g);
  const graph = g.build('views');
  const inputs = inputsOf(graph);
  using session = await Session.create(device(), graph, {
    weights: syntheticWeights([]),
  });
  expectReference(graph, inputs, await session.run(inputs));
  return session.plan;
}

/** The nodes that run and only move data; whichever values they copy. */
async function copiesIn(build: (g: GraphBuilder) => void): Promise<readonly string[]> {
  const { dispatches } = await planOf(build);
  return dispatches
    .filter(({ node }) => ['concat', 'rearrange'].includes(node.op.name))
    .map(({ node }) => node.name);
}

/** A convolution at a place, 1x1 by default. */
const conv = (g: GraphBuilder, name: string, x: Value, channels = 6, kernel = 1): Value =>
  conv2d(g.at(name), x, { channels, kernel, padding: (kernel - 1) / 2 });

/** Planes of 35 pixels, which are no whole fours. */
const SHAPES: readonly Shape[] = [
  [1, 5, 5, 7],
  [2, 5, 5, 7],
  [3, 5, 5, 7],
];

describe('between two convolutions', () => {
  const LAYERS: Readonly<Record<string, Build>> = {
    max_pool2d: (g, x) => maxPool2d(g.at('layer'), x, { kernel: 3, stride: 1, padding: 1 }),
    average_pool2d: (g, x) => averagePool2d(g.at('layer'), x, { kernel: 2, stride: 2 }),
    global_average_pool2d: (g, x) => globalAveragePool2d(g.at('layer'), x),
    adaptive_average_pool2d: (g, x) => adaptiveAveragePool2d(g.at('layer'), x, [3, 2]),
    // One by itself would be folded into the convolution.
    batch_norm: (g, x) => batchNorm(g.at('layer'), maxPool2d(g.at('pool'), x, { kernel: 1 })),
    local_response_norm: (g, x) => localResponseNorm(g.at('layer'), x, { size: 3, alpha: 0.5 }),
    resize2d: (g, x) => resize2d(g.at('layer'), x, { size: [9, 11] }),
    'resize2d to a size': (g, x) => resize2d(g.at('layer'), x, { like: x, mode: 'nearest' }),
    pad2d: (g, x) => pad2d(g.at('layer'), x, { top: 1, left: 2, bottom: 0, right: -1 }),
    'a 3x3 conv2d': (g, x) => conv(g, 'layer', x, 9, 3),
    'a conv2d of stride 2': (g, x) =>
      conv2d(g.at('layer'), x, { channels: 9, kernel: 3, stride: 2, padding: 1 }),
    'a depthwise conv2d': (g, x) =>
      conv2d(g.at('layer'), x, { channels: 6, kernel: 3, padding: 1, groups: 6 }),
    'a conv2d in groups': (g, x) => conv2d(g.at('layer'), x, { channels: 8, kernel: 1, groups: 2 }),
    'an epilogue': (g, x) => hardSwish(g.at('layer'), x),
    'a pointwise node': (g, x) => mul(g.at('layer'), x, g.input('gate', x.desc.shape.with(1, 1))),
    'a residual connection': (g, x) => add(g.at('layer'), conv(g, 'inner', x), x),
    'squeeze and excitation': (g, x) => {
      const squeezed = relu(g, conv(g, 'squeeze', globalAveragePool2d(g.at('pool'), x), 3));
      return mul(g.at('layer'), x, sigmoid(g, conv(g, 'excite', squeezed)));
    },
    'a normalisation added to what it reads': (g, x) => {
      const pooled = maxPool2d(g.at('pool'), x, { kernel: 2, stride: 1 });
      return add(g.at('layer'), batchNorm(g.at('norm'), pooled), pooled);
    },
    channels: (g, x) => slice(g.at('layer'), x, 1, 1, 4),
    'a concat': (g, x) => concat(g.at('layer'), [conv(g, 'left', x, 3), conv(g, 'right', x, 7, 3)]),
  };

  it.each(Object.keys(LAYERS).flatMap((name) => SHAPES.map((shape) => [name, shape] as const)))(
    '%s of %j copies nothing and is right',
    async (name, shape) => {
      const layer = LAYERS[name] ?? relu;
      const copies = await copiesIn((g) => {
        const before = conv(g, 'before', g.input('x', shape));
        g.output('y', conv(g, 'behind', layer(g, before), 4));
      });
      expect(copies).toEqual([]);
    },
  );

  it('maps are channel-major on CPU adapters', async () => {
    const { graph } = await planOf((g) => {
      const before = conv(g, 'before', g.input('x', [2, 5, 5, 7]));
      const pooled = maxPool2d(g.at('pool'), before, { kernel: 2, stride: 1 });
      g.output('y', conv(g, 'behind', pooled, 4));
    });
    const views = graph.nodes.map(({ output }) => output.desc.view);
    const onCpu = [channelMajor([2, 6, 5, 7]), channelMajor([2, 6, 4, 6]), undefined];
    const onGpu = [undefined, undefined, undefined];
    expect(views).toEqual(kindOf(device().profile) === 'cpu' ? onCpu : onGpu);
  });
});

describe('slices', () => {
  it.each(SHAPES)('of channels copy nothing: [%i, ...]', async (...shape) => {
    const copies = await copiesIn((g) => {
      const [left, right] = split(g.at('parts'), conv(g, 'stem', g.input('x', shape), 11), [4, 7]);
      if (!left || !right) throw new Error('there are two parts');
      g.output('sum', add(g.at('sum'), conv(g, 'left', left), conv(g, 'right', right, 6, 3)));
      g.output('pooled', maxPool2d(g.at('pool'), right, { kernel: 2 }));
    });
    expect(copies).toEqual([]);
  });

  it('of images copy nothing', async () => {
    const copies = await copiesIn((g) => {
      const stem = conv(g, 'stem', g.input('x', [3, 5, 5, 7]));
      g.output('last', conv(g, 'last', slice(g.at('two'), stem, 0, 1, 3), 4, 3));
      g.output('first', maxPool2d(g.at('first'), slice(g.at('one'), stem, 0, 0, 1), { kernel: 2 }));
    });
    expect(copies).toEqual([]);
  });

  it('of inputs of the graph copy nothing', async () => {
    const copies = await copiesIn((g) => {
      const x = g.input('x', [2, 7, 5, 7]);
      g.output('channels', conv(g, 'channels', slice(g.at('some'), x, 1, 2, 5), 4, 3));
      g.output('image', conv(g, 'image', slice(g.at('one'), x, 0, 1), 4));
      g.output('rows', maxPool2d(g.at('rows'), slice(g.at('upper'), x, 2, 1, 4), { kernel: 2 }));
    });
    expect(copies).toEqual([]);
  });

  it('as operands of an epilogue copy nothing', async () => {
    const copies = await copiesIn((g) => {
      const stem = conv(g, 'stem', g.input('x', [2, 5, 5, 7]), 12);
      const [left, right] = split(g.at('parts'), stem, [6, 6]);
      if (!left || !right) throw new Error('there are two parts');
      g.output('y', add(g.at('sum'), conv(g, 'conv', left, 6, 3), right));
    });
    expect(copies).toEqual([]);
  });

  it('may be outputs', async () => {
    await planOf((g) => {
      const stem = conv(g, 'stem', g.input('x', [2, 5, 5, 7]));
      g.output('stem', stem);
      g.output('channels', slice(g.at('channels'), stem, 1, 1, 4));
      g.output('image', slice(g.at('image'), stem, 0, 1));
      g.output('columns', slice(g.at('columns'), stem, 3, 5, 0, -2));
      g.output('input', slice(g.at('input'), g.input('z', [2, 4, 3]), 1, 1, 3));
    });
  });

  it('that kernels cannot read are copied', async () => {
    const copies = await copiesIn((g) => {
      const stem = conv(g, 'stem', g.input('x', [2, 5, 5, 7]));
      g.output('y', conv(g, 'behind', slice(g.at('columns'), stem, 3, 1, 6), 4));
    });
    expect(copies).toEqual(['columns']);
  });

  it('and transposed tensors, more strides than are bound, are read by one kernel', async () => {
    const shape = [2, 3, 2, 3, 2, 2, 2, 2];
    const orders = [1, 2, 3, 4, 5, 6].map((by) => shape.map((_, axis) => (axis + by) % 8));
    await planOf((g) => {
      const terms = orders.map((order, i) => {
        const from = Array<number>(8);
        order.forEach((axis, to) => {
          from[axis] = shape[to] ?? 1;
        });
        const x = relu(g.at(`relu${i}`), g.input(`x${i}`, from));
        return transpose(g.at(`x${i}`), x, order);
      });
      const [first, ...rest] = terms;
      if (!first) throw new Error('there are terms');
      g.output(
        'y',
        rest.reduce((sum, term) => sub(g, sum, term), first),
      );
    });
  });
});

describe('concats', () => {
  it.each(SHAPES)('are written in place: [%i, ...]', async (...shape) => {
    const copies = await copiesIn((g) => {
      const x = conv(g, 'stem', g.input('x', shape));
      const parts = [
        conv(g, 'left', x, 3),
        maxPool2d(g.at('pool'), x, { kernel: 3, stride: 1, padding: 1 }),
        relu(g, conv(g, 'right', x, 5, 3)),
      ];
      g.output('y', conv(g, 'behind', concat(g.at('joined'), parts), 4, 3));
    });
    expect(copies).toEqual([]);
  });

  it('are written in place where they are outputs', async () => {
    const copies = await copiesIn((g) => {
      const x = g.input('x', [2, 5, 5, 7]);
      g.output('y', concat(g.at('joined'), [conv(g, 'left', x, 3), conv(g, 'right', x, 5)]));
    });
    expect(copies).toEqual([]);
  });

  it.each([
    [0, 0],
    [2, 0],
    [3, 2],
  ])('along axis %i take %i copies', async (axis, expected) => {
    const copies = await copiesIn((g) => {
      const x = conv(g, 'stem', g.input('x', [2, 5, 5, 7]));
      const parts = [conv(g, 'left', x, 3), conv(g, 'right', x, 3, 3)];
      g.output('y', conv(g, 'behind', concat(g.at('joined'), parts, axis), 4));
    });
    expect(copies).toHaveLength(expected);
  });

  it('of a value with itself copy it twice', async () => {
    const copies = await copiesIn((g) => {
      const x = conv(g, 'stem', g.input('x', [2, 5, 5, 7]));
      const other = conv(g, 'other', x, 3);
      g.output('y', conv(g, 'behind', concat(g.at('joined'), [x, other, x]), 4));
    });
    expect(copies).toEqual(['joined', 'joined']);
  });

  it('of inputs, weights and parts that are outputs, too, copy these', async () => {
    const copies = await copiesIn((g) => {
      const x = g.input('x', [2, 5, 5, 7]);
      const [left, right] = [conv(g, 'left', x, 3), conv(g, 'right', x, 5)];
      const weight = g.weight('weight', [2, 1, 5, 7]);
      g.output('left', left);
      g.output('y', conv(g, 'behind', concat(g.at('joined'), [x, left, right, weight]), 4));
    });
    expect(copies).toEqual(['joined', 'joined', 'joined']);
  });

  it('one in the other copy nothing, as in DenseNet', async () => {
    const copies = await copiesIn((g) => {
      let x = conv(g, 'stem', g.input('x', [2, 3, 5, 7]), 5);
      for (let i = 0; i < 4; i++) {
        const normed = relu(g, batchNorm(g.at(`norm${i}`), x));
        const narrow = relu(g, conv(g, `narrow${i}`, normed, 8));
        x = concat(g.at(`joined${i}`), [x, conv(g, `new${i}`, narrow, 3, 3)]);
      }
      g.output('y', maxPool2d(g.at('pool'), x, { kernel: 2 }));
    });
    expect(copies).toEqual([]);
  });

  it('whose part the producer of another reads copy one of them', async () => {
    const copies = await copiesIn((g) => {
      const x = conv(g, 'stem', g.input('x', [2, 3, 5, 7]), 5);
      const next = conv(g, 'next', x, 3, 3);
      g.output('y', conv(g, 'behind', concat(g.at('joined'), [x, next]), 4));
    });
    expect(copies).toEqual(['joined']);
  });

  it('of what a tensor was cut into are right', async () => {
    await planOf((g) => {
      const stem = conv(g, 'stem', g.input('x', [2, 3, 5, 7]), 8);
      const [kept, used] = split(g.at('parts'), stem, [4, 4]);
      if (!kept || !used) throw new Error('there are two parts');
      g.output('y', conv(g, 'behind', concat(g.at('joined'), [kept, used]), 4));
      g.output('z', maxPool2d(g.at('pool'), used, { kernel: 2 }));
    });
  });

  it('of parts of which one is read elsewhere are right', async () => {
    await planOf((g) => {
      const x = g.input('x', [2, 3, 5, 7]);
      const [left, right] = [conv(g, 'left', x, 3), conv(g, 'right', x, 5, 3)];
      const joined = concat(g.at('joined'), [left, right]);
      g.output('y', conv(g, 'behind', joined, 4));
      g.output('left', add(g.at('again'), conv(g, 'left again', left, 3), left));
      g.output('both', concat(g.at('both'), [joined, maxPool2d(g, left, { kernel: 1 })]));
    });
  });

  it('of vectors are right', async () => {
    await planOf((g) => {
      const x = flatten(g.at('flat'), conv(g, 'stem', g.input('x', [2, 3, 3, 3]), 2));
      const parts = [linear(g.at('a'), x, { features: 5 }), linear(g.at('b'), x, { features: 7 })];
      g.output('y', linear(g.at('c'), relu(g, concat(g.at('joined'), parts)), { features: 3 }));
    });
  });
});

describe('movements', () => {
  it('a flattening copies nothing', async () => {
    const copies = await copiesIn((g) => {
      const x = flatten(g.at('flat'), conv(g, 'stem', g.input('x', [2, 3, 5, 7])));
      g.output('y', linear(g.at('fc'), x, { features: 5 }));
    });
    expect(copies).toEqual([]);
  });

  it('a shuffle of two branches is one copy', async () => {
    const copies = await copiesIn((g) => {
      const stem = conv(g, 'stem', g.input('x', [2, 3, 5, 7]), 8);
      const [kept, used] = split(g.at('parts'), stem, [4, 4]);
      if (!kept || !used) throw new Error('there are two parts');
      const joined = concat(g.at('joined'), [kept, conv(g, 'branch', used, 4, 3)]);
      g.output('y', conv(g, 'behind', shuffleChannels(g.at('shuffled'), joined, 2), 4));
    });
    // The part that is kept goes into the concat, and both are moved.
    expect(copies.length).toBeLessThanOrEqual(2);
  });
});
