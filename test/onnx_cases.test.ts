/** The conformance cases of the onnx package, a trained model, and a model written and read back. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { fromBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import {
  buildModel,
  createSession,
  elementCount,
  findModel,
  type Graph,
  openSafetensors,
  type Shape,
  syntheticInput,
  syntheticWeights,
  topK,
  type WeightSource,
  weightsOf,
} from '../src/index.ts';
import { exportOnnx, loadOnnx } from '../src/onnx/index.ts';
import { ModelProtoSchema, TensorProtoSchema } from '../src/onnx/schema/onnx_pb.ts';
import { constantOf } from '../src/onnx/tensor.ts';
import { largest } from './fixtures/compare_graphs.ts';
import { useDevice } from './fixtures/device.ts';
import { findOnnxRuntime, type OnnxRuntime, runOnnxRuntime } from './fixtures/onnxruntime.ts';

const device = useDevice();
const data = process.env.TILEWISE_TEST_DATA;

interface Tensor {
  readonly name: string;
  readonly shape: Shape;
  readonly data: Float32Array;
}

function readTensor(path: string): Tensor {
  const tensor = fromBinary(TensorProtoSchema, readFileSync(path));
  const { shape, numbers } = constantOf(tensor, tensor.name, undefined);
  return { name: tensor.name, shape, data: Float32Array.from(numbers()) };
}

/** Weights come as inputs in these cases; a convolution's must be known when it is loaded. */
function weightsOfConvolutions(bytes: Uint8Array): ReadonlySet<string> {
  const nodes = fromBinary(ModelProtoSchema, bytes).graph?.node ?? [];
  const convolutions = nodes.filter(({ opType }) => opType === 'Conv');
  return new Set(convolutions.flatMap(({ input }) => input.slice(1)));
}

async function checkCase(folder: string): Promise<void> {
  const bytes = Uint8Array.from(readFileSync(join(folder, 'model.onnx')));
  const { graph: proto } = fromBinary(ModelProtoSchema, bytes);
  const initializers = new Set(proto?.initializer.map(({ name }) => name));
  const names = (proto?.input ?? [])
    .map(({ name }) => name)
    .filter((name) => !initializers.has(name));
  const set = join(folder, 'test_data_set_0');
  const inputs = names.map((name, i) => ({ ...readTensor(join(set, `input_${i}.pb`)), name }));
  const fixed = weightsOfConvolutions(bytes);
  const constants = Object.fromEntries(
    inputs.filter(({ name }) => fixed.has(name)).map((tensor) => [tensor.name, tensor]),
  );
  const { graph, weights } = loadOnnx(bytes, { constants });
  using session = await createSession(device(), graph, { weights });
  const feeds = inputs.filter(({ name }) => !fixed.has(name)).map((t) => [t.name, t.data] as const);
  const [y = new Float32Array()] = Object.values(await session.run(Object.fromEntries(feeds)));
  const expected = readTensor(join(set, 'output_0.pb'));
  expect(session.outputs[0]?.shape).toEqual(expected.shape);
  // The onnx package's own tolerance.
  for (const [i, value] of expected.data.entries()) {
    const difference = Math.abs((y[i] ?? Number.NaN) - value);
    expect(difference, `element ${i}`).toBeLessThanOrEqual(1e-7 + 1e-3 * Math.abs(value));
  }
}

if (data === undefined) {
  it('ONNX cases are not checked: TILEWISE_TEST_DATA is not set', () => {
    console.log('TILEWISE_TEST_DATA is not set: the ONNX cases are not run');
  });
} else {
  const root = join(data, 'onnx');
  const cases = ['node', 'pytorch'].flatMap((kind) =>
    readdirSync(join(root, kind)).map((name) => join(kind, name)),
  );
  describe('loadOnnx', () => {
    it.each(cases)('%s', (name) => checkCase(join(root, name)));

    it('a trained model reads at least 98 % of the MNIST test images', async () => {
      const accuracy = await mnistAccuracy(data);
      console.log(`mnist-cnn.onnx on the MNIST test images: ${(100 * accuracy).toFixed(2)} %`);
      expect(accuracy).toBeGreaterThanOrEqual(0.98);
    });
  });
}

/** MNIST's idx format: a header, then bytes. */
function idx(folder: string, name: string, header: number): Uint8Array {
  return Uint8Array.from(gunzipSync(readFileSync(join(folder, 'data', 'mnist', name)))).subarray(
    header,
  );
}

