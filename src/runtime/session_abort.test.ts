import { getEventListeners } from 'node:events';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { limitBindings, useDevice, useDevices } from '../../test/fixtures/device.ts';
import { watchGpu } from '../../test/fixtures/watched_gpu.ts';
import { relu } from '../layers/activations.ts';
import { linear } from '../layers/linear.ts';
import { timePass } from '../profiling/time_pass.ts';
import type { Device } from './gpu/device.ts';
import { clockOf } from './gpu/stopwatch.ts';
import type { Graph, Value } from './graph.ts';
import { GraphBuilder } from './graph_builder.ts';
import { Session, type SessionOptions } from './session.ts';
import { syntheticTensor, syntheticWeights } from './weights/synthetic.ts';

const openDevice = useDevices();
const device = useDevice(openDevice);

afterEach(() => {
  vi.restoreAllMocks();
});

const LAYERS = 8;
const REASON = new Error('the user has changed his mind');

/** Layers of one dispatch each. */
function chain(batch = 1): Graph {
  const g = GraphBuilder.create();
  let x: Value = g.input('x', [batch, 64]);
  for (let i = 0; i < LAYERS; i++) x = relu(g, linear(g.at(`fc${i}`), x, { features: 64 }));
  g.output('y', x);
  return g.build('chain');
}

/** Each dispatch is a submit of its own. */
const CUT = { submitBudgetMs: 1e-6 };

function open(on: Device, more: Partial<SessionOptions> = CUT, batch = 1): Promise<Session> {
  return Session.create(on, chain(batch), { weights: syntheticWeights([]), ...more });
}

const inputOf = (name: string, batch = 1): Float32Array => syntheticTensor(name, [batch, 64]);
const x = inputOf('x');

/** Aborts before the GPU is given the submit of this number, the first is 1, and counts those that it is given. */
function abortAtSubmit({ gpu }: Device, number: number) {
  const controller = new AbortController();
  const submit = gpu.queue.submit.bind(gpu.queue);
  let count = 0;
  vi.spyOn(gpu.queue, 'submit').mockImplementation((commands) => {
    submit(commands);
    if (++count === number) controller.abort(REASON);
  });
  return { signal: controller.signal, submits: () => count };
}

async function idle({ gpu }: Device): Promise<void> {
  await gpu.queue.onSubmittedWorkDone();
  await new Promise((resolve) => setTimeout(resolve, 20));
}

