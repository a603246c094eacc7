import { afterEach, describe, expect, it, vi } from 'vitest';
import { type NodeGpu, openNodeGpu } from '../node/gpu.ts';
import { limitBindings, useDevice, useDevices } from '../test/fixtures/device.ts';
import * as api from './index.ts';

const open = useDevices();
const device = useDevice(open);
const { GpuTensor, encodeRun, runOnGpu } = api;

const X = [6, 8, 5, 7];
const weights = api.syntheticWeights([]);
const x = api.syntheticTensor('x', X);

/** Anything, as any type. */
const bad = (value: unknown): never => value as never;

function graphOf(build: (g: api.GraphBuilder, x: api.Value) => Record<string, api.Value>) {
  const g = api.GraphBuilder.create();
  for (const [name, value] of Object.entries(build(g, g.input('x', X)))) g.output(name, value);
  return g.build('net');
}

const convolution = graphOf((g, x) => {
  const y = api.conv2d(g.at('c'), x, { channels: 4, kernel: 3, padding: 1 });
  return { y: api.relu(g.at('r'), y) };
});
const Y = [6, 4, 5, 7];

/** What follows it. */
const head = (() => {
  const g = api.GraphBuilder.create();
  g.output(
    'sums',
    api.reduce(g.at('s'), g.input('y', Y), 'sum', { axes: [2, 3], keepAxes: false }),
  );
  return g.build('head');
})();

const transposing = graphOf((g, x) => ({ y: api.transpose(g, x, [0, 2, 3, 1]) }));
const two = graphOf((g, x) => ({
  small: api.clip(g.at('s'), x, { most: 1 }),
  large: api.relu(g, x),
}));

const session = (graph: api.Graph, options: object = {}) =>
  api.createSession(device(), graph, { weights, ...options });

async function expectedOf(graph: api.Graph, options: object = {}) {
  using plain = await session(graph, options);
  return await plain.run(x);
}

