/** `tilewise detect`: the command with detectors of the user's own. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { decodeImage } from '../node/decode_image.ts';
import { drawingOf } from '../node/draw_boxes.ts';
import { encodePng } from '../node/encode_image.ts';
import type { Image } from '../src/index.ts';
import { runCli, temporaryFolder } from './fixtures/cli.ts';
import {
  type GraphInit,
  onnxInput as input,
  int,
  ints,
  onnxFile,
  onnxNode,
  onnxTensor,
} from './fixtures/onnx_model.ts';

const folder = temporaryFolder();
const CELLS = Array.from({ length: 64 }, (_, i) => i);

/** Cells of 8 pixels, of which those that are bright are lights and those that are dark are holes. */
function cells(end: GraphInit['node'] = []): GraphInit {
  const centres = [
    ...CELLS.map((i) => 8 * (i % 8) + 4),
    ...CELLS.map((i) => 8 * Math.floor(i / 8) + 4),
    ...Array.from({ length: 128 }, () => 8),
  ];
  return {
    input: [input('images', [1, 3, 64, 64])],
    output: [input(end.length > 0 ? 'chosen' : 'output0', end.length > 0 ? ['n', 3] : [1, 6, 64])],
    initializer: [
      onnxTensor('boxes', [1, 4, 64], centres),
      onnxTensor('row', [3], [1, 1, 64], 'integer'),
      onnxTensor('one', [], [1]),
    ],
    node: [
      onnxNode('AveragePool', 'images', 'pooled', {
        kernel_shape: ints(8, 8),
        strides: ints(8, 8),
      }),
      onnxNode('ReduceMean', 'pooled', 'grey', { axes: ints(1) }),
      onnxNode('Reshape', 'grey row', 'light'),
      onnxNode('Sub', 'one light', 'dark'),
      onnxNode('Concat', 'boxes light dark', 'output0', { axis: int(1) }),
      ...end,
    ],
  };
}

/** A grey picture of 128 x 64 with a white square and a black one. */
function picture(): Image {
  const data = new Uint8Array(4 * 128 * 64).fill(128);
  for (let i = 0; i < 128 * 64; i++) {
    const [x, y] = [i % 128, Math.floor(i / 128)];
    const inside = (left: number, top: number) =>
      x >= left && x < left + 16 && y >= top && y < top + 16;
    const value = inside(32, 16) ? 255 : inside(96, 32) ? 0 : 128;
    data.set([value, value, value, 255], 4 * i);
  }
  return { width: 128, height: 64, data };
}

const NAMES = "{0: 'light', 1: 'hole'}";
const model = join(folder, 'cells.onnx');
const unread = join(folder, 'unread.onnx');
const image = join(folder, 'squares.png');
writeFileSync(model, onnxFile(cells(), 13, { names: NAMES }));
const end = [onnxNode('NonMaxSuppression', 'output0 output0', 'chosen')];
writeFileSync(unread, onnxFile(cells(end), 13, { names: NAMES }));
writeFileSync(image, await encodePng(picture()));

/**
 * The picture is halved for the network, so that a cell is 16 of its pixels; squares are cells, whose edges mix with
 * what is around them.
 */
const FOUND = [
  { class: 0, label: 'light', box: { left: 32, top: 16, width: 16, height: 16 } },
  { class: 1, label: 'hole', box: { left: 96, top: 32, width: 16, height: 16 } },
].map((one) => ({ ...one, score: expect.closeTo(0.97, 2) }));

describe('tilewise detect', () => {
  it('finds things, and draws them', async () => {
    const drawn = join(folder, 'drawn.png');
    const args = ['detect', image, '--model', model, '--score', '0.9', '--draw', drawn];
    const { code, stdout, stderr } = await runCli(args);
    expect(stderr).not.toMatch(/^error/m);
    expect(code).toBe(0);
    expect(stdout).toContain(`${image}, drawn to ${drawn}\n`);
    expect(stdout).toMatch(/ {2}light +0\.9[67]\d +32\.0 +16\.0 +16\.0 +16\.0\n/);
    expect(stdout).toMatch(/ {2}hole +0\.9[67]\d +96\.0 +32\.0 +16\.0 +16\.0\n/);
    const { width, height, data } = await decodeImage(drawn);
    expect([width, height]).toEqual([128, 64]);
    const before = picture().data;
    const pixel = (bytes: ArrayLike<number>, x: number, y: number) =>
      Array.from({ length: 3 }, (_, i) => bytes[4 * (y * 128 + x) + i]);
    // The left edge of the light is a frame now; what is far from both is as it was.
    expect(pixel(data, 32, 28)).not.toEqual(pixel(before, 32, 28));
    expect(pixel(data, 10, 60)).toEqual(pixel(before, 10, 60));
  });

  it('prints JSON, and takes what is left of a model that is not read whole', async () => {
    const refused = await runCli(['detect', image, '--model', unread]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('It can be read up to there: option "outputs", ["output0"].');
    const args = ['detect', image, '--model', unread, '--outputs', 'output0', '--json'];
    const { stdout } = await runCli([...args, '--score', '0.9']);
    const { adapter, ...facts } = JSON.parse(stdout);
    expect(adapter).toBeTruthy();
    expect(facts).toEqual({ image, model: 'unread.onnx', found: FOUND });
  });

  it('draws several pictures into a folder', async () => {
    const many = join(folder, 'many');
    const out = join(folder, 'out');
    for (const path of [many, out]) mkdirSync(path);
    for (const name of ['a.png', 'b.png'])
      writeFileSync(join(many, name), await encodePng(picture()));
    const args = ['detect', many, '--model', model, '--most', '1', '--draw'];
    const { stdout, code } = await runCli([...args, out]);
    expect(code).toBe(0);
    expect(stdout.match(/ light /g)).toHaveLength(2);
    for (const name of ['a.png', 'b.png'])
      expect((await decodeImage(join(out, name))).width).toBe(128);
    const refused = await runCli([...args, join(folder, 'both.png')]);
    expect(refused.stderr).toContain(
      'is no folder; give one that is there, or a .png file for a single',
    );
  });

  it('says what is wrong with its options', async () => {
    const share = await runCli(['detect', image, '--model', model, '--score', '25']);
    expect(share.stderr).toContain('expected a number from 0 to 1.');
    const family = await runCli(['detect', image, '--model', model, '--family', 'yolo']);
    expect(family.stderr).toContain('Allowed choices are detr, rt-detr, yolov5');
    const classifying = await runCli(['classify', image, '--model', model]);
    expect(classifying.stderr).toContain('tilewise detect');
    const builtIn = await runCli(['detect', image, '--model', 'lenet', '--weights', 'synthetic']);
    expect(builtIn.stderr).toContain('could be boxes and scores in several ways, or none');
  });
});

describe('drawingOf', () => {
  it('takes nothing of a label for its own', () => {
    const box = { left: 1, top: 2, width: 3, height: 4 };
    const label = `<script href="x">&\u0000${'y'.repeat(100)}`;
    const drawing = drawingOf(10, 20, [{ class: 3, label, score: 0.5, box }]);
    expect(drawing).toContain('&#60;script href=&#34;x&#34;&#62;&#38; yyy');
    expect(drawing).not.toMatch(/<script|y{50}|\0/);
  });
});
