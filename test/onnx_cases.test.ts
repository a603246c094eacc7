/** The conformance cases of the onnx package, and a trained model. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { createSession } from '../src/index.ts';
import { loadOnnx, onnxInputs } from '../src/onnx/index.ts';
import { useDevice } from './fixtures/device.ts';
import { mnistAccuracy } from './fixtures/mnist.ts';
import { tensorIn } from './fixtures/onnx_cases.ts';
import { ModelProtoSchema } from './fixtures/onnx_schema/onnx_pb.ts';

const device = useDevice();
const data = process.env.TILEWISE_TEST_DATA;

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
  const inputs = names.map((name, i) => ({ ...tensorIn(join(set, `input_${i}.pb`)), name }));
  const fixed = weightsOfConvolutions(bytes);
  const constants = Object.fromEntries(
    inputs.filter(({ name }) => fixed.has(name)).map((tensor) => [tensor.name, tensor]),
  );
  const { graph, weights } = loadOnnx(bytes, { constants });
  using session = await createSession(device(), graph, { weights });
  const feeds = inputs.filter(({ name }) => !fixed.has(name)).map((t) => [t.name, t.data] as const);
  const [y = new Float32Array()] = Object.values(await session.run(Object.fromEntries(feeds)));
  const expected = tensorIn(join(set, 'output_0.pb'));
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
      const batch = 500;
      const bytes = Uint8Array.from(readFileSync(join(data, 'onnx', 'mnist-cnn.onnx')));
      const [name = ''] = onnxInputs(bytes).map((input) => input.name);
      const { graph, weights } = loadOnnx(bytes, { shapes: { [name]: [batch, 1, 28, 28] } });
      using session = await createSession(device(), graph, { weights });
      const accuracy = await mnistAccuracy(session, data, batch, (pixel) => pixel / 255);
      console.log(`mnist-cnn.onnx on the MNIST test images: ${(100 * accuracy).toFixed(2)} %`);
      expect(accuracy).toBeGreaterThanOrEqual(0.98);
    });
  });
}
