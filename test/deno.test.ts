import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { openNodeGpu } from '../node/gpu.ts';
import { useSwiftShader } from '../node/swiftshader.ts';
import {
  buildModel,
  findModel,
  runReference,
  syntheticInput,
  syntheticWeights,
  weightsOf,
} from '../src/index.ts';

interface Report {
  readonly adapter: string;
  readonly logits: readonly (readonly number[])[];
  readonly errors: readonly number[];
  /** The same in f16; empty where the adapter lacks it. */
  readonly halfLogits: readonly (readonly number[])[];
  readonly halfErrors: readonly number[];
}

/** Deno needs the Vulkan loader on its library path where the system has none. */
async function runDeno(): Promise<Report> {
  await openNodeGpu(process.env.TILEWISE_ADAPTER);
  const usesSwiftShader = process.env.VK_DRIVER_FILES?.includes('swiftshader') ?? false;
  const folder = usesSwiftShader ? await useSwiftShader() : undefined;
  const script = join(import.meta.dirname, 'deno', 'check_kernels.ts');
  const deno = join(import.meta.dirname, '..', 'node_modules', '.bin', 'deno');
  const { stdout } = await promisify(execFile)(
    deno,
    ['run', '--allow-all', '--no-lock', '--node-modules-dir=manual', script],
    { env: { ...process.env, ...(folder && { LD_LIBRARY_PATH: folder }) } },
  );
  return JSON.parse(stdout) as Report;
}

function referenceLogits(): Float64Array {
  const graph = buildModel(findModel('lenet'), { batch: 2 });
  const weights = syntheticWeights(weightsOf(graph).map(({ name }) => name));
  const input = syntheticInput([2, 1, 28, 28]);
  const values = runReference(graph, weights, { input });
  const [output] = graph.outputs.values();
  return (output && values.get(output)) ?? new Float64Array();
}

function golden(): readonly number[] | undefined {
  const folder = process.env.TILEWISE_TEST_DATA;
  if (!folder) {
    console.log('TILEWISE_TEST_DATA is not set: LeNet under Deno is checked against the CPU only');
    return undefined;
  }
  const bytes = readFileSync(join(folder, 'golden', 'hashed', 'lenet_2x1x28x28.f32'));
  return [...new Float32Array(Uint8Array.from(bytes).buffer)];
}

/** Of the largest value: each of 24 layers rounds by 2^-11 of what it gives, at random; products do so twice. */
const HALF_TOLERANCE = 2 * Math.sqrt(24) * 2 ** -11;

/** Of the largest value: sums of a thousand products, in 24 layers, each off by about sqrt(1000) 2^-24. */
const TOLERANCE = 24 * Math.sqrt(1000) * 2 ** -24;

/** Drivers that run on the CPU compile every kernel, five graphs in two precisions, before the first result. */
const TIMEOUT_MS = 600_000;

it(
  'every kernel compiles with naga and computes under Deno what it computes here',
  async () => {
    const { adapter, logits, errors, halfLogits, halfErrors } = await runDeno();
    const without = halfLogits.length === 0 ? ', which lacks shader-f16' : '';
    console.log(`Deno on ${adapter}${without}`);
    const references = [[...referenceLogits()], golden() ?? []].filter(({ length }) => length > 0);
    for (const expected of references) {
      const largest = Math.max(...expected.map(Math.abs));
      const check = (actual: readonly number[], tolerance: number): void => {
        expect(actual).toHaveLength(expected.length);
        const worst = Math.max(...actual.map((value, i) => Math.abs(value - (expected[i] ?? 0))));
        expect(worst).toBeLessThanOrEqual(tolerance * largest);
      };
      for (const actual of logits) check(actual, 1e-3);
      for (const actual of halfLogits) check(actual, 1e-2);
    }
    // The graph as it stands, and optimised by four kernels.
    expect(errors).toHaveLength(4);
    for (const error of errors) expect(error).toBeLessThan(TOLERANCE);
    for (const error of halfErrors) expect(error).toBeLessThan(HALF_TOLERANCE);
  },
  TIMEOUT_MS,
);
