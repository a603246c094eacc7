import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { expectReference, inputsOf } from '../../test/fixtures/compare_graphs.ts';
import { limitBindings, useDevice, useDevices } from '../../test/fixtures/device.ts';
import { Random } from '../../test/fixtures/random.ts';
import { randomGraph } from '../../test/fixtures/random_graph.ts';
import { relu } from '../layers/activations.ts';
import { globalAveragePool2d } from '../layers/adaptive_average_pool2d.ts';
import { add } from '../layers/arithmetic.ts';
import { batchNorm } from '../layers/batch_norm.ts';
import { conv2d } from '../layers/conv2d.ts';
import { flatten } from '../layers/flatten.ts';
import { linear } from '../layers/linear.ts';
import { maxPool2d } from '../layers/pool2d.ts';
import { DeviceLostError } from './errors.ts';
import { Device } from './gpu/device.ts';
import type { Graph, Node, OpDef, Value } from './graph.ts';
import { GraphBuilder } from './graph_builder.ts';
import { RUNS_IN_FLIGHT } from './plan/compile.ts';
import { reshape } from './reshape.ts';
import { Session, type SessionOptions, type SessionProgress } from './session.ts';
import type { Shape } from './tensor.ts';
import { syntheticTensor, syntheticWeights } from './weights/synthetic.ts';

const openDevice = useDevices();
const device = useDevice(openDevice);

afterEach(() => {
  vi.restoreAllMocks();
});

/** A convolution, a pool and a classifier. The 33 channels spare lavapipe from unrolling. */
function smallNet(): Graph {
  const g = GraphBuilder.create();
  const x = g.input('x', [1, 33, 6, 6]);
  const y = relu(g, conv2d(g.at('conv'), x, { channels: 8, kernel: 3, padding: 1 }));
  const flat = flatten(g, maxPool2d(g, y, { kernel: 2 }));
  g.output('logits', linear(g.at('fc'), flat, { features: 10 }));
  return g.build('small net');
}

/** So many pointwise convolutions, one after the other. */
function deepNet(layers: number): Graph {
  const g = GraphBuilder.create();
  let y: Value = g.input('x', [1, 3, 5, 5]);
  for (let i = 0; i < layers; i++) y = conv2d(g.at(`conv${i}`), y, { channels: 3, kernel: 1 });
  g.output('y', y);
  return g.build('deep net');
}

function open(
  on: Device,
  graph: Graph = smallNet(),
  more: Partial<SessionOptions> = {},
): Promise<Session> {
  return Session.create(on, graph, { weights: syntheticWeights([]), ...more });
}

/** So that 0 and -0 differ, and NaN from NaN. */
function bitsOf(values: Float32Array = new Float32Array()): readonly number[] {
  return [...new Uint32Array(Float32Array.from(values).buffer)];
}

/** The node, whose kernels write over none of its inputs. */
function apartFrom(node: Node): Node {
  const candidates: OpDef['candidates'] = (of, profile) =>
    node.op.candidates(of, profile).map((candidate) => ({ ...candidate, overwrites: [] }));
  return { ...node, op: { ...node.op, candidates } };
}

/** The buffers that are made from now on and not freed yet. */
function buffersOf({ gpu }: Device): ReadonlySet<GPUBuffer> {
  const alive = new Set<GPUBuffer>();
  const make = gpu.createBuffer.bind(gpu);
  vi.spyOn(gpu, 'createBuffer').mockImplementation((descriptor) => {
    const buffer = make(descriptor);
    const free = buffer.destroy.bind(buffer);
    alive.add(buffer);
    buffer.destroy = () => {
      alive.delete(buffer);
      return free();
    };
    return buffer;
  });
  return alive;
}

/** What becomes of a promise: `done`, or the name of the error. Never waits for longer than 30 s. */
async function outcomeOf(work: Promise<unknown>): Promise<string> {
  const settled = work.then(
    () => 'done',
    (error: unknown) => (error instanceof Error ? error.name : String(error)),
  );
  const hang = new Promise<string>((resolve) => setTimeout(resolve, 30_000, 'it hangs').unref());
  return Promise.race([settled, hang]);
}

