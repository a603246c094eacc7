/** examples/fallback.ts: a network on the GPU and, where there is no WebGPU, by onnxruntime. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { type OnnxRuntime, openNetwork } from '../examples/fallback.ts';
import { openNodeGpu } from '../node/gpu.ts';
import { packageFile } from '../node/package_file.ts';
import {
  add,
  buildModel,
  conv2d,
  findModel,
  type Graph,
  GraphBuilder,
  openSafetensors,
  relu,
  runReference,
  type Supported,
  syntheticWeights,
  type WeightSource,
} from '../src/index.ts';
import { loadOnnx } from '../src/onnx/index.ts';
import { inputsOf, largest } from './fixtures/compare_graphs.ts';
import { expectClose } from './fixtures/expect_close.ts';
import { findOnnxRuntime } from './fixtures/onnxruntime.ts';

/** Runs files as onnxruntime does, and checks what it is fed: by this library's own reader, in f64. */
const REFERENCE: OnnxRuntime = {
  Tensor: class {
    readonly data: Float32Array;
    readonly dims: readonly number[];

    constructor(_: 'float32', data: Float32Array, dims: readonly number[]) {
      this.data = data;
      this.dims = dims;
    }
  },
  InferenceSession: {
    async create(file) {
      const { graph, weights } = loadOnnx(file);
      return {
        async run(feeds) {
          const fed = feeds as Readonly<Record<string, { data: Float32Array; dims: number[] }>>;
          const shapes = graph.inputs.map(({ name, desc }) => [name, desc.shape]);
          expect(Object.entries(fed).map(([name, { dims }]) => [name, dims])).toEqual(shapes);
          const inputs = Object.entries(fed).map(([name, { data }]) => [name, data] as const);
          const values = runReference(graph, weights, Object.fromEntries(inputs));
          return Object.fromEntries(
            [...graph.outputs].map(([name, value]) => [
              name,
              { data: Float32Array.from(values.get(value) ?? []) },
            ]),
          );
        },
        async release() {},
      };
    },
  },
};

const RUNTIMES: readonly (readonly [name: string, runtime: OnnxRuntime | undefined])[] = [
  ['the reference', REFERENCE],
  ['onnxruntime-web, wasm', findOnnxRuntime('onnxruntime-web/wasm')],
  ['onnxruntime-node', findOnnxRuntime()],
];

function twoOfEach(): Graph {
  const g = GraphBuilder.create();
  const left = g.input('left', [2, 3, 8, 10]);
  const right = g.input('right', [2, 4, 8, 10]);
  const conv = conv2d(g.at('conv'), left, { channels: 4, kernel: 3, padding: 1 });
  g.output('features', conv);
  g.output('sum', relu(g.at('relu'), add(g.at('add'), conv, right)));
  return g.build('two of each');
}

const LENET = packageFile('weights', 'lenet-mnist.safetensors');
const NETWORKS: readonly (readonly [string, Graph, WeightSource])[] = [
  [
    'LeNet',
    buildModel(findModel('lenet'), { batch: 2 }),
    openSafetensors(Uint8Array.from(readFileSync(LENET)), 'lenet'),
  ],
  ['a network of two inputs and outputs', twoOfEach(), syntheticWeights([])],
];

/** As `isSupported` finds it in a page. */
async function supported(): Promise<Supported> {
  const { gpu, adapter } = await openNodeGpu(process.env.TILEWISE_ADAPTER);
  return { supported: true, gpu, adapter };
}

describe.each(NETWORKS)('the example of a fallback: %s', (_, graph, weights) => {
  const inputs = inputsOf(graph);
  let expected: Readonly<Record<string, Float32Array>> = {};

  beforeAll(async () => {
    const gpu = await openNetwork(graph, weights, unused, await supported());
    expected = await gpu.run(inputs);
    await gpu.dispose();
  });

  for (const [name, runtime] of RUNTIMES) {
    it.skipIf(!runtime)(`gives on the CPU what it gives on the GPU, by ${name}`, async () => {
      // Node has no navigator.gpu.
      const cpu = await openNetwork(graph, weights, async () => runtime ?? unused());
      expect(cpu.on).toMatch(/there is no WebGPU/);
      const actual = await cpu.run(inputs);
      expect(Object.keys(expected)).toEqual([...graph.outputs.keys()]);
      expect(Object.keys(actual)).toEqual([...graph.outputs.keys()]);
      for (const [output, { desc }] of graph.outputs) {
        const values = Float64Array.from(expected[output] ?? []);
        const result = actual[output] ?? new Float32Array();
        expectClose(result, values, 1e-5 * largest(values), desc.shape, output);
      }
      await cpu.dispose();
    });
  }

  it('says which input is missing', async () => {
    const cpu = await openNetwork(graph, weights, async () => REFERENCE);
    const first = graph.inputs[0]?.name;
    await expect(cpu.run({})).rejects.toThrow(`input "${first}" of "${graph.name}" is missing`);
  });
});

/** Where there is WebGPU, pages do not download onnxruntime. */
async function unused(): Promise<OnnxRuntime> {
  throw new Error('onnxruntime is loaded without need');
}
