/** `tilewise convert`, as users call it. */
import { linkSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildModel, findModel, openSafetensors } from '../src/index.ts';
import { exportOnnx, loadOnnx } from '../src/onnx/index.ts';
import { runCli, temporaryFolder } from './fixtures/cli.ts';
import { oneOperator } from './fixtures/tflite_file.ts';

const MOST_MS = 120_000;
const ROOT = join(import.meta.dirname, '..');
const LENET = join(ROOT, 'weights', 'lenet-mnist.safetensors');
const DIGITS = join(ROOT, 'samples', 'digits');

/** What the command says in JSON. */
async function converted(...args: readonly string[]) {
  const { code, stdout, stderr } = await runCli(['convert', ...args, '--json']);
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout);
}

describe('tilewise convert', { timeout: MOST_MS }, () => {
  const folder = temporaryFolder();
  const path = (name: string): string => join(folder, name);
  const onnx = path('lenet.onnx');
  const weights = openSafetensors(Uint8Array.from(readFileSync(LENET)), 'lenet');
  writeFileSync(onnx, exportOnnx(buildModel(findModel('lenet')), weights));

  it.each([
    ['f16', 0.51, 1e-3, ['--inputs', '2'], 2],
    ['int8', 0.27, 2e-2, ['--images', DIGITS], 11],
  ])('makes LeNet smaller as %s, and reads what it wrote', async (to, most, lost, on, inputs) => {
    const out = path(`lenet-${to}.safetensors`);
    const facts = await converted(LENET, out, '--weights', to, '--model', 'lenet', ...on);
    expect(facts).toMatchObject({ weights: to, converted: 4, inputs, top1: 1 });
    expect(facts.bytes).toBe(statSync(out).size);
    expect(facts.bytes).toBeLessThan(most * facts.bytesBefore);
    expect(facts.meanDifference).toBeGreaterThan(0);
    expect(facts.meanDifference).toBeLessThan(lost);
    expect(facts.largestDifference).toBeGreaterThan(facts.meanDifference);
  });

  it('does the same with an ONNX file, on pictures', async () => {
    const facts = await converted(onnx, path('b.onnx'), '--weights', 'int8', '--images', DIGITS);
    expect(facts).toMatchObject({ weights: 'int8', converted: 4, inputs: 11, top1: 1 });
    expect(facts.bytes).toBeLessThan(0.27 * facts.bytesBefore);
    expect(facts.meanDifference).toBeLessThan(2e-2);
  });

  it('says for people what became of the file', async () => {
    const out = path('said.safetensors');
    const args = [LENET, out, '--weights', 'int8', '--model', 'lenet', '--inputs', '2'];
    const { code, stdout } = await runCli(['convert', ...args]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/said.safetensors: 0.1 MB, of 0.4 MB; 4 tensors in int8\n/);
    expect(stdout).toMatch(
      /^on 2 synthetic inputs, .*:\n {2}logits differ on average by +0\.\d+ %/m,
    );
  });

  it('converts without a GPU where nothing is compared', async () => {
    const [one, two] = [path('one.safetensors'), path('two.safetensors')];
    const facts = await converted(LENET, one, '--weights', 'f16');
    expect(facts).not.toHaveProperty('inputs');
    await converted(LENET, two, '--weights', 'f16', '--model', 'lenet', '--no-compare');
    expect(readFileSync(two).equals(readFileSync(one))).toBe(true);
  });

  it('makes ONNX of TFLite, with its own weights or fewer bits', async () => {
    const from = path('sum.tflite');
    // 40 sums of 40.
    const weight = { shape: [40, 40], data: new Float32Array(1600).fill(0.3) };
    writeFileSync(from, oneOperator({ code: 9 }, [1, 40], [1, 40], [weight]));
    const facts = await converted(from, path('sum.onnx'));
    expect(facts).toMatchObject({ converted: 0 });
    expect(facts).not.toHaveProperty('inputs');
    const { graph } = loadOnnx(readFileSync(path('sum.onnx')));
    expect(graph.nodes.map(({ op }) => op.name)).toEqual(['linear']);
    const halves = await converted(from, path('half.onnx'), '--weights', 'f16', '--no-compare');
    expect(halves).toMatchObject({ weights: 'f16', converted: 1 });
    expect(statSync(path('half.onnx')).size).toBeLessThan(0.6 * statSync(path('sum.onnx')).size);
  });

  it.each<[string, readonly string[], string]>([
    ['without a type', [LENET, 'b.safetensors'], 'give --weights f16 or --weights int8'],
    ['of TFLite into its own kind', ['a.tflite', 'b.tflite'], 'expected an .onnx file to write'],
    [
      'without a kind',
      ['weights/README.md', 'b.onnx', '--weights', 'f16'],
      'a .safetensors, .onnx or',
    ],
    ['of another kind', [LENET, 'b.onnx', '--weights', 'f16'], 'a .safetensors file to write'],
    ['that is not there', ['no.onnx', 'b.onnx', '--weights', 'f16'], 'cannot be read'],
    ['without a model', [LENET, 'b.safetensors', '--weights', 'int8'], 'needs --model NAME'],
    [
      'of another model',
      [LENET, 'b.safetensors', '--weights', 'int8', '--model', 'vgg11'],
      'do not fit the model',
    ],
    [
      'as f16 with weights of another model',
      [LENET, 'b.safetensors', '--weights', 'f16', '--model', 'resnet50'],
      'do not fit the model',
    ],
    [
      'into a folder that is not there',
      [LENET, join('none', 'b.safetensors'), '--weights', 'f16'],
      'there is no folder',
    ],
    [
      'under a name that no file can have',
      [LENET, `${'n'.repeat(300)}.safetensors`, '--weights', 'f16', '--no-compare'],
      'cannot be written: ENAMETOOLONG',
    ],
    ['with an unknown type', [LENET, 'b.safetensors', '--weights', 'int4'], 'f16, int8'],
    [
      'with options that do nothing',
      [LENET, 'b.safetensors', '--weights', 'f16', '--no-compare', '--inputs', '2'],
      '--no-compare needs neither',
    ],
  ])('refuses a file %s, and writes nothing', async (_, args, message) => {
    const [from = '', to = '', ...rest] = args;
    const before = readdirSync(folder);
    const { code, stderr } = await runCli(['convert', from, path(to), ...rest]);
    expect(code).toBe(1);
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('    at ');
    expect(readdirSync(folder)).toEqual(before);
  });

  it('refuses a file that is converted, and to write over what it reads', async () => {
    const [small, link, again] = ['a', 'link', 'again'].map((name) => path(`${name}.safetensors`));
    const asInt8 = ['--weights', 'int8', '--model', 'lenet', '--no-compare'];
    await converted(LENET, small ?? '', ...asInt8);
    const twice = await runCli(['convert', small ?? '', again ?? '', ...asInt8]);
    expect(twice.stderr).toContain('expected floats, got I8');
    linkSync(small ?? '', link ?? '');
    const same = await runCli(['convert', small ?? '', link ?? '', ...asInt8]);
    expect([twice.code, same.code]).toEqual([1, 1]);
    expect(same.stderr).toContain('is the file to convert');
  });
});