describe('a run with a signal', () => {
  it('gives what it gives without, in as many submits, and leaves no listener', async () => {
    using session = await open(device());
    const expected = await session.run(x);
    const { signal, submits } = abortAtSubmit(device(), Number.POSITIVE_INFINITY);
    expect(await session.run(x, { signal })).toEqual(expected);
    expect(submits()).toBe(LAYERS);
    await idle(device());
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('submits nothing where that is aborted already', async () => {
    using session = await open(device());
    const submit = vi.spyOn(device().gpu.queue, 'submit');
    const signal = AbortSignal.abort(REASON);
    await expect(session.run(x, { signal })).rejects.toBe(REASON);
    await idle(device());
    expect(submit).not.toHaveBeenCalled();
  });

  it.each([1, 2, 5])('stops after submit %i, and is not given a result', async (number) => {
    using session = await open(device());
    const { y: expected } = await session.run(x);
    const { signal, submits } = abortAtSubmit(device(), number);
    const into = { y: new Float32Array(64) };
    const heard = vi.fn();
    const run = session.run(inputOf('z'), {
      signal,
      into,
      onHostTime: heard,
      onGpuTime: heard,
    });
    await expect(run).rejects.toBe(REASON);
    await idle(device());
    expect(submits()).toBe(number);
    expect(heard).not.toHaveBeenCalled();
    expect(into.y).toEqual(new Float32Array(64));
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    expect((await session.run(x)).y).toEqual(expected);
  });

  it('is given no result where the signal is aborted after its last submit', async () => {
    using session = await open(device(), {});
    const { signal, submits } = abortAtSubmit(device(), 1);
    const into = { y: new Float32Array(64) };
    await expect(session.run(x, { signal, into })).rejects.toBe(REASON);
    await idle(device());
    expect(submits()).toBe(1);
    expect(into.y).toEqual(new Float32Array(64));
  });

  it('fills no array where the signal is aborted while it waits for its time', async () => {
    using session = await open(device(), {});
    const controller = new AbortController();
    const into = { y: new Float32Array(64) };
    const { mapAsync } = GPUBuffer.prototype;
    vi.spyOn(GPUBuffer.prototype, 'mapAsync').mockImplementation(function (this: GPUBuffer, mode) {
      if (this.label === 'run time') controller.abort(REASON);
      return mapAsync.call(this, mode);
    });
    const run = session.run(x, { signal: controller.signal, into, onGpuTime: () => {} });
    if (clockOf(device()) === 'host') return void (await run);
    await expect(run).rejects.toBe(REASON);
    await idle(device());
    expect(into.y).toEqual(new Float32Array(64));
  });

  it('has never more than two submits that the GPU has not done', async () => {
    using session = await open(device());
    await session.run(x);
    const { gpu } = device();
    const { queue } = gpu;
    const submit = queue.submit.bind(queue);
    let [given, done, most] = [0, 0, 0];
    vi.spyOn(queue, 'submit').mockImplementation((commands) => {
      submit(commands);
      const number = ++given;
      most = Math.max(most, number - done);
      // A GPU that takes its time.
      void queueDone().then(() => setTimeout(() => (done = number), 10));
    });
    const queueDone = queue.onSubmittedWorkDone.bind(queue);
    vi.spyOn(queue, 'onSubmittedWorkDone').mockImplementation(async () => {
      const number = given;
      while (done < number) await new Promise((resolve) => setTimeout(resolve, 1));
    });
    await session.run(x, { signal: new AbortController().signal });
    expect(given).toBe(LAYERS);
    expect(most).toBe(2);
    await session.run(x);
    expect(most).toBeGreaterThanOrEqual(LAYERS);
  });

  it('leaves the queue at once, and those before and after it alone', async () => {
    using session = await open(device());
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    const expected: unknown[] = [];
    for (const name of names) expected.push(await session.run(inputOf(name)));
    const settled: string[] = [];
    const submit = vi.spyOn(device().gpu.queue, 'submit');
    const controllers = names.map(() => new AbortController());
    const runs = names.map((name, i) => {
      const run = session.run(inputOf(name), { signal: controllers[i]?.signal });
      const note = (): unknown => settled.push(name);
      void run.then(note, note);
      return run;
    });
    const outcomes = Promise.allSettled(runs);
    for (const i of [3, 4]) controllers[i]?.abort(REASON);
    const [a, b, c, d, e, f] = await outcomes;
    expect([a, b, c, f]).toEqual(
      [0, 1, 2, 5].map((i) => ({ status: 'fulfilled', value: expected[i] })),
    );
    expect([d, e]).toEqual([3, 4].map(() => ({ status: 'rejected', reason: REASON })));
    expect(settled).toEqual(['d', 'e', 'a', 'b', 'c', 'f']);
    expect(submit).toHaveBeenCalledTimes(4 * LAYERS);
  });

  it('keeps its submits together, whatever else the session does', async () => {
    using session = await open(device());
    const expected = await session.run(x);
    const other = await session.run(inputOf('z'));
    const { signal } = new AbortController();
    const run = session.run(x, { signal });
    const between = [session.run(inputOf('z')), session.run(inputOf('z'), { signal })];
    const timed = timePass(session);
    expect(await run).toEqual(expected);
    expect(await Promise.all(between)).toEqual([other, other]);
    expect(await timed).toBeGreaterThanOrEqual(0);
  });

  it('stops between the parts of a batch', async () => {
    limitBindings(device(), 4 * 64 * 4 * 16);
    using session = await open(device(), {}, 128);
    expect(session.prepared.parts).toBe(2);
    const expected = await session.run(inputOf('x', 128));
    const { signal, submits } = abortAtSubmit(device(), 1);
    await expect(session.run(inputOf('x', 128), { signal })).rejects.toBe(REASON);
    await idle(device());
    expect(submits()).toBe(1);
    vi.restoreAllMocks();
    expect(await session.run(inputOf('x', 128), { signal: new AbortController().signal })).toEqual(
      expected,
    );
  });

  it('is refused where the session is disposed of meanwhile', async () => {
    const session = await open(device());
    const { signal, submits } = abortAtSubmit(device(), Number.POSITIVE_INFINITY);
    const run = session.run(x, { signal });
    while (submits() === 0) await Promise.resolve();
    session.dispose();
    await expect(run).rejects.toThrow('session "chain" was disposed; create a new one');
    expect(submits()).toBeLessThan(LAYERS);
  });

  it('builds anew what was lost, and stops that, too', async () => {
    const own = await openDevice();
    using session = await open(own);
    const expected = await session.run(x);
    own.gpu.destroy();
    await own.gpu.lost;
    await own.restore();
    const controller = new AbortController();
    const create = own.gpu.createBuffer.bind(own.gpu);
    const buffers = vi.spyOn(own.gpu, 'createBuffer').mockImplementation((descriptor) => {
      controller.abort(REASON);
      return create(descriptor);
    });
    await expect(session.run(x, { signal: controller.signal })).rejects.toBe(REASON);
    await idle(own);
    // Of sixteen weights.
    expect(buffers.mock.calls.length).toBeLessThan(4);
    expect(await session.run(x)).toEqual(expected);
  });

  it('leaves no objects of the GPU', async () => {
    const own = await openDevice();
    const { live } = watchGpu();
    const before = live.size;
    const session = await open(own);
    for (const number of [1, 3, LAYERS]) {
      const { signal } = abortAtSubmit(own, number);
      await expect(session.run(x, { signal, onGpuTime: () => {} })).rejects.toBe(REASON);
      vi.restoreAllMocks();
    }
    await idle(own);
    session.dispose();
    expect(live.size).toBe(before);
  });
});

describe('Session.resize with a signal', () => {
  it('is taken out of the queue at once', async () => {
    using session = await open(device());
    const controller = new AbortController();
    const { signal } = controller;
    const runs = [1, 2, 3].map(() => session.run(x));
    const resizing = session.resize({ batch: 3 }, { signal });
    controller.abort(REASON);
    const first = Promise.race([...runs, resizing]);
    await expect(first).rejects.toBe(REASON);
    for (const run of runs) await run;
    expect((await session.run(x)).y).toHaveLength(64);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('is done or rejected as a whole, aborted in whichever tick after the run before it', async () => {
    using session = await open(device());
    for (let ticks = 0; ticks < 24; ticks++) {
      const batch = session.inputs[0]?.shape[0] ?? 0;
      const controller = new AbortController();
      const run = session.run(inputOf('x', batch));
      const resizing = session.resize({ batch: 3 - batch }, { signal: controller.signal }).then(
        () => 'done',
        (error: unknown) => (error === REASON ? 'aborted' : String(error)),
      );
      await run;
      for (let tick = 0; tick < ticks; tick++) await Promise.resolve();
      controller.abort(REASON);
      const outcome = await resizing;
      expect(['aborted', 'done']).toContain(outcome);
      expect([outcome, ticks, session.inputs[0]?.shape[0]]).toEqual([
        outcome,
        ticks,
        outcome === 'done' ? 3 - batch : batch,
      ]);
    }
  });

  it.each(['build', 'wait'])('leaves the session as it was: aborted in its %s', async (when) => {
    const own = await openDevice();
    const { live } = watchGpu();
    using session = await open(own);
    const expected = await session.run(x);
    const before = live.size;
    const controller = new AbortController();
    const runs = when === 'wait' ? [1, 2, 3].map(() => session.run(x)) : [];
    const bind = own.gpu.createBindGroup.bind(own.gpu);
    vi.spyOn(own.gpu, 'createBindGroup').mockImplementation((descriptor) => {
      controller.abort(REASON);
      return bind(descriptor);
    });
    const { signal } = controller;
    await expect(session.resize({ batch: 3 }, { signal })).rejects.toBe(REASON);
    await Promise.all(runs);
    await idle(own);
    expect(session.inputs[0]?.shape).toEqual([1, 64]);
    expect(live.size).toBe(before);
    expect(await session.run(x)).toEqual(expected);
    vi.restoreAllMocks();
    await session.resize({ batch: 3 }, { signal: new AbortController().signal });
    expect(session.inputs[0]?.shape).toEqual([3, 64]);
  });
});
