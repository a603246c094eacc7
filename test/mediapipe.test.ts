/**
 * Trained networks of MediaPipe's packages beside what LiteRT computed of them. `TILEWISE_TEST_DATA` has its results,
 * and `npm --prefix test/mediapipe ci --ignore-scripts` the networks.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createSession } from '../src/index.ts';
import { loadOnnx } from '../src/onnx/index.ts';
import { tfliteToOnnx } from '../src/tflite/index.ts';
import { useDevice } from './fixtures/device.ts';

interface Golden {
  readonly name: string;
  readonly package: string;
  readonly model: string;
  readonly input: { readonly name: string; readonly shape: readonly number[] };
  readonly outputs: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly file: string;
  }[];
}

/**
 * Of the largest value. TensorFlow's own reference differs from LiteRT by 6e-4 in the mask of pose_landmark_lite, whose
 * logits are sums of large numbers, and by 1e-5 elsewhere.
 */
const TOLERANCE = 1e-3;

const folder = join(process.env.TILEWISE_TEST_DATA ?? '', 'tflite');
const packages = join(import.meta.dirname, 'mediapipe', 'node_modules');
const missing =
  (!process.env.TILEWISE_TEST_DATA && 'TILEWISE_TEST_DATA is not set') ||
  (!existsSync(packages) && 'the packages are not installed');
const goldens = missing
  ? []
  : readdirSync(folder)
      .filter((name) => name.endsWith('.json'))
      .map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as Golden);

const device = useDevice();

describe.skipIf(missing)(`MediaPipe's networks${missing ? `: skipped, ${missing}` : ''}`, () => {
  it.each(goldens.map((one) => [one.name, one] as const))('%s', async (_, golden) => {
    const file = readFileSync(join(packages, golden.package, golden.model));
    const { graph, weights } = loadOnnx(tfliteToOnnx(file, golden.model));
    using session = await createSession(device(), graph, { weights });
    const { name, shape } = golden.input;
    const count = shape.reduce((product, extent) => product * extent, 1);
    const x = Float32Array.from({ length: count }, (__, i) => 0.5 + 0.5 * Math.sin(0.01 * i));
    const outputs = await session.run({ [name]: x });
    for (const output of golden.outputs) {
      const bytes = Uint8Array.from(readFileSync(join(folder, output.file)));
      const expected = new Float32Array(bytes.buffer);
      const got = outputs[output.name] ?? new Float32Array();
      expect(got.length, output.name).toBe(expected.length);
      const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      const worst = expected.reduce((m, want, i) => Math.max(m, Math.abs(want - (got[i] ?? 0))), 0);
      expect(worst / largest, output.name).toBeLessThan(TOLERANCE);
    }
  });

  it('are six', () => expect(goldens).toHaveLength(6));
});