async function mnistAccuracy(folder: string): Promise<number> {
  const batch = 500;
  const bytes = Uint8Array.from(readFileSync(join(folder, 'onnx', 'mnist-cnn.onnx')));
  const pixels = idx(folder, 't10k-images-idx3-ubyte.gz', 16);
  const labels = idx(folder, 't10k-labels-idx1-ubyte.gz', 8);
  const { input = [] } = fromBinary(ModelProtoSchema, bytes).graph ?? {};
  const shapes = Object.fromEntries(input.map(({ name }) => [name, [batch, 1, 28, 28]]));
  const { graph, weights } = loadOnnx(bytes, { shapes });
  using session = await createSession(device(), graph, { weights });
  let right = 0;
  for (let first = 0; first < labels.length; first += batch) {
    const images = pixels.subarray(first * 784, (first + batch) * 784);
    const prepared = Float32Array.from(images, (pixel) => pixel / 255);
    const [logits = new Float32Array()] = Object.values(await session.run(prepared));
    for (let i = 0; i < batch; i++) {
      const [best] = topK(logits.subarray(i * 10, (i + 1) * 10), 1);
      if (best?.class === labels[first + i]) right++;
    }
  }
  return right / labels.length;
}

describe('exported and read back', () => {
  it('LeNet has the same nodes, and gives the same bits', async () => {
    const file = join(import.meta.dirname, '..', 'weights', 'lenet-mnist.safetensors');
    const weights = openSafetensors(Uint8Array.from(readFileSync(file)), 'lenet');
    await checkRoundTrip('lenet', weights);
  });

  const trained = data && join(data, 'weights', 'resnet50-pqf.safetensors');
  const resnet50Weights = () =>
    openSafetensors(Uint8Array.from(readFileSync(trained ?? '')), 'resnet50');

  it.skipIf(!trained || !existsSync(trained))('ResNet-50 does too', async () => {
    await checkRoundTrip('resnet50', resnet50Weights());
  });

  // In f32: ONNX holds numbers such as the 1/6 of a hard sigmoid as f32 only.
  it.each([
    ['mobilenet_v2', 33],
    ['mobilenet_v3_small', 33],
    ['mnasnet0_5', 33],
    ['efficientnet_b0', 33],
    ['densenet121', 33],
    ['squeezenet1_1', 33],
    ['shufflenet_v2_x0_5', 33],
    ['regnet_x_400mf', 33],
    ['regnet_y_400mf', 33],
    ['googlenet', 33],
    ['inception_v3', 75],
    ['convnext_tiny', 33],
    ['deeplabv3_mobilenet_v3_large', 33],
    ['lraspp_mobilenet_v3_large', 33],
    ['unet', 32],
  ])('%s gives the same bits', async (name, size) => {
    await checkSameBits(name, [size, size + 8]);
  });

  const onnxruntime = findOnnxRuntime();
  it.skipIf(!onnxruntime)('ResNet-50 is the same to onnxruntime, within 1e-4', async () => {
    const weights = trained && existsSync(trained) ? resnet50Weights() : syntheticWeights([]);
    if (onnxruntime) await checkAgainst(onnxruntime, 'resnet50', weights);
  });
});

/** The largest difference of the logits, as a share of the largest of them. */
async function checkAgainst(
  onnxruntime: OnnxRuntime,
  name: string,
  weights: WeightSource,
): Promise<void> {
  const graph = buildModel(findModel(name));
  const shape = graph.inputs[0]?.desc.shape ?? [];
  const input = syntheticInput(shape);
  using session = await createSession(device(), graph, { weights });
  const { logits = new Float32Array() } = await session.run(input);
  const feeds = { input: { data: input, shape } };
  const results = await runOnnxRuntime(onnxruntime, exportOnnx(graph, weights), feeds);
  const expected = results.logits?.data ?? new Float32Array();
  expect(logits).toHaveLength(expected.length);
  const difference = largest(logits.map((value, i) => value - (expected[i] ?? Number.NaN)));
  const share = difference / largest(expected);
  console.log(`${name} by onnxruntime: ${share.toExponential(2)} of the largest logit apart`);
  expect(share).toBeLessThanOrEqual(1e-4);
}

async function checkRoundTrip(name: string, weights: WeightSource): Promise<void> {
  const built = buildModel(findModel(name));
  const read = loadOnnx(exportOnnx(built, weights));
  expect(read.graph.nodes.map(({ op, name: layer }) => `${op.name} ${layer}`)).toEqual(
    built.nodes.map(({ op, name: layer }) => `${op.name} ${layer}`),
  );
  await compareBits(built, weights, read);
}

async function checkSameBits(name: string, size: readonly [number, number]): Promise<void> {
  const built = buildModel(findModel(name), { size });
  const weights = syntheticWeights(weightsOf(built).map((weight) => weight.name));
  await compareBits(built, weights, loadOnnx(exportOnnx(built, weights)));
}

async function compareBits(
  built: Graph,
  weights: WeightSource,
  read: { readonly graph: Graph; readonly weights: WeightSource },
): Promise<void> {
  const input = syntheticInput(built.inputs[0]?.desc.shape ?? []);
  using before = await createSession(device(), built, { weights });
  const { logits: expected = new Float32Array() } = await before.run(input);
  using after = await createSession(device(), read.graph, { weights: read.weights });
  const { logits = new Float32Array() } = await after.run(input);
  expect(expected).toHaveLength(elementCount(built.outputs.get('logits')?.desc.shape ?? []));
  expect(logits).toEqual(expected);
}
