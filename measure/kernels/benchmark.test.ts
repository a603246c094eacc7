import { describe, expect, it } from 'vitest';
import {
  type Candidate,
  concat,
  conv2d,
  type Graph,
  GraphBuilder,
  prepare,
  shapeKey,
  slice,
  type Value,
} from '../../src/index.ts';
import { useDevice } from '../../test/fixtures/device.ts';
import { type BenchProgress, benchmarkKernels } from './benchmark.ts';
import { type LayerCase, layerCases } from './layer_case.ts';
import { parseLayer } from './layer_text.ts';
import { limitMs } from './report.ts';

const device = useDevice();
const ceilings = { gflops: 10, gigabytesPerSecond: 2 };

function casesIn(graph: Graph): readonly LayerCase[] {
  return layerCases(prepare(graph, { device: device().profile }));
}

function casesOf(...lines: readonly string[]): readonly LayerCase[] {
  return lines.flatMap((line) => casesIn(parseLayer(line)));
}

/** How the pointwise kernel stores four elements. */
const STORE = /y\[to\] = to_y4\((.*)\);/;

/** Cases of pointwise layers with one kernel more, which stores something else. */
function withSpoiltKernel(stored: string, ...lines: readonly string[]): readonly LayerCase[] {
  return casesOf(...lines).map(({ node, graph, ...rest }) => {
    const op: LayerCase['node']['op'] = {
      ...node.op,
      candidates: (each, profile) =>
        node.op.candidates(each, profile).flatMap((good) => [good, respelt(good, stored)]),
    };
    const spoilt = { ...node, op };
    const nodes = graph.nodes.map((each) => (each === node ? spoilt : each));
    return { ...rest, node: spoilt, graph: { ...graph, nodes } };
  });
}

function respelt(good: Candidate, stored: string): Candidate {
  return {
    ...good,
    kernel: 'spoilt',
    lower(overwritten) {
      const lowering = good.lower(overwritten);
      const dispatches = lowering.dispatches.map((dispatch) => {
        const source = dispatch.source.replace(STORE, stored);
        if (source === dispatch.source) throw new Error('the shader reads otherwise now');
        return { ...dispatch, source };
      });
      return { ...lowering, dispatches };
    },
  };
}