describe('Session.run', () => {
  it('agrees with the reference without any passes', async () => {
    const graph = randomGraph(new Random(3), 10);
    const inputs = inputsOf(graph);
    using session = await open(device(), graph, { optimize: false });
    expectReference(graph, inputs, await session.run(inputs));
  });

  it('gives the same bits for the same input, whatever ran in between', async () => {
    using session = await open(device());
    const x = syntheticTensor('x', [1, 33, 6, 6]);
    const first = await session.run(x);
    await session.run(syntheticTensor('another', [1, 33, 6, 6]));
    const second = await session.run(x);
    expect(bitsOf(second.logits)).toEqual(bitsOf(first.logits));
  });

  it.each([1, 2, 3])('gives the same bits in place as apart (random graph %i)', async (seed) => {
    const graph = randomGraph(new Random(seed), 20);
    const apart = { ...graph, nodes: graph.nodes.map(apartFrom) };
    const inputs = inputsOf(graph);
    using here = await open(device(), graph, { optimize: false });
    using there = await open(device(), apart, { optimize: false });
    const overwriting = ({ plan }: Session) =>
      plan.activations.storages.flatMap(({ overwrittenBy = [] }) => overwrittenBy);
    expect(overwriting(here).length).toBeGreaterThan(1);
    expect(overwriting(there)).toEqual([]);
    const expected = await there.run(inputs);
    expect(await here.run(inputs)).toEqual(expected);
    expect(await here.run(inputs)).toEqual(expected);
  });

  it('gives each of 10 overlapping calls its own answer', async () => {
    const graph = smallNet();
    using session = await open(device(), graph);
    const inputs = Array.from({ length: 10 }, (_, i) => syntheticTensor(`x${i}`, [1, 33, 6, 6]));
    const runs = await Promise.all(inputs.map((x) => session.run(x)));
    runs.forEach((outputs, i) => {
      expectReference(graph, { x: inputs[i] ?? new Float32Array() }, outputs);
    });
  });

  it('works for two sessions on one device at once', async () => {
    const graphs = [smallNet(), randomGraph(new Random(5), 6)] as const;
    using first = await open(device(), graphs[0]);
    using second = await open(device(), graphs[1]);
    const inputs = graphs.map(inputsOf);
    const runs = await Promise.all([
      first.run(inputs[0] ?? {}),
      second.run(inputs[1] ?? {}),
      first.run(inputs[0] ?? {}),
    ]);
    expectReference(graphs[0], inputs[0] ?? {}, runs[0]);
    expectReference(graphs[1], inputs[1] ?? {}, runs[1]);
    expectReference(graphs[0], inputs[0] ?? {}, runs[2]);
  });

  it('gives all outputs: of a layer in the middle, of a view, and of one value under two names', async () => {
    const g = GraphBuilder.create();
    const x = g.input('x', [2, 3, 4, 4]);
    const middle = relu(g.at('middle'), x);
    const flat = flatten(g, middle);
    g.output('last', linear(g.at('fc'), flat, { features: 5 }));
    g.output('middle', middle);
    g.output('flat', flat);
    g.output('again', middle);
    const graph = g.build('outputs');
    using session = await open(device(), graph);
    const inputs = inputsOf(graph);
    expectReference(graph, inputs, await session.run(inputs));
  });

  it('reads back only the outputs that are asked for, whatever the run before read', async () => {
    const g = GraphBuilder.create();
    const middle = relu(g.at('middle'), g.input('x', [1, 4]));
    g.output('middle', middle);
    g.output('last', linear(g.at('fc'), middle, { features: 5 }));
    using session = await open(device(), g.build('outputs'));
    const x = Float32Array.of(1, -2, 3, -4);
    const all = await session.run(x);
    expect(await session.run(x, { outputs: ['last'] })).toEqual({ last: all.last });
    expect(await session.run(x, { outputs: ['middle'] })).toEqual({ middle: all.middle });
    expect(await session.run(x)).toEqual(all);
  });

  it('takes several inputs by name', async () => {
    const g = GraphBuilder.create();
    g.output('sum', add(g, g.input('a', [1, 4]), g.input('b', [1, 4])));
    using session = await open(device(), g.build('sum'));
    const { sum } = await session.run({
      b: Float32Array.of(1, 2, 3, 4),
      a: new Float32Array(4).fill(10),
    });
    expect(sum).toEqual(Float32Array.of(11, 12, 13, 14));
  });

  it('fills the arrays that it is given', async () => {
    using session = await open(device());
    const x = syntheticTensor('x', [1, 33, 6, 6]);
    const logits = new Float32Array(10);
    const outputs = await session.run(x, { into: { logits } });
    expect(outputs.logits).toBe(logits);
    expect(logits).toEqual((await session.run(x)).logits);
  });

  it('keeps layers apart that share a batch norm, but not their biases', async () => {
    const g = GraphBuilder.create();
    const x = g.input('x', [1, 6]);
    const branch = (name: string) =>
      batchNorm(g.at('shared'), linear(g.at(name), x, { features: 6 }));
    g.output('a', branch('fc1'));
    g.output('b', branch('fc2'));
    const graph = g.build('shared norm');
    using session = await open(device(), graph);
    const inputs = inputsOf(graph);
    expectReference(graph, inputs, await session.run(inputs));
  });
});

describe('names that all objects have, or that an input has a use for', () => {
  const NAMES = ['encode', 'constructor', '__proto__', 'toString'];

  it.each(NAMES)('%s can be an input', async (name) => {
    const g = GraphBuilder.create();
    const sum = add(g, g.input(name, [1, 2]), g.input('z', [1, 2]));
    g.output('y', sum);
    using session = await open(device(), g.build('sum'));
    const inputs = Object.fromEntries([
      [name, Float32Array.of(1, 2)],
      ['z', Float32Array.of(3, 4)],
    ]);
    expect([...((await session.run(inputs)).y ?? [])]).toEqual([4, 6]);
    await expect(session.run({ z: Float32Array.of(3, 4) })).rejects.toThrow(
      `input "${name}" of "sum" must be a Float32Array of 2 values [1, 2], got undefined`,
    );
    await session.resize({ z: [3, 2] });
    expect(session.outputs[0]?.shape).toEqual([3, 2]);
  });

  it('encode can be the only input', async () => {
    const g = GraphBuilder.create();
    g.output('y', relu(g, g.input('encode', [2])));
    using session = await open(device(), g.build('relu'));
    const { y } = await session.run({ encode: Float32Array.of(-1, 2) });
    expect(y).toEqual(Float32Array.of(0, 2));
  });

  it.each(NAMES)('%s can be an output', async (name) => {
    const g = GraphBuilder.create();
    const x = g.input('x', [1]);
    g.output(name, relu(g.at('r'), x));
    g.output('other', add(g.at('sum'), x, 1));
    using session = await open(device(), g.build('two'));
    const into = { other: new Float32Array(1) };
    const outputs = await session.run(Float32Array.of(2), { into });
    expect(outputs.other).toBe(into.other);
    expect(into.other[0]).toBe(3);
    expect(outputs[name]).toEqual(Float32Array.of(2));
  });
});

