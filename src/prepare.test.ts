/** What is shown, tuned, verified and profiled of a model is what runs. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { limitBindings, useDevice } from '../test/fixtures/device.ts';
import { profileOf } from '../test/fixtures/profiles.ts';
import { createSession } from './create_session.ts';
import { createTunedSession } from './create_tuned_session.ts';
import { relu } from './layers/activations.ts';
import { concat } from './layers/concat.ts';
import { conv2d } from './layers/conv2d.ts';
import { flatten } from './layers/flatten.ts';
import { linear } from './layers/linear.ts';
import { maxPool2d } from './layers/pool2d.ts';
import { slice } from './layers/rearrange.ts';
import { buildClassifier } from './models/classifier.ts';
import { models } from './models/index.ts';
import { buildModel } from './models/model.ts';
import { type PrepareOptions, planFor, prepare } from './prepare.ts';
import { profile } from './profiling/profile.ts';
import { tune } from './profiling/tune.ts';
import { keepTuning, keptTuning, type TuningStore } from './profiling/tuning_store.ts';
import { verify } from './profiling/verify.ts';
import type { DeviceProfile } from './runtime/device_profile.ts';
import type { Device } from './runtime/gpu/device.ts';
import { Executor } from './runtime/gpu/executor.ts';
import { WeightBuffers } from './runtime/gpu/weight_buffers.ts';
import type { Graph, Node } from './runtime/graph.ts';
import { GraphBuilder } from './runtime/graph_builder.ts';
import { shapeKey } from './runtime/isolate.ts';
import { removeUnread } from './runtime/passes/remove_unread.ts';
import { describeStages } from './runtime/passes/report.ts';
import type { ExecutionPlan } from './runtime/plan/compile.ts';
import type { Prepared } from './runtime/prepare.ts';
import { syntheticTensor, syntheticWeights } from './runtime/weights/synthetic.ts';

const device = useDevice();
const weights = syntheticWeights([]);

afterEach(() => {
  vi.restoreAllMocks();
});

/** Everything that two plans can differ in, but for functions. */
function dump({ graph, ...plan }: ExecutionPlan): unknown {
  const nodes = graph.nodes.map(({ name, op, sources, inputs, output }) => ({
    name,
    op: op.name,
    sources,
    reads: Object.entries(inputs).map(([role, { name: read, desc }]) => [role, read, desc]),
    output: [output.name, output.desc, output.within?.name],
  }));
  const dispatches = plan.dispatches.map(({ node, ...rest }) => ({ node: node.name, ...rest }));
  const stored = plan.weights.map(({ constant, bytes, repack }) => [
    constant.name,
    bytes,
    repack?.arrangement,
    repack?.length,
  ]);
  return JSON.parse(
    JSON.stringify({
      ...plan,
      dimensions: [...plan.dimensions],
      nodes,
      dispatches,
      weights: stored,
    }),
  );
}

/** The names of the nodes that a plan computes, each once, in order of the alphabet. */
function computed(nodes: Iterable<readonly { readonly name: string }[]>): readonly string[] {
  return [...new Set([...nodes].flat().map(({ name }) => name))].sort();
}

function readNodes(graph: Graph): readonly string[] {
  return removeUnread(graph)
    .nodes.map(({ name }) => name)
    .sort();
}

/** A device of that kind that computes nothing, for sessions that are only looked at. */
function idle(of: DeviceProfile): Device {
  vi.spyOn(WeightBuffers.prototype, 'load').mockResolvedValue([]);
  // Whatever is called of it gives itself.
  const gpu: unknown = new Proxy(() => gpu, {
    get: (_, key) => (key === 'then' ? undefined : gpu),
  });
  const pipelines = { get: async () => gpu };
  const adapter = { identity: of.adapter };
  const opening = { profile: of, adapter, gpu, pipelines, lost: undefined };
  const executor = { dispose: () => {}, submits: 1, opening };
  vi.spyOn(Executor, 'create').mockResolvedValue(executor as unknown as Executor);
  const use = (work: (on: typeof opening) => unknown) => work(opening);
  return { ...opening, use } as unknown as Device;
}

function memoryStore(): TuningStore {
  const texts = new Map<string, string>();
  return {
    get: async (key) => texts.get(key),
    put: async (key, text) => void texts.set(key, text),
  };
}

