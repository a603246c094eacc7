import { describe, expect, it } from 'vitest';
import { expectInOrder } from '../../../test/fixtures/compare_graphs.ts';
import { useDevice } from '../../../test/fixtures/device.ts';
import { profileOf } from '../../../test/fixtures/profiles.ts';
import { Random, seeds } from '../../../test/fixtures/random.ts';
import { randomGraph } from '../../../test/fixtures/random_graph.ts';
import { conversions } from '../../conversions.ts';
import { relu } from '../../layers/activations.ts';
import { argMax } from '../../layers/arg_reduce.ts';
import { mul } from '../../layers/arithmetic.ts';
import { batchNorm } from '../../layers/batch_norm.ts';
import { concat, concatOp } from '../../layers/concat.ts';
import { conv2d } from '../../layers/conv2d.ts';
import { flatten } from '../../layers/flatten.ts';
import { gather } from '../../layers/gather.ts';
import { linear } from '../../layers/linear.ts';
import { maxPool2d } from '../../layers/pool2d.ts';
import { reshapeTo } from '../../layers/rearrange.ts';
import { reduce } from '../../layers/reduce.ts';
import { scatter } from '../../layers/scatter.ts';
import { softmax } from '../../layers/softmax.ts';
import { verify } from '../../profiling/verify.ts';
import type { DeviceProfile } from '../device_profile.ts';
import { UnsupportedError } from '../errors.ts';
import type { Graph } from '../graph.ts';
import { GraphBuilder } from '../graph_builder.ts';
import { isolate } from '../isolate.ts';
import { observe } from '../observe.ts';
import { type Prepared, prepare } from '../prepare.ts';
import { Session } from '../session.ts';
import { syntheticTensor, syntheticWeights } from '../weights/synthetic.ts';
import type { WeightSource } from '../weights/weight_source.ts';
import { assignPrecision } from './assign_precision.ts';
import { splitLargeWeights } from './split_large_weights.ts';

const PASSES = { ...conversions, concat: concatOp };

const device = useDevice();

/** A convolution of 3 to 5 channels on 3 x 3 pixels, and a classifier of 7: all counts are odd. */
function network(): Graph {
  const g = GraphBuilder.create();
  const x = g.input('x', [1, 3, 3, 3]);
  const y = relu(g.at('relu'), conv2d(g.at('conv'), x, { channels: 5, kernel: 1 }));
  const logits = linear(g.at('fc'), flatten(g.at('flat'), y), { features: 7 });
  g.output('logits', logits);
  g.output('probabilities', softmax(g.at('softmax'), logits));
  return g.build('network');
}

const half = (graph: Graph): Graph => assignPrecision(graph, conversions.pointwise, 'f16');

function storedAs(graph: Graph): readonly string[] {
  return graph.nodes.map(({ name, output }) => `${name}: ${output.desc.dtype}`);
}

/** Layers alone: no node is pointwise. */
function layers(): Graph {
  const g = GraphBuilder.create();
  const x = g.input('x', [2, 16, 9, 7]);
  const wide = conv2d(g.at('wide'), x, { channels: 32, kernel: 3, padding: 1 });
  const apart = conv2d(g.at('apart'), x, { channels: 16, kernel: 3, groups: 16 });
  const last = conv2d(g.at('last'), wide, { channels: 5, kernel: 1 });
  g.output('wide', wide);
  g.output('pooled', maxPool2d(g.at('pool'), apart, { kernel: 2 }));
  g.output('last', batchNorm(g.at('norm'), last));
  return g.build('layers');
}

