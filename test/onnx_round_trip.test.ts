/** Models that are written as ONNX files and read back. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  buildModel,
  createSession,
  elementCount,
  findModel,
  type Graph,
  openSafetensors,
  syntheticInput,
  syntheticWeights,
  type WeightSource,
  weightsOf,
} from '../src/index.ts';
import { exportOnnx, loadOnnx } from '../src/onnx/index.ts';
import { largest } from './fixtures/compare_graphs.ts';
import { useDevice } from './fixtures/device.ts';
import { findOnnxRuntime, type OnnxRuntime, runOnnxRuntime } from './fixtures/onnxruntime.ts';

const device = useDevice();
const data = process.env.TILEWISE_TEST_DATA;

describe('exported and read back', () => {
  it('LeNet has the same nodes, and gives the same bits', async () => {
    const file = join(import.meta.dirname, '..', 'weights', 'lenet-mnist.safetensors');
    const weights = openSafetensors(Uint8Array.from(readFileSync(file)), 'lenet');
    await checkRoundTrip('lenet', weights, [28, 28]);
  });

  const trained = data && join(data, 'weights', 'resnet50-pqf.safetensors');
  const resnet50Weights = () =>
    openSafetensors(Uint8Array.from(readFileSync(trained ?? '')), 'resnet50');

  it.skipIf(!trained || !existsSync(trained))('ResNet-50 does too', async () => {
    await checkRoundTrip('resnet50', resnet50Weights(), [64, 96]);
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

async function checkRoundTrip(
  name: string,
  weights: WeightSource,
  size: readonly [number, number],
): Promise<void> {
  const built = buildModel(findModel(name), { size });
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