describe('memory that is shared', () => {
  it('is read and filled as any other', async () => {
    using session = await open(device());
    const shared = new Float32Array(new SharedArrayBuffer(4 * 1188)).fill(0.5);
    const logits = new Float32Array(new SharedArrayBuffer(40));
    await session.run(shared, { into: { logits } });
    const expected = await session.run(Float32Array.from(shared));
    expect(bitsOf(logits)).toEqual(bitsOf(expected.logits));
  });
});

describe('Session.run refuses', () => {
  let session: Session;
  beforeAll(async () => {
    session = await open(device());
  });

  it('an input of the wrong length', async () => {
    await expect(session.run(new Float32Array(5))).rejects.toThrow(
      expect.objectContaining({
        name: 'ShapeError',
        message:
          'input "x" of "small net" must be a Float32Array of 1188 values [1, 33, 6, 6], got Float32Array of 5',
      }),
    );
  });

  it.each<[string, unknown, string]>([
    ['an input of another name', { image: new Float32Array(1188) }, 'Object of image'],
    ['an array of numbers', Array.from({ length: 1188 }, () => 0), 'Array of 1188'],
    ['another kind of array', new Float64Array(1188), 'Float64Array of 1188'],
    ['one of it by its name', { x: new Float64Array(1188) }, 'Float64Array of 1188'],
    ['nothing', undefined, 'undefined'],
  ])('%s', async (_, inputs, got) => {
    await expect(session.run(inputs as Float32Array)).rejects.toThrow(
      expect.objectContaining({
        name: 'ShapeError',
        message: `input "x" of "small net" must be a Float32Array of 1188 values [1, 33, 6, 6], got ${got}`,
      }),
    );
  });

  it('an array to fill of the wrong length', async () => {
    const into = { logits: new Float32Array(11) };
    await expect(session.run(new Float32Array(1188), { into })).rejects.toThrow(
      expect.objectContaining({
        name: 'ShapeError',
        message:
          'output "logits" of "small net" must be a Float32Array of 10 values [1, 10], got Float32Array of 11',
      }),
    );
  });

  it.each([[['softmax']], [[]]])('outputs that it does not have, or none: %j', async (outputs) => {
    await expect(session.run(new Float32Array(1188), { outputs })).rejects.toThrow(
      `session "small net" has the outputs logits; asked for were ${outputs.join() || 'none'}`,
    );
  });

  it('one array for two inputs', async () => {
    const g = GraphBuilder.create();
    g.output('sum', add(g, g.input('a', [1, 4]), g.input('b', [1, 4])));
    using two = await open(device(), g.build('sum'));
    await expect(two.run(new Float32Array(4))).rejects.toThrow(
      'input "a" of "sum" must be a Float32Array of 4 values [1, 4], got undefined',
    );
  });

  it('arrays for outputs that it does not have', async () => {
    const into = { logits: new Float32Array(10), softmax: new Float32Array(10) };
    await expect(session.run(new Float32Array(1188), { into })).rejects.toThrow(
      expect.objectContaining({
        name: 'ShapeError',
        message: 'session "small net" has the outputs logits; asked for were softmax',
      }),
    );
  });

  it.each([
    ['outputs', 'an array of names', 5, '5'],
    ['outputs', 'an array of names', 'logits', 'logits'],
    ['outputs', 'an array of names', 0, '0'],
    ['into', 'arrays by name', false, 'false'],
    ['into', 'arrays by name', 5, '5'],
    ['into', 'arrays by name', [new Float32Array(10)], 'Array of 1'],
    ['into', 'arrays by name', new Map([['logits', new Float32Array(10)]]), 'Map'],
  ])('%s that are not %s: %j', async (name, expected, value, shown) => {
    await expect(session.run(new Float32Array(1188), { [name]: value })).rejects.toThrow(
      expect.objectContaining({
        name: 'TilewiseError',
        message: `run: ${name} must be ${expected}, got ${shown}`,
      }),
    );
  });

  it('anything once it is disposed of', async () => {
    const disposed = await open(device());
    disposed.dispose();
    disposed.dispose();
    await expect(disposed.run(new Float32Array(1188))).rejects.toThrow(
      expect.objectContaining({
        name: 'TilewiseError',
        message: 'session "small net" was disposed; create a new one',
      }),
    );
  });
});

