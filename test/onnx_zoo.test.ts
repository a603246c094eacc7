/**
 * Networks that people export, small inputs that were faults once, and ONNX's own cases of operators and light
 * networks: `npm run test:onnx`, where TILEWISE_TEST_DATA names the folder that holds them. What is not read is refused
 * when it is loaded, and listed here with its reason. On adapters with shader-f16 the networks run in f16, too.
 */
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
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
  describe('loadOnnx', () => {
    it.for(cases.map((one) => [one.name, one] as const))('%s', async ([name, one], { skip }) => {
      const known = KNOWN.find(({ names }) => names.includes(name));
      skip(known?.varies ?? false, known?.why);
      if (!known) await check(one.open());
      // Whoever mends one takes it off the list.
      else await expect(check(one.open()), known.why).rejects.toThrow();
    });
  });

  describe('in f16', () => {
    const shares: (readonly [name: string, share: number])[] = [];
    afterAll(() => {
      const rows = shares.map(([name, share]) => `${share.toExponential(1)}  ${name}`);
      if (rows.length > 0) console.log(`in f16, of the largest value:\n${rows.join('\n')}`);
    });

    it.for(zoo.map((one) => [one.name, one] as const))('%s', async ([name, one], { skip }) => {
      skip(!device().profile.shaderF16, 'the adapter lacks shader-f16');
      const opened = one.open();
      const results = await runCase(device(), opened, 'f16');
      const each = opened.outputs.map((y, i) => largestShare(results[i] ?? new Float32Array(), y));
      const share = Math.max(...each);
      shares.push([name, share]);
      expect(share).toBeLessThanOrEqual(1e-2);
    });
  });
}
