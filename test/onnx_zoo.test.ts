/**
 * Networks that people export, small inputs that were faults once, and ONNX's own cases of operators and light
 * networks: `npm run test:onnx`, where TILEWISE_TEST_DATA names the folder that holds them. What is not read is refused
 * when it is loaded, and listed here with its reason. On adapters with shader-f16 the networks run in f16, too.
 */
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Shape } from '../src/index.ts';
import { roundToFloat16 } from '../src/runtime/weights/float_formats.ts';
import { largest } from './fixtures/compare_graphs.ts';
import { useDevice } from './fixtures/device.ts';
import {
  describedCases,
  largestShare,
  lightCases,
  type OnnxCase,
  runCase,
  suiteCases,
} from './fixtures/onnx_cases.ts';
import { KNOWN } from './fixtures/onnx_known.ts';

const device = useDevice();
const data = process.env.TILEWISE_TEST_DATA;
const wanted = process.env.TILEWISE_ONNX_ZOO !== undefined;

async function check(one: OnnxCase): Promise<void> {
  const results = await runCase(device(), one);
  for (const [i, expected] of one.outputs.entries()) {
    const actual = results[i] ?? new Float32Array();
    expect(actual.length, `elements of output ${i}`).toBe(expected.length);
    const finite = expected.filter(Number.isFinite);
    const most = one.tolerance * largest(Float64Array.from(finite)) + 1e-7;
    const wrong = expected.findIndex((value, at) => !agrees(actual[at] ?? Number.NaN, value, most));
    expect(wrong, `output ${i}: ${actual[wrong]} in place of ${expected[wrong]}`).toBe(-1);
  }
}

function agrees(actual: number, expected: number, most: number): boolean {
  return Object.is(actual, expected) || Math.abs(actual - expected) <= most || actual === expected;
}

if (data === undefined || !wanted) {
  it('ONNX’s suite and the zoo are not run: `npm run test:onnx` does, with TILEWISE_TEST_DATA', () => {
    console.log('ONNX’s suite and the zoo are not run: that takes `npm run test:onnx`');
  });
} else {
  const root = join(data, 'onnx');
  const zoo = describedCases(root, 'zoo');
  const cases = [
    ...zoo,
    ...lightCases(root),
    ...describedCases(root, 'cases'),
    ...suiteCases(root),
  ];
  it('is known of no case that is not there', () => {
    const names = new Set(cases.map(({ name }) => name));
    expect(KNOWN.flatMap((known) => known.names).filter((name) => !names.has(name))).toEqual([]);
  });

  describe('loadOnnx', () => {
    it.for(cases.map((one) => [one.name, one] as const))('%s', async ([name, one]) => {
      const known = KNOWN.find(({ names }) => names.includes(name));
      if (!known) await check(one.open());
      // Whoever mends one takes it off the list.
      else await expect(check(one.open()), known.why).rejects.toThrow();
    });
  });

  describe('in f16', () => {
    const rows: string[] = [];
    afterAll(() => {
      if (rows.length > 0) console.log(`${F16_HEAD}\n${rows.join('\n')}`);
    });

    it.for(zoo.map((one) => [one.name, one] as const))('%s', async ([name, one], { skip }) => {
      skip(!device().profile.shaderF16, 'the adapter lacks shader-f16');
      const { share, inherent } = await inHalf(one.open());
      rows.push(`${name.padEnd(36)} ${share.toExponential(1)} ${inherent.toExponential(1)}`);
      expect(share).toBeLessThanOrEqual(MOST_OF_INHERENT * inherent);
    });
  });
}

const F16_HEAD =
  'errors in f16, and in f32 of weights and inputs rounded to f16, of the largest value';

/** Root(1 + 3) for three stored tensors a layer, and twice that, for both errors are drawn at random: see `inHalf`. */
const MOST_OF_INHERENT = 2 * Math.sqrt(1 + 3);

/**
 * Errors of all outputs in f16, and in f32 where only weights and inputs are rounded to f16. The second is what the
 * network itself makes of such roundings, however it is computed: an error of each layer's weights, of one relative
 * size and at random. In f16 the tensors that are stored are rounded as well: what goes into a layer, and with norms,
 * sums and gates that are not fused, up to three a layer. Errors of n times as many independent sources are root(n) as
 * large: root(1 + 3) = 2. The largest of many errors of one size is within a factor of two of another such draw: 4.
 */
async function inHalf(
  one: OnnxCase,
): Promise<{ readonly share: number; readonly inherent: number }> {
  const shareOf = (results: readonly Float32Array[]) =>
    Math.max(...one.outputs.map((y, i) => largestShare(results[i] ?? new Float32Array(), y)));
  const inputs = one.inputs.map((input) => ({ ...input, data: roundToFloat16(input.data) }));
  const rounded = { ...one, inputs };
  const roundWeights = (data: Float32Array, { length: axes }: Shape) =>
    axes > 1 ? roundToFloat16(data) : data;
  const share = shareOf(await runCase(device(), one, { precision: 'f16' }));
  const inherent = shareOf(await runCase(device(), rounded, { roundWeights }));
  return { share, inherent };
}