describe('Session.dispose', () => {
  it.each([1, 5])('lets none of %i runs in flight hang', async (count) => {
    const graph = smallNet();
    const session = await open(device(), graph);
    const inputs = inputsOf(graph);
    const runs = Array.from({ length: count }, () => session.run(inputs));
    session.dispose();
    for (const run of runs) expect(['done', 'TilewiseError']).toContain(await outcomeOf(run));
  });

  it('says so to the runs in flight', async () => {
    const session = await open(device());
    const runs = Array.from({ length: 5 }, () => session.run(new Float32Array(1188)));
    session.dispose();
    const outcomes = await Promise.allSettled(runs);
    const reasons = outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
    expect(reasons).toContainEqual(
      expect.objectContaining({
        name: 'TilewiseError',
        message: 'session "small net" was disposed; create a new one',
      }),
    );
  });

  it('frees what a resize is allocating, which is refused', async () => {
    const own = await openDevice();
    const alive = buffersOf(own);
    const session = await open(own);
    const resizing = session.resize({ batch: 3 });
    session.dispose();
    await expect(resizing).rejects.toThrow('session "small net" was disposed; create a new one');
    expect([...alive].map(({ label }) => label)).toEqual([]);
  });

  it('frees what a run after the loss of the device is allocating', async () => {
    const own = await openDevice();
    const session = await open(own);
    own.gpu.destroy();
    await own.gpu.lost;
    await own.restore();
    const alive = buffersOf(own);
    const run = session.run(new Float32Array(1188));
    session.dispose();
    await expect(run).rejects.toThrow('session "small net" was disposed; create a new one');
    expect([...alive].map(({ label }) => label)).toEqual([]);
  });

  it('ends a run that builds anew what was lost, without a result', async () => {
    const own = await openDevice();
    const session = await open(own);
    own.gpu.destroy();
    await own.gpu.lost;
    const runs = [session.run(new Float32Array(1188)), session.run(new Float32Array(1188))];
    // The device is open again, and kernels compile.
    while (own.lost) await new Promise((resolve) => setTimeout(resolve));
    session.dispose();
    for (const run of runs) {
      await expect(run).rejects.toThrow('session "small net" was disposed; create a new one');
    }
  });

  it.each([0, 1, 2, 3, 4, 5, 6])('%i turns after a submit maps nothing any more', async (turns) => {
    const own = await openDevice();
    const session = await open(own);
    const submit = own.gpu.queue.submit.bind(own.gpu.queue);
    const disposeSoon = async (): Promise<void> => {
      for (let i = 0; i < turns; i++) await undefined;
      session.dispose();
    };
    vi.spyOn(own.gpu.queue, 'submit').mockImplementation((commands) => {
      submit(commands);
      disposeSoon();
      return undefined;
    });
    const errors: string[] = [];
    own.gpu.addEventListener('uncapturederror', ({ error }) => errors.push(error.message));
    const disposed = 'session "small net" was disposed; create a new one';
    await expect(session.run(new Float32Array(1188))).rejects.toThrow(disposed);
    await own.gpu.queue.onSubmittedWorkDone();
    expect(errors).toEqual([]);
  });

  it('leaves other sessions on the device as they are', async () => {
    const graph = smallNet();
    using kept = await open(device(), graph);
    const disposed = await open(device(), graph);
    disposed.dispose();
    expectReference(graph, inputsOf(graph), await kept.run(inputsOf(graph)));
  });
});

describe('Session.resize among other calls', () => {
  const batches = (outputs: Readonly<Record<string, Float32Array>>) =>
    (outputs.logits?.length ?? 0) / 10;
  const input = (batch: number) => syntheticTensor(`x${batch}`, [batch, 33, 6, 6]);

  it('lets what was called before it finish, and those after it find its shapes', async () => {
    const own = await openDevice();
    const alive = buffersOf(own);
    const graph = smallNet();
    const session = await open(own, graph);
    const before = Array.from({ length: 5 }, () => session.run(input(1)));
    const resizing = session.resize({ batch: 3 });
    const after = [session.run(input(3)), session.run(input(3))];
    for (const run of before) expectReference(graph, { x: input(1) }, await run);
    await resizing;
    const larger = reshape(graph, { x: [3, 33, 6, 6] });
    for (const run of after) expectReference(larger, { x: input(3) }, await run);
    expect([...alive].reduce((sum, { size }) => sum + size, 0)).toBe(session.memory.total);
    session.dispose();
    expect([...alive].map(({ label }) => label)).toEqual([]);
  });

  it('takes effect in the order of the calls, where they overlap', async () => {
    const own = await openDevice();
    const alive = buffersOf(own);
    const session = await open(own);
    const runs: Promise<number>[] = [];
    for (const batch of [2, 3, 1, 2]) {
      void session.resize({ batch });
      runs.push(session.run(input(batch)).then(batches));
    }
    expect(await Promise.all(runs)).toEqual([2, 3, 1, 2]);
    expect(session.inputs[0]?.shape).toEqual([2, 33, 6, 6]);
    expect([...alive].reduce((sum, { size }) => sum + size, 0)).toBe(session.memory.total);
    session.dispose();
    expect([...alive].map(({ label }) => label)).toEqual([]);
  });

  it('leaves the session as it was, and nothing behind, when it fails', async () => {
    const own = await openDevice();
    const alive = buffersOf(own);
    const session = await open(own);
    const createBindGroup = own.gpu.createBindGroup.bind(own.gpu);
    vi.spyOn(own.gpu, 'createBindGroup').mockImplementation((descriptor) =>
      createBindGroup(descriptor.label === 'fc' ? { ...descriptor, entries: [] } : descriptor),
    );
    const resizing = session.resize({ batch: 3 });
    const run = session.run(input(1));
    await expect(resizing).rejects.toThrow(expect.objectContaining({ name: 'GpuError' }));
    expect(batches(await run)).toBe(1);
    expect([...alive].reduce((sum, { size }) => sum + size, 0)).toBe(session.memory.total);
    session.dispose();
    expect([...alive].map(({ label }) => label)).toEqual([]);
  });
});

