/** What TensorFlow's interpreter computes of small networks (tflite_cases/make.py), here. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { createSession } from '../src/index.ts';
import { loadOnnx } from '../src/onnx/index.ts';
import { tfliteToOnnx } from '../src/tflite/index.ts';
import { useDevice } from './fixtures/device.ts';

interface Values {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

interface Case {
  readonly name: string;
  /** By TFLite's names. */
  readonly operators: readonly string[];
  readonly file: string;
  readonly inputs: Readonly<Record<string, Values>>;
  readonly outputs: Readonly<Record<string, Values & { readonly integer: boolean }>>;
  /** A share of the largest value. */
  readonly tolerance?: number;
}

const FILE = join(import.meta.dirname, 'tflite_cases', 'cases.json.gz');
const cases = JSON.parse(gunzipSync(readFileSync(FILE)).toString()) as readonly Case[];

/** Sums of some 300 products in f32, here and there, in another order; sines and logarithms within some ulp. */
const TOLERANCE = 3e-5;
/** Where a value lies between two integers, rounding before it decides; TFLite rounds scales, too. */
const MOST_STEPS = 2;

const device = useDevice();

describe("TFLite's files", () => {
  it.each(cases.map((one) => [one.name, one] as const))('%s', async (_, one) => {
    const onnx = tfliteToOnnx(Buffer.from(one.file, 'base64'), one.name);
    const shapes = Object.fromEntries(
      Object.entries(one.inputs).map(([name, { shape }]) => [name, shape]),
    );
    const { graph, weights } = loadOnnx(onnx, { shapes });
    using session = await createSession(device(), graph, { weights });
    const inputs = Object.entries(one.inputs).map(([name, { data }]) => {
      return [name, Float32Array.from(data)] as const;
    });
    const outputs = await session.run(Object.fromEntries(inputs));
    for (const [name, { shape, data, integer }] of Object.entries(one.outputs)) {
      const described = session.outputs.find((output) => output.name === name);
      expect(described?.shape, name).toEqual(shape);
      const got = outputs[name] ?? new Float32Array();
      expect(got.length, name).toBe(data.length);
      const largest = data.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
      const isQuantized = one.name.startsWith('a network');
      const share = largest * (one.tolerance ?? TOLERANCE);
      const most = integer ? (isQuantized ? MOST_STEPS : 0) : share;
      const worst = data.reduce((sum, want, i) => Math.max(sum, Math.abs(want - (got[i] ?? 0))), 0);
      expect(worst, `${name} of ${one.operators.join(', ')}`).toBeLessThanOrEqual(most);
    }
  });

  it('are of these operators', () => {
    const all = new Set(cases.flatMap((one) => one.operators));
    // Those that no case has stand for what the converter writes no longer, or cannot be made by it.
    expect(all.size).toBeGreaterThan(90);
  });
});