describe('benchmarkKernels', () => {
  it('times every kernel in every configuration, fastest first, and marks what a session takes', async () => {
    const [layerCase] = casesOf('conv2d 1,4,9,9 channels=8 kernel=3 stride=2 padding=1 relu');
    const report = await benchmarkKernels(device(), layerCase ? [layerCase] : []);
    const [layer] = report.layers;
    const variants = layerCase?.node.op.candidates(layerCase.node, device().profile);
    expect(layer?.kernels).toHaveLength(variants?.length ?? 0);
    expect(layer?.kernels.filter(({ chosen }) => chosen)).toHaveLength(1);
    const times = (layer?.kernels ?? []).map((kernel) =>
      kernel.status === 'timed' ? kernel.ms.median : Number.NaN,
    );
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(layer).toMatchObject({ flops: 2 * 8 * 25 * 4 * 9, bytes: 4 * (324 + 288 + 8 + 200) });
  });

  it('finds layers inside a network right, whatever layout their maps have there', async () => {
    const g = GraphBuilder.create();
    const convolve = (name: string, x: Value) =>
      conv2d(g.at(name), x, { channels: 4, kernel: 3, padding: 1 });
    // 25 pixels are no whole fours, so that channel-major maps have padding.
    const x = g.input('x', [2, 4, 5, 5]);
    g.output('y', convolve('last', convolve('middle', convolve('first', x))));
    const cases = casesIn(g.build('three'));
    const { layers } = await benchmarkKernels(device(), cases, { ceilings, quick: true });
    const kernels = layers.flatMap((layer) => layer.kernels);
    expect(kernels.filter(({ status }) => status !== 'timed')).toEqual([]);
  });

  it('finds layers right that read or write a part of a tensor', async () => {
    const g = GraphBuilder.create();
    const x = g.input('x', [2, 8, 5, 5]);
    const convolve = (name: string, from: Value, channels: number) =>
      conv2d(g.at(name), from, { channels, kernel: 3, padding: 1 });
    const first = convolve('first', x, 8);
    const part = convolve('part', slice(g, first, 1, 4, 8), 4);
    g.output('y', convolve('last', concat(g, [first, part]), 4));
    const cases = casesIn(g.build('parts'));
    const { layers } = await benchmarkKernels(device(), cases, { ceilings, quick: true });
    expect(layers.flatMap(({ names }) => names)).toEqual(
      expect.arrayContaining(['first', 'part', 'last']),
    );
    const kernels = layers.flatMap((layer) => layer.kernels);
    expect(kernels.filter(({ status }) => status !== 'timed')).toEqual([]);
    // What conversions of inputs take is not the layer's.
    expect(layers.every((layer) => layer.kernels.some(({ chosen }) => chosen))).toBe(true);
  });

  it('marks what was tuned as what a session takes', async () => {
    const { profile } = device();
    const graph = parseLayer('conv2d 1,4,9,9 channels=8 kernel=3');
    const [untuned] = layerCases(prepare(graph, { device: profile }));
    const node = prepare(graph, { device: profile }).plan.dispatches[0]?.node;
    const other = node?.op.candidates(node, profile).at(-1);
    if (!node || !other || !untuned) throw new Error('there is nothing to tune');
    const { kernel, config } = other;
    const tuning = new Map([[shapeKey(node), { kernel, config }]]);
    const [tuned] = layerCases(prepare(graph, { device: profile, tuning }));
    expect(tuned?.chosen).toEqual({ kernel, config });
    expect(tuned?.chosen).not.toEqual(untuned.chosen);
  });

  it('reports a wrong kernel as wrong, with where, and gives it no time', async () => {
    const stored = 'y[to] = select(to_y4($1), vec4f(0.0, 9.0, 0.0, 0.0), to == 5u);';
    const { layers } = await benchmarkKernels(device(), withSpoiltKernel(stored, 'relu 1,2,4,4'), {
      ceilings,
      quick: true,
    });
    const [good, wrong] = layers[0]?.kernels ?? [];
    expect(good).toMatchObject({ kernel: 'pointwise', status: 'timed', chosen: true, error: 0 });
    // Element 21 of [1, 2, 4, 4] is row 1, column 1 of channel 1.
    expect(wrong).toMatchObject({
      kernel: 'spoilt',
      status: 'wrong',
      message: expect.stringContaining('gives 9 at [0, 1, 1, 1], the reference'),
    });
    expect(wrong).not.toHaveProperty('ms');
  });

  it('reports a kernel that does not compile, and goes on', async () => {
    const cases = withSpoiltKernel('y[to] = nonsense;', 'relu 1,2,4,4', 'relu 1,3,4,4');
    const { layers } = await benchmarkKernels(device(), cases, {
      ceilings,
      quick: true,
    });
    for (const { kernels } of layers) {
      expect(kernels).toMatchObject([
        { kernel: 'pointwise', status: 'timed' },
        { kernel: 'spoilt', status: 'failed', message: expect.stringContaining('nonsense') },
      ]);
    }
    expect(layers).toHaveLength(2);
  });

  it('takes only the best guess of each kernel when it must be quick', async () => {
    const cases = casesOf('conv2d 1,4,9,9 channels=8 kernel=3');
    const { layers } = await benchmarkKernels(device(), cases, { ceilings, quick: true });
    const names = layers[0]?.kernels.map(({ kernel }) => kernel) ?? [];
    expect(names.toSorted()).toEqual([...new Set(names)].toSorted());
  });

  it('stops when it is told to, and returns what it has', async () => {
    const controller = new AbortController();
    const { layers, stopped } = await benchmarkKernels(
      device(),
      casesOf('relu 1,2,4,4', 'relu 1,3,4,4', 'relu 1,4,4,4'),
      {
        ceilings,
        quick: true,
        signal: controller.signal,
        onLayer: ({ layer }) => layer.includes('1,3') && controller.abort(),
      },
    );
    expect(stopped).toBe(true);
    expect(layers.map(({ layer }) => layer)).toEqual(['relu 1,2,4,4', 'relu 1,3,4,4']);
  });

  it('tells how far it is, and ends at the end', async () => {
    const shares: number[] = [];
    await benchmarkKernels(device(), casesOf('relu 1,2,4,4', 'softmax 1,10'), {
      ceilings,
      quick: true,
      onProgress: ({ done }) => shares.push(done),
    });
    expect(shares).toEqual(shares.toSorted((a, b) => a - b));
    expect(shares[0]).toBe(0);
    expect(shares.at(-1)).toBeCloseTo(1, 6);
  });

  it('says that it measures the limits, where nobody gave them', async () => {
    const steps: string[] = [];
    const onProgress = ({ layer }: BenchProgress) => steps.push(layer);
    await benchmarkKernels(device(), casesOf('relu 1,2,4,4'), { quick: true, onProgress });
    expect([...new Set(steps)]).toEqual(['the limits of the adapter', 'relu 1,2,4,4']);
  });
});

it('the limit of a layer is by arithmetic or by bytes, whichever takes longer', () => {
  expect(limitMs({ flops: 1e9, bytes: 1e6 }, ceilings)).toBeCloseTo(100, 9);
  expect(limitMs({ flops: 1e6, bytes: 1e9 }, ceilings)).toBeCloseTo(500, 9);
});