describe('a device that is lost', () => {
  it('rejects the runs in flight with DeviceLostError', async () => {
    const lost = await openDevice();
    using session = await open(lost);
    const runs = Array.from({ length: 5 }, () => session.run(new Float32Array(1188)));
    // The runs begin in a microtask of their own.
    await Promise.resolve();
    lost.gpu.destroy();
    const outcomes = await Promise.all(runs.map(outcomeOf));
    for (const outcome of outcomes) expect(['done', 'DeviceLostError']).toContain(outcome);
    expect(outcomes).toContain('DeviceLostError');
  });

  it('is opened anew by the next run, which gives the right answer', async () => {
    const graph = smallNet();
    const lost = await openDevice();
    using session = await open(lost, graph);
    const gone = lost.gpu;
    gone.destroy();
    await gone.lost;
    const inputs = inputsOf(graph);
    const runs = await Promise.all([session.run(inputs), session.run(inputs)]);
    for (const outputs of runs) expectReference(graph, inputs, outputs);
    expect(lost.gpu).not.toBe(gone);
  });

  it('stays lost once it is disposed of', async () => {
    const lost = await openDevice();
    using session = await open(lost);
    lost.dispose();
    lost.dispose();
    await lost.gpu.lost;
    await expect(session.run(new Float32Array(1188))).rejects.toThrow(DeviceLostError);
    await expect(open(lost)).rejects.toThrow(DeviceLostError);
  });

  it('ends the creation of a session by its disposal, and leaves nothing behind', async () => {
    for (const adopted of [false, true]) {
      const opened = await openDevice();
      const own = adopted ? Device.from(opened.gpu) : opened;
      const alive = buffersOf(own);
      const creating = open(own, smallNet(), {
        onProgress: ({ stage, done, total }) => {
          if (stage === 'upload' && done === total) own.dispose();
        },
      });
      await expect(creating).rejects.toThrow('the GPU device was disposed; use another');
      expect([...alive].map(({ label }) => label)).toEqual([]);
    }
  });

  it('either ends the creation of a session, or the session opens it anew', async () => {
    const graph = smallNet();
    const lost = await openDevice();
    const creating = open(lost, graph);
    lost.gpu.destroy();
    const outcome = await outcomeOf(creating);
    expect(['done', 'DeviceLostError']).toContain(outcome);
    if (outcome !== 'done') return;
    using session = await creating;
    expectReference(graph, inputsOf(graph), await session.run(inputsOf(graph)));
  });
});

describe('what the GPU refuses while a session is made has the name of a layer', () => {
  it('where memory cannot be allocated', async () => {
    const { gpu } = device();
    const createBuffer = gpu.createBuffer.bind(gpu);
    vi.spyOn(gpu, 'createBuffer').mockImplementation((descriptor) => {
      const spoilt = descriptor.label === 'activations 0';
      return createBuffer(spoilt ? { ...descriptor, usage: 0xffff } : descriptor);
    });
    const opening = open(device());
    await expect(opening).rejects.toThrow(/^\d+ bytes for "(x|relu)".*usage/is);
    await expect(opening).rejects.toThrow(expect.objectContaining({ name: 'GpuError' }));
  });

  it('where a kernel cannot be bound', async () => {
    const { gpu } = device();
    const createBindGroup = gpu.createBindGroup.bind(gpu);
    vi.spyOn(gpu, 'createBindGroup').mockImplementation((descriptor) => {
      const spoilt = descriptor.label === 'fc';
      return createBindGroup(spoilt ? { ...descriptor, entries: [] } : descriptor);
    });
    await expect(open(device())).rejects.toThrow(/^linear\w* "fc": /);
  });
});

describe('a run of a session that is warm', () => {
  const CREATORS = [
    'createBuffer',
    'createBindGroup',
    'createBindGroupLayout',
    'createPipelineLayout',
    'createComputePipeline',
    'createComputePipelineAsync',
    'createShaderModule',
    'createTexture',
    'createQuerySet',
  ] as const;

  it('cuts a batch that is too large for a buffer, with one warning and the same result', async () => {
    const graph = reshape(smallNet(), { x: [6, 33, 6, 6] });
    const x = syntheticTensor('x', [6, 33, 6, 6]);
    using whole = await open(device(), graph);
    const expected = await whole.run(x);
    limitBindings(device(), 3 * 4 * 33 * 36);
    const warnings: string[] = [];
    using cut = await open(device(), graph, { onWarning: (text) => warnings.push(text) });
    expect(warnings).toEqual([
      'a batch of 6 is too large for this device: "small net" runs in 2 parts',
    ]);
    expect(cut.inputs).toEqual(whole.inputs);
    expect(cut.outputs).toEqual(whole.outputs);
    expect(await Promise.all([cut.run(x), cut.run(x)])).toEqual([expected, expected]);
    const writer = { shape: [6, 33, 6, 6], encode: () => {} };
    await expect(cut.run(writer)).rejects.toThrow(/runs the batch in 2 parts/);
  });

  it('cuts a long run into several submits, with the same result', async () => {
    using whole = await open(device());
    using cut = await open(device(), smallNet(), { submitBudgetMs: 1e-6 });
    const x = syntheticTensor('x', [1, 33, 6, 6]);
    const submit = vi.spyOn(device().gpu.queue, 'submit');
    const expected = await whole.run(x);
    expect(submit).toHaveBeenCalledTimes(1);
    expect(await cut.run(x)).toEqual(expected);
    expect(await cut.run(x)).toEqual(expected);
    expect(cut.submits).toBe(cut.plan.dispatches.length);
    expect(submit).toHaveBeenCalledTimes(1 + 2 * cut.submits);
  });

  it('submits the first dispatches early, except while another run is under way', async () => {
    using session = await open(device(), deepNet(20));
    const x = syntheticTensor('x', [1, 3, 5, 5]);
    const submit = vi.spyOn(device().gpu.queue, 'submit');
    const expected = await session.run(x);
    expect(session.submits).toBe(2);
    expect(submit).toHaveBeenCalledTimes(2);
    expect(await Promise.all([session.run(x), session.run(x)])).toEqual([expected, expected]);
    expect(submit).toHaveBeenCalledTimes(2 + 2 + 1);
    expect(await session.run(x, { onGpuTime: () => {} })).toEqual(expected);
    expect(submit).toHaveBeenCalledTimes(5 + 1);
    const { signal } = new AbortController();
    const waits = vi.spyOn(device().gpu.queue, 'onSubmittedWorkDone');
    expect(await session.run(x, { signal })).toEqual(expected);
    expect(submit).toHaveBeenCalledTimes(6 + 2);
    expect(waits).not.toHaveBeenCalled();
  });

  it('creates no GPU objects, and submits a small net once', async () => {
    using session = await open(device());
    const x = syntheticTensor('x', [1, 33, 6, 6]);
    await session.run(x);
    const { gpu } = device();
    const creators = CREATORS.map((name) => vi.spyOn(gpu, name));
    const submit = vi.spyOn(gpu.queue, 'submit');
    await session.run(x);
    await Promise.all([session.run(x), session.run(x)]);
    const created = creators.flatMap((spy, i) => (spy.mock.calls.length > 0 ? [CREATORS[i]] : []));
    const submits = submit.mock.calls.map(([buffers]) => [...buffers].length);
    vi.restoreAllMocks();
    expect(created).toEqual([]);
    expect(submits).toEqual([1, 1, 1]);
  });
});

