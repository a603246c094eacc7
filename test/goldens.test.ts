import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import {
  buildModel,
  createSession,
  type DType,
  elementCount,
  findModel,
  models,
  openSafetensors,
  syntheticInput,
  syntheticWeights,
  topK,
  type WeightSource,
  weightsOf,
} from '../src/index.ts';
import { largest } from './fixtures/compare_graphs.ts';
import { useDevice } from './fixtures/device.ts';
import { mnistAccuracy } from './fixtures/mnist.ts';
import { largestShare } from './fixtures/onnx_cases.ts';

const data = process.env.TILEWISE_TEST_DATA;
const trained = join('weights', 'resnet50-pqf.safetensors');
const device = useDevice();

function bytesOf(folder: string, ...path: readonly string[]): Uint8Array {
  return Uint8Array.from(readFileSync(join(folder, ...path)));
}

function floatsOf(folder: string, ...path: readonly string[]): Float32Array {
  return new Float32Array(bytesOf(folder, ...path).buffer as ArrayBuffer);
}

function jsonOf<T>(folder: string, ...path: readonly string[]): T {
  return JSON.parse(new TextDecoder().decode(bytesOf(folder, ...path))) as T;
}

/** Runs a model once and gives its outputs back. */
async function runModel(
  name: string,
  shape: readonly number[],
  input: Float32Array,
  weights: WeightSource | undefined,
  outputs: readonly string[] = ['logits'],
  precision: DType = 'f32',
): Promise<Readonly<Record<string, Float32Array>>> {
  const [batch = 1, , height = 1, width = 1] = shape;
  const graph = buildModel(findModel(name), { batch, size: [height, width], outputs });
  const synthetic = syntheticWeights(weightsOf(graph).map((weight) => weight.name));
  using session = await createSession(device(), graph, {
    weights: weights ?? synthetic,
    precision,
  });
  return await session.run(input);
}

interface HashedGolden {
  readonly model: string;
  readonly input_shape: readonly number[];
  readonly parameters: number;
  readonly max_abs: number;
  readonly state_dict: Readonly<Record<string, readonly number[]>>;
}

interface Stage {
  readonly shape: readonly number[];
  readonly mean: number;
  readonly std: number;
  readonly max_abs: number;
  readonly first_16_of_channel_0: readonly number[];
}

interface TrainedGolden {
  readonly input_shape: readonly number[];
  readonly stages: Readonly<Record<string, Stage>>;
}

function checkStage(name: string, actual: Float32Array, golden: Stage): void {
  expect(actual, name).toHaveLength(elementCount(golden.shape));
  const mean = actual.reduce((sum, value) => sum + value, 0) / actual.length;
  const variance = actual.reduce((sum, value) => sum + (value - mean) ** 2, 0) / actual.length;
  // f32 through up to 53 layers against PyTorch's f32: a few thousand roundings of 6e-8 each.
  const tolerance = 1e-4 * golden.max_abs;
  expect(Math.abs(mean - golden.mean), `${name}: mean`).toBeLessThan(tolerance);
  expect(Math.abs(Math.sqrt(variance) - golden.std), `${name}: std`).toBeLessThan(tolerance);
  expect(Math.abs(largest(actual) - golden.max_abs), `${name}: max`).toBeLessThan(tolerance);
  for (const [i, expected] of golden.first_16_of_channel_0.entries()) {
    const difference = Math.abs((actual[i] ?? Number.NaN) - expected);
    expect(difference, `${name}: element ${i}`).toBeLessThan(tolerance);
  }
}

/** PyTorch's ReLU works in place, so that what was recorded behind `bn1` has been through it. */
const STAGE_NAMES: Readonly<Record<string, string>> = { bn1: 'stem' };

/** Every kind of layer and block, on images that take a CPU adapter seconds. */
const IN_F16 = [
  'lenet_2x1x28x28',
  'resnet18_1x3x224x224',
  'resnet34_1x3x128x96',
  'resnext50_32x4d_1x3x96x96',
  'fcn_resnet50_1x3x65x97',
  'convnext_tiny_1x3x96x128',
  'efficientnet_v2_s_1x3x96x96',
  'mobilenet_v3_large_1x3x224x224',
  'unet_1x3x64x96',
];

const classes = (values: Float32Array) => topK(values, 5).map((best) => best.class);

/**
 * Every layer rounds its weights and its result by 2^-11 at most, about 3e-4 of them on average, at random: over
 * the 54 layers of ResNet-50 that is 54^0.5 times as much, 2e-3.
 */
const F16_TOLERANCE = 1e-2;

if (data === undefined) {
  it('goldens are not checked: TILEWISE_TEST_DATA is not set', () => {
    console.log('TILEWISE_TEST_DATA is not set: goldens and trained weights are not checked');
  });
} else {
  checkGoldens(data);
  checkGoldensInF16(data);
}

