/**
 * Compiles what onnxruntime's WebGPU dispatches for a model, on this process's GPU, for bench:isa to read the driver's
 * log. onnxruntime-web runs the model on a device that computes nothing and keeps the shaders; these are compiled one
 * after the other. Writes one JSON line for each to file descriptor 3.
 *
 *     tsx onnxruntime_kernels.ts MODEL BATCH
 */
import { readFileSync, writeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { openNodeGpu } from '../../node/index.ts';
import { buildModel, findModel, syntheticWeights, weightsOf } from '../../src/index.ts';
import { exportOnnx } from '../../src/onnx/index.ts';
import { compilePipeline } from '../isa/compile_pipeline.ts';
import type { Compiled } from '../isa/compile_shaders.ts';
import { RecordingDevice } from './recording_device.ts';

const LINES = 3;
const WASM = './node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.asyncify.wasm';

const [model = 'resnet50', batch = '1'] = process.argv.slice(2);
// Dawn lives as long as this is reachable.
const node = await openNodeGpu();
Object.assign(globalThis, { node });
const { adapter } = node;
const recording = new RecordingDevice(adapter);
const gpu = { requestAdapter: async () => recording.adapter, wgslLanguageFeatures: new Set() };
Object.defineProperty(globalThis, 'navigator', { value: { gpu }, configurable: true });

const ort = await import('onnxruntime-web/webgpu');
ort.env.wasm.numThreads = 1;
ort.env.wasm.wasmBinary = new Uint8Array(
  readFileSync(fileURLToPath(new URL(WASM, import.meta.url))),
).buffer;

const graph = buildModel(findModel(model), { batch: Number(batch) });
const weights = syntheticWeights(weightsOf(graph).map(({ name }) => name));
const session = await ort.InferenceSession.create(exportOnnx(graph, weights), {
  executionProviders: ['webgpu'],
});
const [name = ''] = session.inputNames;
const shape = graph.inputs[0]?.desc.shape ?? [];
const pixels = new Float32Array(shape.reduce((product, extent) => product * extent, 1));
await session.run({ [name]: new ort.Tensor('float32', pixels, [...shape]) });

const device = await adapter.requestDevice({ requiredFeatures: recording.features });
for (const { label, code, dispatches } of recording.pipelines) {
  const milliseconds = await compilePipeline(device, code);
  const compiled: Compiled = {
    ...{ adapter: 'onnxruntime', vendor: adapter.info.vendor, layer: `${dispatches} of ${label}` },
    ...{ kernel: `onnxruntime ${label}`, config: {}, chosen: false },
    // Of how many each is: as many as it has dispatches.
    ...{ multiplyAdds: dispatches, milliseconds, step: stepOf(code) },
  };
  writeSync(LINES, `${JSON.stringify(compiled)}\n`);
}
process.exit(0);

/** Multiply-adds of an invocation in one step over k, by the constants of the text. */
function stepOf(code: string): number | undefined {
  const constants = ['rowPerThread', 'colPerThread', 'tileInner'].map((constant) =>
    Number(new RegExp(`const ${constant} = (\\d+)`).exec(code)?.[1]),
  );
  const product = constants.reduce((all, factor) => all * factor, 1);
  return Number.isNaN(product) ? undefined : product;
}