describe('assignPrecision', () => {
  it('has inputs read as they are where nothing can convert them', () => {
    const { inputs, nodes } = assignPrecision(layers(), undefined, 'f16');
    expect(inputs.map(({ desc }) => desc.dtype)).toEqual(['f32']);
    const types = nodes.map(({ name, inputs: { x }, output }) => [
      name,
      x?.desc.dtype,
      output.desc.dtype,
    ]);
    expect(types).toEqual([
      ['wide', 'f32', 'f32'],
      ['apart', 'f32', 'f16'],
      ['last', 'f32', 'f16'],
      ['pool', 'f16', 'f32'],
      ['norm', 'f16', 'f32'],
    ]);
  });

  it('stores what flows as f16, and what callers see as f32', () => {
    expect(storedAs(half(network()))).toEqual([
      'x as f16: f16',
      'conv: f16',
      'relu: f16',
      'flat: f16',
      'fc: f16',
      'fc as f32: f32',
      'softmax: f32',
    ]);
    const { inputs, outputs } = half(network());
    const edges = [...inputs, ...outputs.values()];
    expect(edges.map(({ desc }) => desc.dtype)).toEqual(['f32', 'f32', 'f32']);
  });

  it('stores matrices as f16, and vectors as f32', () => {
    const g = GraphBuilder.create();
    const conv = conv2d(g.at('conv'), g.input('x', [1, 3, 3, 3]), { channels: 4, kernel: 1 });
    g.output('y', batchNorm(g.at('norm'), conv));
    const types = half(g.build('norm')).nodes.flatMap(({ inputs }) =>
      Object.entries(inputs).map(([role, { desc }]) => `${role} ${desc.dtype}`),
    );
    expect(types).toEqual([
      'x f32',
      'x f16',
      'weight f16',
      'bias f32',
      'x f16',
      'weight f32',
      'bias f32',
      'running_mean f32',
      'running_var f32',
    ]);
  });

  it('converts a view that is an output, and observed layers', () => {
    const g = GraphBuilder.create();
    g.output('y', flatten(g.at('flat'), relu(g.at('relu'), g.input('x', [1, 2, 2, 2]))));
    const observed = observe(g.build('view'), ['x', 'relu']);
    expect(storedAs(half(observed))).toEqual([
      'x as f16: f16',
      'relu: f16',
      'relu as f32: f32',
      'flat: f16',
      'flat as f32: f32',
    ]);
    expect(half(observed).outputs.get('x')).toBe(observed.inputs[0]);
  });

  it('changes nothing the second time, and nothing for f32', () => {
    const graph = half(network());
    expect(half(graph)).toEqual(graph);
    expect(half(graph).nodes.every((node, i) => node === graph.nodes[i])).toBe(true);
    const plain = network();
    expect(assignPrecision(plain, conversions.pointwise, 'f32')).toBe(plain);
  });

  it('leaves exact layers what they read and make', () => {
    const g = GraphBuilder.create();
    const x = g.input('x', [2, 3]);
    const values = relu(g.at('relu'), x);
    const put = scatter(g.at('put'), values, g.input('places', [2, 3]), g.weight('u', [2, 3]));
    g.output('y', relu(g.at('after'), scatter(g.at('again'), put, g.weight('more', [2, 3]), put)));
    const { nodes } = half(g.build('indices'));
    const read = nodes.map(({ name, inputs }) => {
      const types = Object.entries(inputs).map(([role, { desc }]) => `${role} ${desc.dtype}`);
      return `${name}: ${types.join(', ')}`;
    });
    expect(read).toEqual([
      'x as f16: x f32',
      'relu: x0 f16',
      'put: x f32, indices f32, updates f32',
      'again: x f32, indices f32, updates f32',
      'after: x0 f32',
    ]);
  });

  it('keeps what is computed of indices alone, however often, as they are', () => {
    const g = GraphBuilder.create();
    const x = g.input('x', [4096, 3]);
    const best = argMax(g.at('best'), x, { axis: 0, keepAxis: false });
    const halves = mul(g.at('half'), best, 0.5);
    const rows = relu(g.at('rows'), reshapeTo(g.at('flat'), halves, [-1]));
    g.output('y', softmax(g.at('softmax'), gather(g.at('chosen'), relu(g.at('relu'), x), rows)));
    expect(storedAs(half(g.build('indices')))).toEqual([
      'x as f16: f16',
      'best: f32',
      'half: f32',
      'flat: f32',
      'rows: f32',
      'relu: f32',
      'chosen: f32',
      'softmax: f32',
    ]);
  });

  it('keeps indices that are computed of an input, joined and reduced, as they are', () => {
    const g = GraphBuilder.create();
    const x = g.input('x', [4096, 3]);
    const ids = mul(g.at('half'), g.input('ids', [2, 3]), 0.5);
    const all = concat(g.at('all'), [ids, argMax(g.at('best'), x, { axis: 0, keepAxis: true })], 0);
    const last = reduce(g.at('last'), all, 'max', { axes: [0], keepAxes: false });
    const y = gather(g.at('chosen'), relu(g.at('relu'), x), last);
    g.output('y', softmax(g.at('softmax'), y));
    expect(storedAs(half(g.build('indices')))).toEqual([
      'x as f16: f16',
      'half: f32',
      'best: f32',
      'all: f32',
      'last: f32',
      'relu: f32',
      'chosen: f32',
      'softmax: f32',
    ]);
  });

  it('gives a layer by itself edges in f32', () => {
    const conv = half(network()).nodes.find(({ name }) => name === 'conv');
    const alone = assignPrecision(isolate(conv ?? fail()), conversions.pointwise, 'f32');
    expect(storedAs(alone)).toEqual(['x as f16: f16', 'conv: f16', 'conv as f32: f32']);
    expect(alone.inputs[0]?.desc.dtype).toBe('f32');
  });

  it('stores a movement as what it moves', () => {
    const g = GraphBuilder.create();
    const x = g.input('x', [1, 2, 2, 2]);
    g.output('y', softmax(g.at('softmax'), flatten(g.at('flat'), relu(g.at('relu'), x))));
    const again = half(g.build('moved'));
    expect(storedAs(again)).toEqual(['x as f16: f16', 'relu: f16', 'flat: f16', 'softmax: f32']);
    expect(expectInOrder(again)).toBe(4);
  });

  it.each(seeds(20))('keeps order, names and edges of the random graph of seed %i', (seed) => {
    const graph = randomGraph(new Random(700 + seed), 25);
    const stored = half(graph);
    expectInOrder(stored);
    const [edges, before] = [stored, graph].map((of) => [
      ...of.inputs.map(({ desc }) => desc),
      ...[...of.outputs.values()].map(({ desc }) => desc),
    ]);
    expect(edges).toEqual(before);
    const names = new Set(stored.nodes.map(({ name }) => name));
    expect(graph.nodes.filter(({ name }) => !names.has(name))).toEqual([]);
    const added = stored.nodes.filter(
      ({ name }) => !graph.nodes.some((node) => node.name === name),
    );
    expect(added.map(({ sources }) => sources)).toEqual(added.map(() => []));
  });

  it('is kept where a layer is split', () => {
    const split = splitLargeWeights(half(network()), PASSES, 2 * 45 * 6);
    expect(storedAs(split)).toEqual(storedAs(half(network())));
    const g = GraphBuilder.create();
    const x = relu(g, g.input('x', [1, 10]));
    g.output('y', relu(g, linear(g.at('fc'), x, { features: 130 })));
    expect(storedAs(splitLargeWeights(half(g.build('wide')), PASSES, 2 * 10 * 64))).toEqual([
      'x as f16: f16',
      'pointwise: f16',
      'fc 0..63: f16',
      'fc 64..127: f16',
      'fc 128..129: f16',
      'fc joined: f16',
      'pointwise#2: f32',
    ]);
  });
});