/** As if the last candidate of every second layer had won. */
function somethingElse({ graph }: ExecutionPlan, of: DeviceProfile) {
  const winners = graph.nodes.flatMap((node, i) => {
    const last = node.op.candidates(node, of).at(-1);
    return i % 2 === 0 && last
      ? [[shapeKey(node), { kernel: last.kernel, config: last.config }] as const]
      : [];
  });
  return new Map(winners);
}

/** Of each kind of network one, and not a large one. */
const NAMES = [
  ...['lenet', 'alexnet', 'vgg11', 'vgg11_bn', 'googlenet', 'inception_v3', 'resnet18', 'resnet50'],
  ...['resnet50_v1', 'resnext50_32x4d', 'regnet_x_800mf', 'regnet_y_800mf', 'densenet121'],
  ...[
    'convnext_tiny',
    'efficientnet_b0',
    'efficientnet_v2_s',
    'mobilenet_v2',
    'mobilenet_v3_small',
  ],
  ...['mnasnet0_5', 'shufflenet_v2_x0_5', 'squeezenet1_1', 'fcn_resnet50'],
  ...['deeplabv3_mobilenet_v3_large', 'lraspp_mobilenet_v3_large', 'unet'],
];

describe('the plan that is inspected is the plan of the session', () => {
  /** Fails where they differ, or where the plan does not say which layers of the model it computes. */
  async function compare(
    graph: Graph,
    of: DeviceProfile,
    options: Omit<PrepareOptions, 'device'> = {},
  ): Promise<Prepared> {
    using session = await createSession(idle(of), graph, { ...options, weights });
    const shown = prepare(graph, { ...options, device: of });
    expect(dump(shown.plan)).toEqual(dump(session.plan));
    expect(dump(planFor({ profile: of }, graph, options))).toEqual(dump(session.plan));
    expect(shown.parts).toBe(session.prepared.parts);
    expect(describeStages(shown.log)).toEqual(describeStages(session.prepared.log));
    expect(session.memory).toEqual(shown.plan.memory);
    expect([...shown.origin.keys()]).toEqual(shown.plan.graph.nodes);
    expect(computed(shown.origin.values())).toEqual(readNodes(graph));
    return shown;
  }

  it.each(NAMES)('of %s, in f32 and in f16', async (name) => {
    const model = models.get(name);
    if (!model) throw new Error('the registry changed');
    const size = model.domain === 'digits' ? model.size : ([96, 96] as const);
    const graph = buildClassifier(model, { size, outputs: ['logits', 'probabilities'] });
    for (const of of [profileOf('gpu'), profileOf('llvmpipe')]) {
      for (const precision of ['f32', 'f16'] as const) await compare(graph, of, { precision });
    }
  });

  it.each(['lenet', 'resnet18', 'resnet50', 'vgg11'])('of %s with a tuned store', async (name) => {
    const of = profileOf('gpu');
    const graph = buildModel(models.get(name) ?? fail(), { outputs: ['logits'] });
    const untuned = planFor({ profile: of }, graph);
    const [store, on] = [memoryStore(), idle(of)];
    await keepTuning(on, store, somethingElse(untuned, of));
    const tuning = await keptTuning(on, store);
    const { plan } = await compare(graph, of, { tuning });
    expect(plan.dispatches.map(({ kernel, config }) => [kernel, config])).not.toEqual(
      untuned.dispatches.map(({ kernel, config }) => [kernel, config]),
    );
  });

  it.each([
    ['lenet', 6, [28, 28], 4 * 4 * 32 * 24 * 24],
    ['resnet18', 32, [224, 224], 2 ** 26],
    ['fcn_resnet50', 8, [256, 256], 4e7],
  ] as const)('of %s whose batch is cut', async (name, batch, size, bytes) => {
    const graph = buildModel(models.get(name) ?? fail(), { batch, size });
    const of = profileOf('gpu', { maxStorageBufferBindingSize: bytes });
    const { parts, plan } = await compare(graph, of);
    expect(parts).toBe(2);
    expect(plan.inputs[0]?.desc.shape[0]).toBe(batch / 2);
  });

  it.each(['alexnet', 'vgg11'])('of %s, whose weights are split', async (name) => {
    const of = profileOf('gpu');
    const graph = buildModel(models.get(name) ?? fail());
    const { plan, origin } = await compare(graph, of);
    const parts = plan.graph.nodes.filter((node) =>
      origin.get(node)?.some(({ op }) => op.name === 'linear'),
    );
    expect(parts.length).toBeGreaterThan(3);
    expect(parts.map(({ op }) => op.name)).toContain('concat');
  });

  it('with all layers observed, and without any stage that optimises', async () => {
    const graph = buildModel(models.get('resnet18') ?? fail(), { size: [64, 64] });
    await compare(graph, profileOf('gpu'), { observed: true });
    await compare(graph, profileOf('gpu'), { optimize: false });
    const kernels = () => 'conv2d_direct';
    await compare(graph, profileOf('llvmpipe'), { kernels });
  });
});

