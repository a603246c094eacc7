import { describe, expect, it } from 'vitest';
import { useDevice, useDevices } from '../../test/fixtures/device.ts';
import { createSession } from '../create_session.ts';
import { relu } from '../layers/activations.ts';
import { conv2d } from '../layers/conv2d.ts';
import { flatten } from '../layers/flatten.ts';
import { maxPool2d } from '../layers/pool2d.ts';
import { lenetModel } from '../models/lenet.ts';
import { buildModel } from '../models/model.ts';
import type { Device } from '../runtime/gpu/device.ts';
import type { Graph } from '../runtime/graph.ts';
import { GraphBuilder } from '../runtime/graph_builder.ts';
import { multiplyAddsOf } from '../runtime/operator.ts';
import { syntheticInput, syntheticWeights } from '../runtime/weights/synthetic.ts';
import { measureCeilings } from './ceilings.ts';
import { profile } from './profile.ts';
import { traceOf } from './trace.ts';
import { verify } from './verify.ts';

const device = useDevice();
const openDevice = useDevices();
const weights = syntheticWeights([]);
const graph = buildModel(lenetModel);
const input = syntheticInput([1, 1, 28, 28]);

/** A line of the kernel of pools. */
const STORE = 'store(result0, image, channel, place + 0);';

describe('verify', () => {
  it('checks every node of the optimised graph, worst first', async () => {
    const checks = await verify(device(), graph, { input }, { weights });
    expect(checks.map(({ layer }) => layer).sort()).toEqual(
      ['conv1', 'conv2', 'fc1', 'fc2', 'flatten', 'pool1', 'pool2'].sort(),
    );
    expect(checks.every(({ ok }) => ok)).toBe(true);
    const { computes, kernel } = checks.find(({ layer }) => layer === 'pool1') ?? {};
    expect(computes).toEqual(['pool1', 'relu1']);
    expect(kernel).toBe('max_pool2d');
    // A view runs nothing.
    expect(checks.find(({ layer }) => layer === 'flatten')).toMatchObject({ kernel: undefined });
    const errors = checks.map(({ error }) => error);
    expect(errors).toEqual(errors.toSorted((a, b) => b - a));
  });

  it('names the one layer whose kernel is wrong, and where', async () => {
    const broken = await openDevice();
    spoil(
      broken,
      STORE,
      'store(select(result0, 1e3, channel == 1u && place == 0u), image, channel, place);',
    );
    const checks = await verify(broken, graph, { input }, { weights });
    // Both pools go through the kernel, whose invocations have several outputs.
    const wrong = checks.filter(({ ok }) => !ok).map(({ layer }) => layer);
    expect(wrong.sort()).toEqual(['pool1', 'pool2']);
    expect(checks.find(({ layer }) => layer === 'pool1')).toMatchObject({
      kernel: 'max_pool2d',
      index: [0, 1, 0, 0],
      actual: 1000,
    });
  });

  it('hands over each check as it is made, and stops between two layers', async () => {
    const stop = new AbortController();
    const seen: string[] = [];
    const work = verify(
      device(),
      graph,
      { input },
      {
        weights,
        onCheck: ({ layer }) => {
          seen.push(layer);
          if (layer === 'conv2') stop.abort(new Error('enough'));
        },
        signal: stop.signal,
      },
    );
    await expect(work).rejects.toThrow('enough');
    expect(seen).toEqual(['conv1', 'pool1', 'conv2']);
  });

  it('counts NaN as the worst of errors', async () => {
    const broken = await openDevice();
    spoil(
      broken,
      STORE,
      'store(bitcast<f32>(0x7fc00000u + min(place, 1u)), image, channel, place);',
    );
    // A ReLU would make a number of it.
    const g = GraphBuilder.create();
    g.output('y', maxPool2d(g.at('pool'), g.input('x', [1, 2, 8, 8]), { kernel: 2 }));
    const x = syntheticInput([1, 2, 8, 8]);
    const [worst] = await verify(broken, g.build('pool'), { x }, { weights });
    expect(worst).toMatchObject({
      kernel: 'max_pool2d',
      ok: false,
      error: Number.POSITIVE_INFINITY,
    });
  });
});