/** Records and submits a run. */
function encodeAndSubmit(...[of, inputs, outputs]: Parameters<typeof runOnGpu>): void {
  const encoder = device().gpu.createCommandEncoder();
  encodeRun(of, encoder, inputs, outputs);
  device().gpu.queue.submit([encoder.finish()]);
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe.each([
  ['runOnGpu', runOnGpu],
  ['encodeRun', async (...all: Parameters<typeof runOnGpu>) => encodeAndSubmit(...all)],
])('%s', (_, run) => {
  async function given(): Promise<api.GpuTensor> {
    const tensor = await GpuTensor.allocate(device(), X);
    device().gpu.queue.writeBuffer(tensor.buffer, 0, x);
    return tensor;
  }

  it.each(['f32', 'f16'] as const)('gives what run gives, in %s', async (precision) => {
    if (precision === 'f16' && !device().profile.shaderF16) return;
    const { y } = await expectedOf(convolution, { precision });
    using of = await session(convolution, { precision });
    using input = await given();
    using output = await GpuTensor.allocate(device(), Y);
    await run(of, { x: input }, { y: output });
    expect(await output.read(device())).toEqual(y);
    await run(of, input, output);
    expect(await output.read(device())).toEqual(y);
  });

  it('lets sessions follow one another, and maps nothing', async () => {
    using first = await session(convolution);
    using second = await session(head);
    const { sums } = await second.run((await first.run(x)).y ?? bad(undefined));
    using input = await given();
    using between = await GpuTensor.allocate(device(), Y);
    using output = await GpuTensor.allocate(device(), [6, 4]);
    const buffers = vi.spyOn(device().gpu, 'createBuffer');
    const maps = vi.spyOn(GPUBuffer.prototype, 'mapAsync');
    await run(first, input, between);
    await run(second, between, output);
    expect(buffers).not.toHaveBeenCalled();
    expect(maps).not.toHaveBeenCalled();
    expect(await output.read(device())).toEqual(sums);
    expect(await second.run(between)).toEqual({ sums });
  });

  it('runs a batch in parts', async () => {
    const { y } = await expectedOf(convolution);
    limitBindings(device(), 3 * 4 * 8 * 35);
    using of = await session(convolution);
    expect(of.prepared.parts).toBe(2);
    using input = await given();
    using output = await GpuTensor.allocate(device(), Y);
    await run(of, input, output);
    expect(await output.read(device())).toEqual(y);
  });

  it('takes a part of a buffer, and some of the outputs', async () => {
    const { large } = await expectedOf(two);
    using of = await session(two);
    using input = await given();
    const count = api.elementCount(X);
    using all = await GpuTensor.allocate(device(), [2 * count]);
    await run(of, input, { large: GpuTensor.of(all.buffer, X, { offset: 4 * count }) });
    const values = await all.read(device());
    expect(values.subarray(count)).toEqual(large);
    expect(values.subarray(0, count).every((value) => value === 0)).toBe(true);
  });

  it('wants outputs that are row-major, as denseOutputs makes them', async () => {
    const { y } = await expectedOf(transposing);
    using input = await given();
    using output = await GpuTensor.allocate(device(), [6, 5, 7, 8]);
    using strided = await session(transposing);
    await expect(run(strided, input, output)).rejects.toThrow(
      'output "y" of "net" lies on the device as f32 with strides [280, 7, 1, 35]; create the session with denseOutputs: true, and not observed',
    );
    using dense = await session(transposing, { denseOutputs: true });
    await run(dense, input, output);
    expect(await output.read(device())).toEqual(y);
    expect((await dense.run(x)).y).toEqual(y);
  });

  it.each<[what: string, inputs: unknown, outputs: unknown, message: string]>([
    [
      'an unknown output',
      x,
      { z: 1 },
      '"net" has the outputs small, large; tensors were given for z',
    ],
    ['no output', x, {}, 'the outputs small, large; tensors were given for none'],
    ['undefined for outputs', x, undefined, 'GpuTensors by their names, got undefined'],
    [
      'an array for outputs',
      x,
      x,
      'outputs of "net" must be a GpuTensor, or GpuTensors by their names, got Float32Array of 1680',
    ],
    ['a list of outputs', x, [1], 'GpuTensors by their names, got Array of 1'],
    [
      'an array for an output',
      x,
      { small: x },
      `must be a GpuTensor [${X.join(', ')}], got Float32Array`,
    ],
    ['an input of another length', x.subarray(1), {}, 'tensors were given for none'],
  ])('refuses %s', async (_, inputs, outputs, message) => {
    using of = await session(two);
    await expect(run(of, bad(inputs), bad(outputs))).rejects.toThrow(message);
  });

  it('refuses tensors of another shape, and one for two outputs', async () => {
    using of = await session(two);
    using wrong = await GpuTensor.allocate(device(), Y);
    using right = await GpuTensor.allocate(device(), X);
    await expect(run(of, right, { small: wrong })).rejects.toThrow(
      'output "small" of "net" must be a GpuTensor [6, 8, 5, 7], got GpuTensor of 6,4,5,7',
    );
    await expect(run(of, right, right)).rejects.toThrow('tensors were given for none');
    await expect(run(of, wrong, { small: right })).rejects.toThrow(/^input "x" of "net" must be/);
  });

  it('refuses outputs that share memory, or that of an input of a batch in parts', async () => {
    using of = await session(two);
    using input = await given();
    const message = /^outputs of "net" share memory/;
    await expect(run(of, input, { small: input, large: input })).rejects.toThrow(message);
    const count = api.elementCount(X);
    using pair = await GpuTensor.allocate(device(), [2 * count]);
    const [low, middle] = [0, 2 * count].map((offset) => GpuTensor.of(pair.buffer, X, { offset }));
    await expect(run(of, x, bad({ small: low, large: middle }))).rejects.toThrow(message);
    limitBindings(device(), 3 * 4 * 8 * 35);
    using cut = await session(convolution);
    const rows = GpuTensor.of(input.buffer, Y);
    await expect(run(cut, input, rows)).rejects.toThrow(message);
  });

  it('takes the place of its input, also in parts', async () => {
    const { small } = await expectedOf(two);
    limitBindings(device(), 3 * 4 * 8 * 35);
    using of = await session(two);
    expect(of.prepared.parts).toBe(2);
    using input = await given();
    await run(of, input, { small: input });
    expect(await input.read(device())).toEqual(small);
  });

  it('gives a part of another value, which is row-major from an offset on', async () => {
    const second = graphOf((g, x) => ({ y: api.slice(g, api.relu(g, x), 0, 3, 6) }));
    const { y } = await expectedOf(second);
    using of = await session(second);
    using input = await given();
    using output = await GpuTensor.allocate(device(), [3, 8, 5, 7]);
    await run(of, input, output);
    expect(await output.read(device())).toEqual(y);
  });

  it('throws after dispose', async () => {
    const of = await session(convolution);
    of.dispose();
    await expect(run(of, x, bad({}))).rejects.toThrow('session "net" was disposed');
  });
});

describe('runOnGpu', () => {
  it('takes arrays, and reports what the GPU refuses', async () => {
    const { y } = await expectedOf(convolution);
    using of = await session(convolution);
    using output = await GpuTensor.allocate(device(), Y);
    await runOnGpu(of, x, output);
    expect(await output.read(device())).toEqual(y);
    const size = 4 * api.elementCount(Y);
    const unfit = device().gpu.createBuffer({ size, usage: GPUBufferUsage.STORAGE });
    const refused = runOnGpu(of, x, GpuTensor.of(unfit, Y));
    await expect(refused).rejects.toThrow(/^run of "net": .*CopyDst/s);
    unfit.destroy();
  });

  it.each([1, 4])('comes after the runs that were called before it, in %i parts', async (parts) => {
    const graph = api.GraphBuilder.create();
    graph.output('y', api.mul(graph, graph.input('x', [4, 64]), 0.5));
    const halving = graph.build('net');
    if (parts > 1) limitBindings(device(), 4 * 64);
    using of = await session(halving);
    expect(of.prepared.parts).toBe(parts);
    using tensor = await GpuTensor.allocate(device(), [4, 64]);
    const ones = new Float32Array(256).fill(1);
    device().gpu.queue.writeBuffer(tensor.buffer, 0, ones);
    const runs = Array.from({ length: 4 }, () => of.run(tensor));
    await runOnGpu(of, tensor, tensor);
    for (const { y } of await Promise.all(runs)) expect(y).toEqual(ones.map((one) => one / 2));
    expect(await tensor.read(device())).toEqual(ones.map((one) => one / 2));
  });

  it('builds the session anew after a loss; tensors of before are gone', async () => {
    const own = await open();
    using of = await api.createSession(own, convolution, { weights });
    const before = await GpuTensor.allocate(own, Y);
    own.gpu.destroy();
    await own.gpu.lost;
    using output = await GpuTensor.allocate(own, Y);
    await runOnGpu(of, x, output);
    expect(await output.read(own)).toEqual((await of.run(x)).y);
    await expect(runOnGpu(of, x, before)).rejects.toThrow(api.DeviceLostError);
    await expect(before.read(own)).rejects.toThrow(api.DeviceLostError);
  });
});

describe('encodeRun', () => {
  it('refuses arrays, and a session whose device was lost', async () => {
    const own = await open();
    using of = await api.createSession(own, convolution, { weights });
    using output = await GpuTensor.allocate(own, Y);
    const encoder = own.gpu.createCommandEncoder();
    expect(() => encodeRun(of, encoder, x, output)).toThrow(
      'input "x" of "net" must be on the GPU to be recorded, got Float32Array; write it into a GpuTensor, or call runOnGpu',
    );
    own.gpu.destroy();
    await own.gpu.lost;
    expect(() => encodeRun(of, encoder, x, output)).toThrow(api.DeviceLostError);
  });
});

describe('GpuTensor', () => {
  it('is zero at first, and refuses buffers that do not hold it', async () => {
    using tensor = await GpuTensor.allocate(device(), [2, 3]);
    expect(await tensor.read(device())).toEqual(new Float32Array(6));
    const { buffer } = tensor;
    for (const [at, shape, offset] of [
      [buffer, [7], 0],
      [buffer, [6], 4],
      [buffer, [1], 2],
      [buffer, [1], -4],
      [undefined, [1], 0],
      [{}, [1], 0],
      [{ size: 100 }, [1], 0],
    ] as const) {
      expect(() => GpuTensor.of(bad(at), shape, { offset })).toThrow(/^a GpuTensor \[\d\] takes/);
    }
    await expect(GpuTensor.allocate(device(), [0])).rejects.toThrow(api.ShapeError);
    await expect(GpuTensor.allocate(device(), [2 ** 30, 2 ** 30])).rejects.toThrow(
      /takes \d+ bytes, a buffer of this device holds at most \d+/,
    );
    expect(() => tensor.part(0, 3)).toThrow('a GpuTensor [2, 3] has no part 0 of 3');
    expect(() => tensor.part(2, 2)).toThrow('has no part 2 of 2');
    expect(() => tensor.part(0.5, 2)).toThrow('has no part 0.5 of 2');
    tensor.part(1, 2).dispose();
    expect(await tensor.read(device())).toEqual(new Float32Array(6));
    expect(() => GpuTensor.of(buffer, bad('6'))).toThrow(api.ShapeError);
  });
});

describe('Device.from', () => {
  // Dawn lives as long as these are reachable.
  const nodes: NodeGpu[] = [];
  const requestDevice = async (descriptor?: (adapter: GPUAdapter) => GPUDeviceDescriptor) => {
    const node = await openNodeGpu(process.env.TILEWISE_ADAPTER);
    nodes.push(node);
    return node.adapter.requestDevice(descriptor?.(node.adapter));
  };

  it.each([
    ['with all that kernels use', api.deviceDescriptor],
    ['of default limits', undefined],
  ])('runs on a device of the application, %s, and leaves it alive', async (_, descriptor) => {
    const { y } = await expectedOf(convolution);
    const gpu = await requestDevice(descriptor);
    const adopted = api.Device.from(gpu);
    expect(adopted.gpu).toBe(gpu);
    expect(adopted.adapter.name).toBe(device().adapter.name);
    using of = await api.createSession(adopted, convolution, { weights });
    const largest = Math.max(...(y ?? []).map(Math.abs));
    const { y: actual = new Float32Array() } = await of.run(x);
    expect(actual).toHaveLength(y?.length ?? 0);
    // Other limits may have other kernels chosen: 72 products and 4 roundings of 6e-8 of the largest.
    actual.forEach((value, i) => {
      expect(Math.abs(value - (y?.[i] ?? Number.NaN))).toBeLessThanOrEqual(76 * 6e-8 * largest);
    });
    adopted.dispose();
    await expect(of.run(x)).rejects.toThrow('the GPU device was disposed');
    const buffer = gpu.createBuffer({ size: 4, usage: GPUBufferUsage.MAP_READ });
    await buffer.mapAsync(GPUMapMode.READ);
    gpu.destroy();
  });

  it('says what a device of default limits lacks, and what that costs', async () => {
    using least = api.Device.from(await requestDevice());
    using most = api.Device.from(await requestDevice(api.deviceDescriptor));
    const lines = api.shortfallsOf(least);
    expect(lines).toContain(
      "shader-f16: sessions cannot have precision 'f16', which halves memory",
    );
    expect(lines).toContain(
      'maxStorageBufferBindingSize 134217728: larger batches run in parts, and larger weights are split',
    );
    expect(lines).toHaveLength(8);
    const { features, limits } = most.gpu;
    const names = api.shortfallsOf(most).map((line) => /^[\w-]+/.exec(line)?.[0] ?? '');
    expect(names.filter((name) => features.has(name))).toEqual([]);
    expect(names).not.toContain(limits.maxBufferSize > 2 ** 28 ? 'maxBufferSize' : undefined);
    expect(names.length).toBeLessThan(lines.length);
  });

  it('says that a lost one is to be given anew', async () => {
    const gpu = await requestDevice();
    using adopted = api.Device.from(gpu);
    using of = await api.createSession(adopted, convolution, { weights });
    gpu.destroy();
    await gpu.lost;
    await expect(of.run(x)).rejects.toThrow(/lost .*adopt another$/s);
    await expect(of.run(x)).rejects.toThrow(api.DeviceLostError);
  });

  it.each([[undefined], [{}], ['gpu']])('refuses %s', (gpu) => {
    expect(() => api.Device.from(bad(gpu))).toThrow(/^Device.from: gpu must be a GPUDevice/);
  });
});

describe('runOnGpu with a signal', () => {
  const chain = graphOf((g, x) => {
    let y: api.Value = x;
    for (let i = 0; i < 4; i++) y = api.softmax(g.at(`layer${i}`), y);
    return { y };
  });
  const REASON = new Error('enough');

  it('is submitted early only where the GPU has done the runs before it', async () => {
    const deep = graphOf((g, x) => {
      let y: api.Value = x;
      for (let i = 0; i < 20; i++) y = api.softmax(g.at(`layer${i}`), y);
      return { y };
    });
    using of = await session(deep);
    using output = await GpuTensor.allocate(device(), X);
    const { queue } = device().gpu;
    let finish = (): void => {};
    vi.spyOn(queue, 'onSubmittedWorkDone').mockImplementationOnce(
      () => new Promise((resolve) => (finish = () => resolve(undefined))),
    );
    const submit = vi.spyOn(queue, 'submit');
    await runOnGpu(of, x, output);
    expect(submit).toHaveBeenCalledTimes(2);
    await runOnGpu(of, x, output);
    expect(submit).toHaveBeenCalledTimes(2 + 1);
    await of.run(x);
    expect(submit).toHaveBeenCalledTimes(3 + 1);
    finish();
    await of.run(x);
    expect(submit).toHaveBeenCalledTimes(4 + 2);
  });

  it('is cut by submitBudgetMs, and stops between two submits, before its output is written', async () => {
    const { y } = await expectedOf(chain);
    using of = await session(chain, { submitBudgetMs: 1e-9 });
    using output = await GpuTensor.allocate(device(), X);
    const controller = new AbortController();
    const { signal } = controller;
    const submit = device().gpu.queue.submit.bind(device().gpu.queue);
    let submits = 0;
    const spy = vi.spyOn(device().gpu.queue, 'submit').mockImplementation((commands) => {
      submit(commands);
      if (++submits === 2) controller.abort(REASON);
    });
    await expect(runOnGpu(of, x, output, { signal })).rejects.toBe(REASON);
    await device().gpu.queue.onSubmittedWorkDone();
    expect(submits).toBe(2);
    spy.mockRestore();
    expect(await output.read(device())).toEqual(new Float32Array(api.elementCount(X)));
    const count = vi.spyOn(device().gpu.queue, 'submit');
    await runOnGpu(of, x, output);
    expect(count).toHaveBeenCalledTimes(of.plan.dispatches.length);
    expect(await output.read(device())).toEqual(y);
  });
});