describe('an input of more than 4 MiB', () => {
  const shape = [1, 2, 1024, 600] as const;
  const graph = ((): Graph => {
    const g = GraphBuilder.create();
    g.output('y', globalAveragePool2d(g.at('pool'), g.input('x', shape)));
    return g.build('means');
  })();
  const inputs = ['a', 'b', 'c', 'd', 'e'].map((name) => ({ x: syntheticTensor(name, shape) }));
  const bytes = 4 * 2 * 1024 * 600;

  it('is brought through at most as many buffers as runs are in flight, which are counted', async () => {
    using session = await open(device(), graph);
    expect(session.memory.staging).toBe(RUNS_IN_FLIGHT * (bytes + 4 * 2));
    const create = vi.spyOn(device().gpu, 'createBuffer');
    const write = vi.spyOn(device().gpu.queue, 'writeBuffer');
    for (const x of inputs) expectReference(graph, x, await session.run(x));
    expect(create.mock.calls.map(([{ size }]) => size)).toEqual([bytes]);
    expect(write).not.toHaveBeenCalled();
    const all = await Promise.all(inputs.map((x) => session.run(x)));
    for (const [i, x] of inputs.entries()) expectReference(graph, x, all[i] ?? {});
    expect(create).toHaveBeenCalledTimes(RUNS_IN_FLIGHT);
  });

  it('goes through the queue where the device still reads those buffers', async () => {
    using session = await open(device(), graph);
    const write = vi.spyOn(device().gpu.queue, 'writeBuffer');
    using _never = { [Symbol.dispose]: () => vi.restoreAllMocks() };
    vi.spyOn(GPUBuffer.prototype, 'mapState', 'get').mockReturnValue('pending');
    for (const x of inputs) expectReference(graph, x, await session.run(x));
    expect(write).toHaveBeenCalledTimes(inputs.length - RUNS_IN_FLIGHT);
  });

  it('has buffers for each of two inputs of the same size', async () => {
    const g = GraphBuilder.create();
    g.output('z', add(g, g.input('x', shape), g.input('y', shape)));
    const sum = g.build('sum');
    using session = await open(device(), sum);
    expect(session.memory.staging).toBe(RUNS_IN_FLIGHT * 3 * bytes);
    const write = vi.spyOn(device().gpu.queue, 'writeBuffer');
    const [a = { x: new Float32Array() }, b = a] = inputs;
    const data = { x: a.x, y: b.x };
    for (const run of [session.run(data), session.run(data)]) expectReference(sum, data, await run);
    expect(write).not.toHaveBeenCalled();
  });

  it('goes through the queue where there is no memory for a buffer', async () => {
    using session = await open(device(), graph);
    const make = device().gpu.createBuffer.bind(device().gpu);
    vi.spyOn(device().gpu, 'createBuffer').mockImplementation((descriptor) => {
      if (descriptor.mappedAtCreation) throw new RangeError('Array buffer allocation failed');
      return make(descriptor);
    });
    const [x = { x: new Float32Array() }] = inputs;
    expectReference(graph, x, await session.run(x));
  });

  it('may be written for an encoder that is submitted after other runs', async () => {
    using session = await open(device(), graph);
    const { gpu } = device();
    const [x = { x: new Float32Array() }] = inputs;
    const encoder = gpu.createCommandEncoder();
    await session.use(async ({ executor }) => executor.writeInputs(encoder, [x.x]));
    expectReference(graph, x, await session.run(x));
    gpu.pushErrorScope('validation');
    gpu.queue.submit([encoder.finish()]);
    expect(await gpu.popErrorScope()).toBeNull();
  });

  it('leaves nothing behind that a later run trips over, where recording fails', async () => {
    const g = GraphBuilder.create();
    const [x, y] = [g.input('x', shape), g.input('y', [1, 2, 1, 1])];
    g.output('z', add(g, x, y));
    const sum = g.build('sum');
    using session = await open(device(), sum);
    const fails = () => {
      throw new Error('no picture');
    };
    const y1 = syntheticTensor('y', [1, 2, 1, 1]);
    for (const { x } of inputs) {
      const broken = session.run({ x, y: { shape: [1, 2, 1, 1], encode: fails } });
      await expect(broken).rejects.toThrow('no picture');
      const data = { x, y: y1 };
      expectReference(sum, data, await session.run(data));
    }
  });
});