describe('profile', () => {
  it('has nothing to time where all is a view', async () => {
    const g = GraphBuilder.create();
    g.output('y', flatten(g, g.input('x', [1, 2, 3, 4])));
    using session = await createSession(device(), g.build('view'), { weights });
    const { dispatches } = await profile(session, new Float32Array(24), { runs: 2 });
    expect(dispatches).toEqual([]);
  });

  it('times every dispatch, with shares of measured limits', async () => {
    using session = await createSession(device(), graph, { weights });
    const result = await profile(session, input, { runs: 2 });
    expect(result.dispatches.map(({ layer }) => layer)).toEqual(
      session.plan.dispatches.map(({ node }) => node.name),
    );
    for (const { ms, shareOfFma, shareOfBandwidth } of result.dispatches) {
      // The clock of a software adapter may tick only every 65 microseconds.
      expect(ms).toBeGreaterThanOrEqual(0);
      expect(shareOfFma).toBeGreaterThanOrEqual(0);
      expect(shareOfBandwidth > 0).toBe(ms > 0);
    }
    const [conv] = result.dispatches;
    expect((conv?.gflops ?? 0) * (conv?.ms ?? 0) * 1e6).toBeCloseTo(2 * 24 * 24 * 32 * 25, 3);
    expect(traceOf(session, result)).toMatchObject({ otherData: { model: 'lenet' } });
    expect(result.layers).toHaveLength(result.dispatches.length);
    expect(result.gflops * result.passMs * 1e6).toBeCloseTo(2 * totalMultiplyAdds(graph), -3);
  });

  it('has a layer of several dispatches once, with its parts', async () => {
    const g = GraphBuilder.create();
    const x = g.input('x', [1, 16, 12, 12]);
    g.output('y', relu(g.at('relu'), conv2d(g, x, { channels: 16, kernel: 3, padding: 1 })));
    const kernels = () => 'conv2d_winograd';
    using session = await createSession(device(), g.build('one'), { weights, kernels });
    const result = await profile(session, syntheticInput([1, 16, 12, 12]), { runs: 1 });
    expect(result.layers.map(({ kernel }) => kernel)).toEqual(['conv2d_winograd']);
    expect(result.dispatches.map(({ part }) => part)).toEqual([
      'x → fields',
      'fields → products',
      'products → y',
    ]);
    const [layer] = result.layers;
    const sum = result.dispatches.reduce((total, { ms }) => total + ms, 0);
    expect(layer?.ms).toBeCloseTo(sum);
    const { traceEvents } = traceOf(session, result) as { traceEvents: { dur: number }[] };
    expect(traceEvents).toHaveLength(4);
    expect(traceEvents[0]?.dur).toBeCloseTo(1000 * sum);
  });

  it('leaves the results of runs as they were', async () => {
    using session = await createSession(device(), graph, { weights });
    const before = await session.run(input);
    await profile(session, input, { runs: 1 });
    expect(await session.run(input)).toEqual(before);
  });

  it('tells how far it is, and stops between two runs', async () => {
    using session = await createSession(device(), graph, { weights });
    const stop = new AbortController();
    const seen: (readonly number[])[] = [];
    const onProgress = (done: number, total: number) => {
      seen.push([done, total]);
      if (done === 1) stop.abort(new Error('enough'));
    };
    const work = profile(session, input, { runs: 4, onProgress, signal: stop.signal });
    await expect(work).rejects.toThrow('enough');
    expect(seen).toEqual([
      [0, 4],
      [1, 4],
    ]);
  });
});

it('an adapter has limits', async () => {
  const { gflops, gigabytesPerSecond } = await measureCeilings(device());
  expect(gflops).toBeGreaterThan(0);
  expect(gigabytesPerSecond).toBeGreaterThan(0);
});

function totalMultiplyAdds({ nodes }: Graph): number {
  return nodes.reduce((sum, node) => sum + multiplyAddsOf(node), 0);
}

/** Makes the device compile something else for one line of WGSL. */
function spoil({ gpu }: Device, right: string, wrong: string): void {
  const createShaderModule = gpu.createShaderModule.bind(gpu);
  gpu.createShaderModule = (descriptor) =>
    createShaderModule({ ...descriptor, code: descriptor.code.replace(right, wrong) });
}