/** Has all that can come between a model and its plan: views, parts, fused layers, a weight that is split. */
function everything(batch: number): Graph {
  const g = GraphBuilder.create();
  const x = g.input('x', [batch, 4, 8, 8]);
  const a = relu(g.at('relu'), conv2d(g.at('a'), x, { channels: 8, kernel: 3, padding: 1 }));
  const b = conv2d(g.at('b'), slice(g.at('half'), a, 1, 2, 6), { channels: 8, kernel: 1 });
  const both = concat(g.at('cat'), [a, b]);
  const pooled = maxPool2d(g.at('pool'), both, { kernel: 2 });
  const flat = flatten(g.at('flat'), pooled);
  const hidden = relu(g.at('relu2'), linear(g.at('fc1'), flat, { features: 192 }));
  g.output('y', linear(g.at('fc2'), hidden, { features: 5 }));
  return g.build('everything');
}

describe('what is tuned, verified and profiled is what runs', () => {
  const LAYERS = ['a', 'b', 'cat', 'fc1', 'fc2', 'flat', 'half', 'pool', 'relu', 'relu2'];

  /** The device as if its buffers were small: 131,072 bytes hold 32 images of `cat`, and 128 rows of fc1's 192. */
  const limit = (bytes: number): void => limitBindings(device(), bytes);

  it.each([
    ['as a whole', 6, 2 ** 27, { parts: 1, split: false }],
    ['with a split weight', 2, 4 * 256 * 128, { parts: 1, split: true }],
    ['in parts, with a split weight', 48, 4 * 256 * 128, { parts: 2, split: true }],
  ])('%s', async (_, batch, bytes, expected) => {
    const graph = everything(batch);
    limit(bytes);
    const { tuning, results } = await tune(device(), graph, { candidates: 2 });
    const options = { weights, tuning };
    using session = await createSession(device(), graph, options);
    const { plan, parts, origin } = session.prepared;
    expect(parts).toBe(expected.parts);
    expect(plan.graph.nodes.some(({ name }) => name === 'fc1 joined')).toBe(expected.split);
    expect(computed(origin.values())).toEqual(LAYERS);

    // Tuned were the nodes of this plan that leave a choice, and they run what won.
    const choices = plan.graph.nodes.filter(
      (node) => node.op.candidates(node, device().profile).length > 1,
    );
    expect(new Set(results.map(({ shape }) => shape))).toEqual(new Set(choices.map(shapeKey)));
    expect(results.reduce((sum, { layers }) => sum + layers, 0)).toBe(choices.length);
    const dispatchesOf = (node: Node) => plan.dispatches.filter((one) => one.node === node);
    for (const node of choices) {
      expect(dispatchesOf(node)[0]).toMatchObject(tuning.get(shapeKey(node)) ?? fail());
    }

    // Verified are its nodes, in their kernels, and all layers of the model.
    const x = syntheticTensor('x', [batch, 4, 8, 8]);
    const checks = await verify(device(), graph, { x }, options);
    const observed = prepare(graph, { device: device().profile, tuning, observed: true });
    const shown = observed.plan.graph.nodes.map((node) => ({
      layer: node.name,
      kernel: observed.plan.dispatches.find((one) => one.node === node)?.kernel,
      computes: (observed.origin.get(node) ?? []).map(({ name }) => name),
    }));
    const byName = (a: { readonly layer: string }, b: { readonly layer: string }) =>
      a.layer < b.layer ? -1 : 1;
    const checked = checks.map(({ layer, kernel, computes }) => ({ layer, kernel, computes }));
    expect(checked.toSorted(byName)).toEqual(shown.toSorted(byName));
    expect(checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(computed(checks.map(({ computes }) => computes.map((name) => ({ name }))))).toEqual(
      LAYERS,
    );
    expect(checks.map(({ layer }) => layer).sort()).toEqual(
      plan.graph.nodes.map(({ name }) => name).sort(),
    );

    // Timed are its dispatches.
    await session.run(x);
    if (parts === 1) {
      const { dispatches, layers } = await profile(session, x, { runs: 1 });
      expect(dispatches.map(({ layer, kernel }) => [layer, kernel])).toEqual(
        plan.dispatches.map(({ node, kernel }) => [node.name, kernel]),
      );
      const timed = plan.graph.nodes.filter((node) => dispatchesOf(node).length > 0);
      expect(layers.map(({ layer }) => layer)).toEqual(timed.map(({ name }) => name));
    }
  });

  it('finds the one layer of a split weight that is wrong', async () => {
    limit(4 * 256 * 128);
    const graph = everything(2);
    const x = syntheticTensor('x', [2, 4, 8, 8]);
    const options = { weights };
    const checks = await verify(device(), graph, { x }, options);
    const parts = checks.filter(({ computes }) => computes.includes('fc1'));
    expect(parts.map(({ layer }) => layer).sort()).toEqual(expect.arrayContaining(['fc1 joined']));
    expect(parts.length).toBeGreaterThan(2);
    for (const { layer, kernel } of parts) {
      // What joins them may be a view of parts that lie side by side.
      if (layer !== 'fc1 joined') expect(kernel).toMatch(/^linear/);
    }
  });

  it('runs what a tuned session tuned, and inspect shows it', async () => {
    const graph = everything(2);
    const store = memoryStore();
    using session = await createTunedSession(device(), graph, { weights, store, candidates: 2 });
    const tuning = await keptTuning(device(), store);
    expect(tuning?.size).toBeGreaterThan(0);
    expect(dump(planFor(device(), graph, { tuning }))).toEqual(dump(session.plan));
  });
});

describe('shapeKey', () => {
  const layer = (build: (g: GraphBuilder) => void): Node => {
    const g = GraphBuilder.create();
    build(g);
    const [node] = g.build('test').nodes;
    return node ?? fail();
  };
  const conv = layer((g) => {
    const x = g.input('x', [1, 4, 8, 8]);
    g.output('y', conv2d(g.at('conv'), x, { channels: 4, kernel: 3, padding: 1 }));
  });

  it('does not depend on the order in which attributes and inputs were written', () => {
    const reversed = <T extends object>(of: T): T =>
      Object.fromEntries(Object.entries(of).reverse()) as T;
    const other = { ...conv, attributes: reversed(conv.attributes), inputs: reversed(conv.inputs) };
    expect(Object.keys(other.attributes)).not.toEqual(Object.keys(conv.attributes));
    expect(shapeKey(other)).toBe(shapeKey(conv));
  });

  it('tells shapes, attributes, storage and epilogues apart, and no names', () => {
    const { output } = conv;
    const renamed = { ...conv, name: 'another', output: { ...output, name: 'another' } };
    expect(shapeKey(renamed)).toBe(shapeKey(conv));
    const half = {
      ...conv,
      output: { ...output, desc: { ...output.desc, dtype: 'f16' as const } },
    };
    const view = { offset: 64, strides: [512, 64, 8, 1] };
    const placed = { ...conv, output: { ...output, desc: { ...output.desc, view } } };
    const fused = { ...conv, epilogue: { steps: [] } };
    const strided = { ...conv, attributes: { ...conv.attributes, stride: [9, 9] } };
    const keys = [conv, half, placed, fused, strided].map(shapeKey);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('of layers that differ in the order of their attributes is tuned once', async () => {
    const g = GraphBuilder.create();
    const x = g.input('x', [1, 8, 6, 6]);
    const once = conv2d(g.at('first'), x, { channels: 8, kernel: 3, padding: 1 });
    g.output('y', conv2d(g.at('second'), once, { channels: 8, kernel: 3, padding: 1 }));
    const graph = g.build('two');
    const nodes = graph.nodes.map((node, i) => ({
      ...node,
      attributes: Object.fromEntries(
        i === 0 ? Object.entries(node.attributes) : Object.entries(node.attributes).reverse(),
      ),
    }));
    const { results } = await tune(device(), { ...graph, nodes }, { candidates: 2 });
    expect(results.map(({ layer: name, layers }) => [name, layers])).toEqual([['first', 2]]);
  });
});

function fail(): never {
  throw new Error('it is not there');
}