describe('Session.create', () => {
  it('compiles the kernels of equal layers once', async () => {
    const g = GraphBuilder.create();
    const options = { channels: 33, kernel: 1 };
    const x = g.input('x', [1, 33, 5, 4]);
    const y = conv2d(g.at('second'), conv2d(g.at('first'), x, options), options);
    g.output('y', conv2d(g.at('third'), y, options));
    const create = vi.spyOn(device().gpu, 'createComputePipelineAsync');
    using session = await open(device(), g.build('equal layers'));
    const count = create.mock.calls.length;
    vi.restoreAllMocks();
    expect(session.plan.dispatches).toHaveLength(3);
    expect(count).toBe(1);
  });

  it('compiles nothing for a second session of the same graph', async () => {
    using first = await open(device());
    const create = vi.spyOn(device().gpu, 'createComputePipelineAsync');
    using second = await open(device());
    const count = create.mock.calls.length;
    vi.restoreAllMocks();
    expect(count).toBe(0);
    expect(second.plan.dispatches).toHaveLength(first.plan.dispatches.length);
  });

  it('reports every kernel and every weight as progress', async () => {
    const seen: string[] = [];
    using session = await open(device(), smallNet(), {
      onProgress: ({ stage, done, total }) => seen.push(`${stage} ${done}/${total}`),
    });
    const { dispatches, weights } = session.plan;
    expect(seen).toEqual([
      ...dispatches.map((_, i) => `compile ${i + 1}/${dispatches.length}`),
      ...weights.map((_, i) => `upload ${i + 1}/${weights.length}`),
    ]);
  });

  it('reads the weights while kernels compile, and tells of them afterwards', async () => {
    const fresh = await openDevice();
    const compile = fresh.gpu.createComputePipelineAsync.bind(fresh.gpu);
    let readAll = (): void => {};
    const read = new Promise<void>((resolve) => {
      readAll = resolve;
    });
    vi.spyOn(fresh.gpu, 'createComputePipelineAsync').mockImplementation(async (descriptor) => {
      await read;
      return compile(descriptor);
    });
    const source = syntheticWeights([]);
    const seen = new Set<string>();
    using session = await open(fresh, smallNet(), {
      weights: {
        ...source,
        read(name, shape) {
          if (name === 'fc.bias') readAll();
          return source.read(name, shape);
        },
      },
      onProgress: ({ stage }) => seen.add(stage),
    });
    expect([...seen]).toEqual(['compile', 'upload']);
    expect(session.plan.weights.map(({ constant }) => constant.name)).toContain('fc.bias');
  });

  it('tells onProgress nothing more once it has thrown, where kernels are done at the same time', async () => {
    const fresh = await openDevice();
    const compile = fresh.pipelines.get.bind(fresh.pipelines);
    const all: Promise<unknown>[] = [];
    vi.spyOn(fresh.pipelines, 'get').mockImplementation(async (...args) => {
      const pipeline = compile(...args);
      all.push(pipeline);
      // All have been asked for in the next turn.
      await Promise.resolve();
      await Promise.all(all);
      return pipeline;
    });
    const onProgress = vi.fn(() => {
      throw new Error('the line is too short');
    });
    await expect(open(fresh, smallNet(), { onProgress })).rejects.toThrow('the line is too short');
    expect(all.length).toBeGreaterThan(1);
    expect(onProgress).toHaveBeenCalledTimes(1);
  });

  describe.each(['compile', 'upload'])('where onProgress, of %s,', (stage) => {
    /** On a device that has compiled nothing yet: there, weights are loaded first. */
    async function creating(act: () => void, signal?: AbortSignal) {
      const fresh = await openDevice();
      const alive = buffersOf(fresh);
      let told = 0;
      const onProgress = (progress: SessionProgress): void => {
        if (progress.stage !== stage) return;
        told++;
        act();
      };
      const opening = open(fresh, smallNet(), { onProgress, ...(signal && { signal }) });
      return { opening, alive, told: () => told };
    }

    it('throws, so does the call, and frees what there is', async () => {
      const { opening, alive, told } = await creating(() => {
        throw new Error('the line is too short');
      });
      await expect(opening).rejects.toThrow('the line is too short');
      expect([...alive]).toEqual([]);
      expect(told()).toBe(1);
    });

    it('aborts, it hears of nothing more', async () => {
      const controller = new AbortController();
      const reason = new Error('enough');
      const { opening, told } = await creating(() => controller.abort(reason), controller.signal);
      await expect(opening).rejects.toBe(reason);
      expect(told()).toBe(1);
    });
  });

  it('reads no more weights, and frees those there are, where a kernel does not compile', async () => {
    const fresh = await openDevice();
    const alive = buffersOf(fresh);
    const source = syntheticWeights([]);
    const asked: string[] = [];
    let fail = (): void => {};
    vi.spyOn(fresh.gpu, 'createComputePipelineAsync').mockImplementation(
      () =>
        new Promise((_, reject) => {
          fail = () => reject(new Error('the compiler is out of order'));
        }),
    );
    const opening = open(fresh, smallNet(), {
      weights: {
        ...source,
        read(name, shape) {
          asked.push(name);
          fail();
          return source.read(name, shape);
        },
      },
    });
    await expect(opening).rejects.toThrow('the compiler is out of order');
    const asBefore = asked.length;
    expect(asBefore).toBeLessThan(4);
    expect([...alive]).toEqual([]);
    await fresh.gpu.queue.onSubmittedWorkDone();
    expect(asked).toHaveLength(asBefore);
  });

  it('refuses weights that do not fit the model, before it asks for any', async () => {
    const weights = {
      name: 'file',
      tensors: new Map([['conv.weight', { shape: [8, 33, 3, 3], dtype: 'F32' }]]),
      read: vi.fn(),
    };
    await expect(open(device(), smallNet(), { weights })).rejects.toThrow(
      expect.objectContaining({
        name: 'WeightError',
        message: expect.stringContaining('3 missing: "conv.bias" [8]'),
      }),
    );
    expect(weights.read).not.toHaveBeenCalled();
  });

  it('frees what it has allocated where a weight cannot be read', async () => {
    const created: GPUBuffer[] = [];
    const { gpu } = device();
    const createBuffer = gpu.createBuffer.bind(gpu);
    vi.spyOn(gpu, 'createBuffer').mockImplementation((descriptor) => {
      const buffer = createBuffer(descriptor);
      created.push(buffer);
      vi.spyOn(buffer, 'destroy');
      return buffer;
    });
    const source = syntheticWeights([]);
    const weights: typeof source = {
      ...source,
      read(name, shape) {
        if (name === 'fc.bias') throw new Error('the disk is gone');
        return source.read(name, shape);
      },
    };
    await expect(open(device(), smallNet(), { weights })).rejects.toThrow('the disk is gone');
    expect(created.length).toBeGreaterThan(0);
    for (const buffer of created) expect(buffer.destroy).toHaveBeenCalled();
    vi.restoreAllMocks();
  });
});

