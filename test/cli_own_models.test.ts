/** The command with models, names of classes and preprocessing of the user's own; and `embed`. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { decodeImage } from '../node/decode_image.ts';
import { encodePng } from '../node/encode_image.ts';
import { packageFile } from '../node/package_file.ts';
import {
  buildModel,
  conv2d,
  cosineSimilarity,
  flatten,
  type Graph,
  GraphBuilder,
  globalAveragePool2d,
  linear,
  type WeightSource,
} from '../src/index.ts';
import { readNpy } from '../src/numpy/index.ts';
import { exportOnnx } from '../src/onnx/index.ts';
import { type CliResult, runCli, temporaryFolder } from './fixtures/cli.ts';
import { tinySegmenter } from './fixtures/tiny_models.ts';

const MOST_MS = 120_000;

const folder = temporaryFolder();
const photo = (name: string): string => packageFile('samples', 'photos', `${name}.png`);

/** Class 0 where red outweighs blue, else 1; of the colours as the model sees them. */
const WEIGHTS: WeightSource = {
  name: 'red or blue',
  tensors: undefined,
  read: (name, shape) =>
    name.endsWith('weight') ? Float32Array.of(1, 0, -1, -1, 0, 1) : new Float32Array(shape[0] ?? 0),
};

function classifier(): Graph {
  const g = GraphBuilder.create();
  const means = flatten(
    g.at('flat'),
    globalAveragePool2d(g.at('pool'), g.input('x', [1, 3, 8, 8])),
  );
  g.output('logits', linear(g.at('fc'), means, { features: 2 }));
  g.output('means', means);
  return g.build('red or blue');
}

function segmenter(): Graph {
  const build = (g: GraphBuilder, x: Parameters<typeof conv2d>[1]) => ({
    logits: conv2d(g.at('conv'), x, { channels: 2, kernel: 1 }),
  });
  return buildModel({ ...tinySegmenter.model, classes: 2, build });
}

const CONFIG = {
  ...{ do_resize: true, size: { height: 8, width: 8 }, resample: 2 },
  ...{ do_rescale: true, rescale_factor: 1 / 255, do_normalize: false },
};

/** A folder with a model, and perhaps its configuration. */
function repository(name: string, graph: Graph, config?: object): string {
  const path = join(folder, name);
  mkdirSync(path);
  writeFileSync(join(path, 'model.onnx'), exportOnnx(graph, WEIGHTS));
  if (config) writeFileSync(join(path, 'preprocessor_config.json'), JSON.stringify(config));
  return join(path, 'model.onnx');
}

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

/** The mean of a channel of an image, 0 .. 1. */
async function meanOf(path: string): Promise<readonly [number, number, number]> {
  const { data } = await decodeImage(path);
  const sums: [number, number, number] = [0, 0, 0];
  for (let i = 0; i < data.length; i += 4) {
    for (const c of [0, 1, 2] as const) sums[c] += (data[i + c] ?? 0) / 255;
  }
  const [r, g, b] = sums;
  const pixels = data.length / 4;
  return [r / pixels, g / pixels, b / pixels];
}