function fail(): never {
  throw new Error('the graph lacks a layer');
}

describe('a plan in f16', () => {
  const planned = (on: DeviceProfile): Prepared =>
    prepare(network(), { device: on, precision: 'f16' });

  it('counts half the bytes, in whole words', () => {
    const gpu = profileOf('gpu');
    const { weights, activations, memory } = planned(gpu).plan;
    const bytesOf = Object.fromEntries(
      weights.map(({ constant, bytes }) => [constant.name, bytes]),
    );
    // conv2d_tiled pads channels, linear_gemv its 7 outputs to blocks of 4.
    expect(bytesOf).toMatchObject({ 'fc.weight': 45 * 8 * 2, 'fc.bias': 28 });
    const storages = activations.storages.map(({ name, bytes }) => [name, bytes]);
    expect(storages).toEqual([
      ['x', 108],
      ['x as f16', 56],
      ['relu', 92],
      ['fc', 16],
      ['fc as f32', 28],
      ['softmax', 28],
    ]);
    expect(memory.staging).toBe(2 * 2 * 28);
  });

  it('is refused where the device lacks shader-f16, which the message names', () => {
    const without = { ...profileOf('gpu'), shaderF16: false };
    const planning = () => planned(without);
    expect(planning).toThrow(UnsupportedError);
    expect(planning).toThrow(
      'precision f16 needs the WebGPU feature shader-f16, which the adapter "a gpu" lacks; use precision f32',
    );
  });
});