describe('what Session.create is told', () => {
  it.each([
    ['onProgress', 'of type function', 'loudly'],
    ['onWarning', 'of type function', {}],
    ['kernels', 'of type function', 'conv2d_direct'],
    ['optimize', 'of type boolean', 'no'],
    ['tuning', 'of type object', 5],
    ['maxMemory', 'a positive number', '1 GB'],
    ['maxMemory', 'a positive number', -1],
    ['submitBudgetMs', 'a positive number', []],
    ['submitBudgetMs', 'a positive number', Number.NaN],
    ['submitBudgetMs', 'a positive number', 0],
  ])('by %s must be %s', async (name, expected, value) => {
    await expect(open(device(), smallNet(), { [name]: value })).rejects.toThrow(
      expect.objectContaining({
        name: 'TilewiseError',
        message: expect.stringMatching(`^createSession: options.${name} must be ${expected}, got `),
      }),
    );
  });

  it('frees a buffer that cannot be filled', async () => {
    const own = await openDevice();
    const alive = buffersOf(own);
    const buffers = Object.getPrototypeOf(own.gpu.createBuffer({ size: 4, usage: 1 }));
    const mapped = vi.spyOn(buffers, 'getMappedRange').mockImplementation(() => {
      throw new RangeError('Array buffer allocation failed');
    });
    await expect(open(own)).rejects.toThrow('Array buffer allocation failed');
    mapped.mockRestore();
    expect([...alive].map(({ label }) => label)).toEqual(['']);
  });
});

describe('Session.resize', () => {
  /** Takes images of any size. */
  function anySize(shape: Shape): Graph {
    const g = GraphBuilder.create();
    const y = relu(
      g,
      conv2d(g.at('conv'), g.input('x', shape), { channels: 8, kernel: 3, padding: 1 }),
    );
    const pooled = globalAveragePool2d(g, batchNorm(g.at('bn'), y));
    g.output('logits', linear(g.at('fc'), flatten(g, pooled), { features: 10 }));
    return g.build('any size');
  }

  it('gives the right answer for the new shape, and again for the old one', async () => {
    using session = await open(device(), anySize([1, 33, 6, 6]));
    const shapes: readonly Shape[] = [
      [2, 33, 5, 9],
      [1, 33, 6, 6],
    ];
    for (const shape of shapes) {
      await session.resize({ x: shape });
      const graph = anySize(shape);
      const inputs = inputsOf(graph);
      expect(session.inputs).toEqual([{ name: 'x', shape }]);
      expectReference(graph, inputs, await session.run(inputs));
    }
  });

  it('leaves the session as it was where the model cannot take the shape', async () => {
    const graph = smallNet();
    using session = await open(device(), graph);
    await expect(session.resize({ x: [1, 33, 8, 8] })).rejects.toThrow(
      expect.objectContaining({
        name: 'ShapeError',
        message: 'linear "fc": weight expects an input [N, 72], got [1, 128]',
      }),
    );
    expectReference(graph, inputsOf(graph), await session.run(inputsOf(graph)));
  });
});

describe('Session.create stops', () => {
  it('but not by a signal that aborts after it was created', async () => {
    const controller = new AbortController();
    const graph = smallNet();
    using session = await open(device(), graph, { signal: controller.signal });
    controller.abort();
    await session.resize({ x: [2, 33, 6, 6] });
    expect(session.outputs).toEqual([{ name: 'logits', shape: [2, 10] }]);
  });

  it('with the reason of a signal that aborts, before or during the work', async () => {
    const reason = new Error('the visitor left');
    await expect(open(device(), smallNet(), { signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason,
    );
    const controller = new AbortController();
    const creating = open(device(), smallNet(), {
      signal: controller.signal,
      onProgress: () => controller.abort(reason),
    });
    await expect(creating).rejects.toBe(reason);
  });

  it('where the session would take more memory than allowed', async () => {
    using session = await open(device());
    const { total } = session.memory;
    using same = await open(device(), smallNet(), { maxMemory: total });
    expect(same.memory.total).toBe(total);
    await expect(open(device(), smallNet(), { maxMemory: total - 1 })).rejects.toThrow(
      expect.objectContaining({
        name: 'UnsupportedError',
        message: expect.stringContaining(`"small net" takes ${total} bytes`),
      }),
    );
  });
});