function lines({ code, stdout, stderr }: CliResult): readonly Record<string, unknown>[] {
  expect(code, stderr).toBe(0);
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

describe('classify with an ONNX file', { timeout: MOST_MS }, () => {
  const labels = write('labels.txt', 'red\nblue\n');
  const cat = photo('chelsea');

  async function best(model: string, ...more: readonly string[]): Promise<unknown> {
    const args = ['classify', cat, '--model', model, '--labels', labels, '--json', ...more];
    const [{ top } = {}] = lines(await runCli(args));
    return Array.isArray(top) ? top[0] : undefined;
  }

  it('shows the labels, and prepares pictures as the configuration beside it says', async () => {
    const model = repository('classes', classifier(), CONFIG);
    const [red, , blue] = await meanOf(cat);
    const probability = 1 / (1 + Math.exp(2 * (blue - red)));
    expect(red).toBeGreaterThan(blue);
    // The picture's mean, but for the edges' weight in a resized one.
    expect(await best(model)).toMatchObject({
      label: 'red',
      probability: expect.closeTo(probability, 2),
    });
    const flipped = write('bgr.json', JSON.stringify({ ...CONFIG, do_flip_channel_order: true }));
    expect(await best(model, '--preprocessing', flipped)).toMatchObject({
      label: 'blue',
      probability: expect.closeTo(probability, 2),
    });
  });

  it('refuses another number of labels, and what is not understood', async () => {
    const model = repository('refused', classifier(), { ...CONFIG, do_pad: true });
    const refused = await runCli(['classify', cat, '--model', model]);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(/preprocessor_config\.json": "do_pad": true is not understood/);
    const own = ['--preprocessing', write('own.json', JSON.stringify(CONFIG))];
    const three = ['--labels', write('three.json', '["a", "b", "c"]')];
    const wrong = await runCli(['classify', cat, '--model', model, ...own, ...three]);
    expect(wrong).toMatchObject({ code: 1, stdout: '' });
    expect(wrong.stderr).toMatch(
      /labels file ".*three\.json" names 3 classes, ".*model\.onnx" has 2; give a name for each/,
    );
  });
});

it('segment takes an ONNX file whose classes have names', { timeout: MOST_MS }, async () => {
  const model = repository('segments', segmenter());
  const picture = join(folder, 'halves.png');
  const data = Uint8Array.from({ length: 4 * 32 * 16 }, (_, i) => {
    const left = (i >> 2) % 32 < 8;
    return [left ? 250 : 0, 0, left ? 0 : 250, 255][i & 3] ?? 0;
  });
  writeFileSync(picture, await encodePng({ width: 32, height: 16, data }));
  const out = join(folder, 'mask.png');
  const args = ['segment', picture, '--model', model, '--out', out, '--json'];
  const unnamed = await runCli(args);
  expect(unnamed.stderr).toMatch(
    /"model\.onnx" has no names for its 2 classes; give --labels FILE/,
  );
  expect(unnamed.code).toBe(1);
  const labels = write('names.json', '{"id2label": {"0": "red", "1": "blue"}}');
  const [result] = lines(await runCli([...args, '--labels', labels, '--size', '16']));
  expect(result?.found).toMatchObject([
    { class: 1, label: 'blue', share: 0.75 },
    { class: 0, label: 'red', share: 0.25 },
  ]);
});

describe('embed', { timeout: MOST_MS }, () => {
  const photos = ['chelsea', 'coffee'].map(photo);

  it('writes a row for each image, and says in which order', async () => {
    const model = repository('vectors', classifier(), CONFIG);
    const out = join(folder, 'vectors.npy');
    const text = write('none.png', 'no image');
    const args = [photos[1] ?? '', text, photos[0] ?? '', '--model', model, '--out', out];
    const { code, stdout, stderr } = await runCli(['embed', ...args]);
    expect(code, stderr).toBe(2);
    expect(stderr).toMatch(/none\.png/);
    expect(stdout).toBe(`${photos[1]}\n${photos[0]}\n`);
    const { shape, data } = readNpy(readFileSync(out));
    expect(shape).toEqual([2, 3]);
    const rows = [data.subarray(0, 3), data.subarray(3, 6)] as const;
    for (const [i, row] of rows.entries()) {
      expect(Math.hypot(...row)).toBeCloseTo(1, 6);
      const means = Float32Array.from(await meanOf(photos[1 - i] ?? ''));
      expect(cosineSimilarity(row, means)).toBeCloseTo(1, 3);
    }
  });

  it('goes on with a .jsonl file, as vectors are or by another value', async () => {
    const model = repository('lines', classifier(), CONFIG);
    const out = join(folder, 'vectors.jsonl');
    const args = ['--model', model, '--out', out, '--output', 'means', '--no-normalize'];
    expect((await runCli(['embed', photos[0] ?? '', ...args])).code).toBe(0);
    const first = readFileSync(out, 'utf8');
    const again = await runCli(['embed', ...photos, ...args]);
    expect(again.stderr).toMatch(/has results already; go on with --resume/);
    const resumed = await runCli(['embed', ...photos, ...args, '--resume', '--json']);
    expect(lines(resumed)).toMatchObject([{ image: photos[1], model: 'model.onnx', features: 3 }]);
    expect(resumed.stderr).toMatch(/1 of 2 images are in .*vectors\.jsonl already/);
    const text = readFileSync(out, 'utf8');
    expect(text.startsWith(first)).toBe(true);
    const results = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(results.map(({ image }) => image)).toEqual(photos);
    for (const { image, vector } of results) {
      const means = await meanOf(image);
      expect(vector).toHaveLength(3);
      for (const [c, mean] of means.entries()) expect(vector[c]).toBeCloseTo(mean, 2);
    }
  });

  it.each<[string, readonly string[], RegExp]>([
    [
      'resuming a .npy file',
      ['--out', join(folder, 'a.npy'), '--resume'],
      /goes on with a \.jsonl file/,
    ],
    [
      'a table of vectors',
      ['--out', join(folder, 'a.csv')],
      /vectors are written as \.npy or \.jsonl, not to/,
    ],
    [
      'no such value',
      ['--out', join(folder, 'a.npy'), '--output', 'pool5'],
      /"lenet" has no value "pool5"; it has /,
    ],
    ['no file', [], /required option '--out <file>'/],
  ])('refuses %s', async (_, args, message) => {
    const result = await runCli(['embed', photo('chelsea'), '--model', 'lenet', ...args]);
    expect(result.code).toBe(1);
    expect(result.stderr).toMatch(message);
  });
});