/** Weights that are all `value`, and no biases. */
function weightsOf(value: number): WeightSource {
  const read: WeightSource['read'] = (name, shape) =>
    new Float32Array(shape.reduce((product, extent) => product * extent, 1)).fill(
      name.endsWith('bias') ? 0 : value,
    );
  return { name: 'test', tensors: undefined, read };
}

describe('a session in f16', () => {
  const open = (weights: WeightSource, onWarning?: (message: string) => void) =>
    Session.create(device(), network(), {
      weights,
      precision: 'f16',
      ...(onWarning && { onWarning }),
    });

  it('agrees with f32 to the precision of f16, or says what is missing', async () => {
    if (!device().profile.shaderF16) {
      await expect(open(syntheticWeights([]))).rejects.toThrow('feature shader-f16');
      return;
    }
    const x = syntheticTensor('x', [1, 3, 3, 3]);
    using session = await open(syntheticWeights([]));
    const weights = syntheticWeights([]);
    using exact = await Session.create(device(), network(), { weights });
    const { logits = new Float32Array() } = await session.run(x);
    const { logits: expected = new Float32Array() } = await exact.run(x);
    const most = Math.max(...expected.map(Math.abs));
    const errors = logits.map((value, i) => Math.abs(value - (expected[i] ?? 0)) / most);
    // Input, two layers of weights, two of results and the logits are rounded, by 2^-11 at most.
    expect(Math.max(...errors)).toBeLessThan(6 * 2 ** -11);
    expect(Math.max(...errors)).toBeGreaterThan(0);
  });

  it('computes layers alone', async ({ skip }) => {
    skip(!device().profile.shaderF16, 'the adapter lacks shader-f16');
    const weights = syntheticWeights([]);
    const inputs = { x: syntheticTensor('x', [2, 16, 9, 7]) };
    const checks = await verify(device(), layers(), inputs, { weights, precision: 'f16' });
    expect(checks.filter(({ ok }) => !ok)).toEqual([]);
  });

  it('allocates what the plan says, to the byte', async ({ skip }) => {
    skip(!device().profile.shaderF16, 'the adapter lacks shader-f16');
    const { gpu } = device();
    const createBuffer = gpu.createBuffer.bind(gpu);
    let bytes = 0;
    gpu.createBuffer = (descriptor) => {
      const buffer = createBuffer(descriptor);
      const destroy = buffer.destroy.bind(buffer);
      bytes += descriptor.size;
      buffer.destroy = () => {
        bytes -= descriptor.size;
        destroy();
      };
      return buffer;
    };
    try {
      using session = await open(syntheticWeights([]));
      expect(bytes).toBe(session.memory.total);
    } finally {
      gpu.createBuffer = createBuffer;
    }
  });

  it('stores results beyond its range as the largest number', async ({ skip }) => {
    skip(!device().profile.shaderF16, 'the adapter lacks shader-f16');
    using session = await open(weightsOf(600));
    // The convolution gives 3 * 50 * 600 = 90,000; the sum of 45 of what is stored is f32.
    const { logits, probabilities } = await session.run(new Float32Array(27).fill(50));
    expect([...(logits ?? [])]).toEqual(Array(7).fill(65504));
    expect([...(probabilities ?? [])]).toEqual(Array(7).fill(Math.fround(1 / 7)));
  });

  it('has its overflowing layer found by verify', async ({ skip }) => {
    skip(!device().profile.shaderF16, 'the adapter lacks shader-f16');
    const x = new Float32Array(27).fill(50);
    const options = { weights: weightsOf(600), precision: 'f16' } as const;
    const checks = await verify(device(), network(), { x }, options);
    expect(checks.filter(({ ok }) => !ok).map(({ layer }) => layer)).toEqual(['fc', 'conv']);
  });

  it('warns of weights beyond its range', async ({ skip }) => {
    skip(!device().profile.shaderF16, 'the adapter lacks shader-f16');
    const warnings: string[] = [];
    using session = await open(weightsOf(-1e5), (message) => warnings.push(message));
    expect(warnings).toEqual([
      'weight "conv.weight" holds 15 value(s) beyond the range of f16, which are stored as 65504',
      'weight "fc.weight" holds 315 value(s) beyond the range of f16, which are stored as 65504',
    ]);
    expect(session.plan.graph.name).toBe('network');
  });
});