function checkGoldensInF16(folder: string): void {
  const lacks = 'the adapter lacks shader-f16';

  it.for(IN_F16)('f16, synthetic weights: %s', async (name, { skip }) => {
    skip(!device().profile.shaderF16, lacks);
    const { input_shape: shape, model } = jsonOf<HashedGolden>(
      folder,
      'golden',
      'hashed',
      `${name}.json`,
    );
    const expected = floatsOf(folder, 'golden', 'hashed', `${name}.f32`);
    const input = syntheticInput(shape);
    const { logits } = await runModel(model, shape, input, undefined, ['logits'], 'f16');
    const error = largestShare(logits ?? new Float32Array(), expected);
    console.log(
      `${name} in f16: largest difference ${error.toExponential(2)} of the largest logit`,
    );
    expect(error).toBeLessThanOrEqual(F16_TOLERANCE);
  });

  it.for(['chelsea', 'coffee'])('f16, trained ResNet-50: %s', async (photo, { skip }) => {
    skip(!device().profile.shaderF16, lacks);
    const expected = floatsOf(folder, 'golden', 'resnet50-pqf', `${photo}.logits.f32`);
    const input = floatsOf(folder, 'golden', 'resnet50-pqf', `${photo}.input.f32`);
    const weights = openSafetensors(bytesOf(folder, trained), trained);
    const shape = [1, 3, 224, 224];
    const outputs = await runModel('resnet50', shape, input, weights, ['logits'], 'f16');
    const { logits = new Float32Array() } = outputs;
    const error = largestShare(logits, expected);
    console.log(
      `${photo} in f16: largest difference ${error.toExponential(2)} of the largest logit`,
    );
    expect(error).toBeLessThanOrEqual(F16_TOLERANCE);
    expect(classes(logits)).toEqual(classes(expected));
  });
}

function checkGoldens(folder: string): void {
  const hashed = readdirSync(join(folder, 'golden', 'hashed'))
    .filter((name) => name.endsWith('.json'))
    .map((name) => name.slice(0, -'.json'.length));

  it.for(hashed)('synthetic weights: %s', async (name, { skip }) => {
    const golden = jsonOf<HashedGolden>(folder, 'golden', 'hashed', `${name}.json`);
    skip(!models.has(golden.model), `no model here is called ${golden.model}`);
    const expected = floatsOf(folder, 'golden', 'hashed', `${name}.f32`);
    const { input_shape: shape, model } = golden;
    const { logits = new Float32Array() } = await runModel(
      model,
      shape,
      syntheticInput(shape),
      undefined,
    );
    const error = largestShare(logits, expected);
    console.log(`${name}: largest difference ${error.toExponential(2)} of the largest logit`);
    expect(error).toBeLessThanOrEqual(1e-3);
  });

  it.for(hashed)('names and shapes of weights: %s', (name, { skip }) => {
    const golden = jsonOf<HashedGolden>(folder, 'golden', 'hashed', `${name}.json`);
    skip(!models.has(golden.model), `no model here is called ${golden.model}`);
    const [, , height = 1, width = 1] = golden.input_shape;
    const graph = buildModel(findModel(golden.model), { size: [height, width] });
    // torchvision makes networks that segment without what helps their training, unless their weights are downloaded.
    const weights = weightsOf(graph)
      .filter(({ name: key }) => key in golden.state_dict || !key.startsWith('aux_classifier.'))
      .map(({ name: key, desc }) => [key, desc.shape] as const);
    expect(Object.fromEntries(weights)).toEqual(golden.state_dict);
    const learned = weights.filter(([key]) => !/\.running_(mean|var)$/.test(key));
    const parameters = learned.reduce((sum, [, shape]) => sum + elementCount(shape), 0);
    expect(parameters).toBe(golden.parameters);
  });

  it.each(['chelsea', 'coffee'])(
    'trained ResNet-50, every stage and the logits: %s',
    async (photo) => {
      const golden = jsonOf<TrainedGolden>(folder, 'golden', 'resnet50-pqf', `${photo}.json`);
      const expected = floatsOf(folder, 'golden', 'resnet50-pqf', `${photo}.logits.f32`);
      const input = floatsOf(folder, 'golden', 'resnet50-pqf', `${photo}.input.f32`);
      const weights = openSafetensors(bytesOf(folder, trained), trained);
      const stages = Object.entries(golden.stages).map(
        ([name, stage]) => [STAGE_NAMES[name] ?? name, stage] as const,
      );
      const names = [...stages.map(([name]) => name), 'logits'];
      const outputs = await runModel('resnet50', golden.input_shape, input, weights, names);
      for (const [name, stage] of stages)
        checkStage(name, outputs[name] ?? new Float32Array(), stage);
      const { logits = new Float32Array() } = outputs;
      const error = largestShare(logits, expected);
      console.log(`${photo}: largest difference ${error.toExponential(2)} of the largest logit`);
      expect(error).toBeLessThanOrEqual(1e-3);
      expect(classes(logits)).toEqual(classes(expected));
    },
  );

  it('trained ResNet-50 without stages, fully fused, gives the same logits', async () => {
    const expected = floatsOf(folder, 'golden', 'resnet50-pqf', 'chelsea.logits.f32');
    const input = floatsOf(folder, 'golden', 'resnet50-pqf', 'chelsea.input.f32');
    const weights = openSafetensors(bytesOf(folder, trained), trained);
    const { logits = new Float32Array() } = await runModel(
      'resnet50',
      [1, 3, 224, 224],
      input,
      weights,
    );
    expect(largestShare(logits, expected)).toBeLessThanOrEqual(1e-3);
  });

  it('LeNet reads at least 99 % of the MNIST test images', async () => {
    const batch = 500;
    const file = join(import.meta.dirname, '..', 'weights', 'lenet-mnist.safetensors');
    const weights = openSafetensors(Uint8Array.from(readFileSync(file)), 'lenet');
    const graph = buildModel(findModel('lenet'), { batch });
    using session = await createSession(device(), graph, { weights });
    const normalize = (pixel: number) => (pixel / 255 - 0.1307) / 0.3081;
    const accuracy = await mnistAccuracy(session, folder, batch, normalize);
    console.log(`LeNet on the MNIST test images: ${(100 * accuracy).toFixed(2)} %`);
    expect(accuracy).toBeGreaterThanOrEqual(0.99);
  });
}
