/** `tilewise detect`: the command with detectors of the user's own. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { decodeImage } from '../node/decode_image.ts';
import { drawingOf } from '../node/draw_boxes.ts';
import { encodePng } from '../node/encode_image.ts';
import { cellsDetector, squares } from './fixtures/cells_detector.ts';
import { runCli, temporaryFolder } from './fixtures/cli.ts';
import { onnxNode } from './fixtures/onnx_model.ts';

const folder = temporaryFolder();
const model = join(folder, 'cells.onnx');
const unread = join(folder, 'unread.onnx');
const image = join(folder, 'squares.png');
writeFileSync(model, cellsDetector());
const end = [onnxNode('NonMaxSuppression', 'output0 output0', 'chosen')];
writeFileSync(unread, cellsDetector(end));
writeFileSync(image, await encodePng(squares()));

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
    const before = squares().data;
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
    mkdirSync(many);
    for (const name of ['a.png', 'b.png'])
      writeFileSync(join(many, name), await encodePng(squares()));
    const args = ['detect', many, '--model', model, '--most', '1', '--draw'];
    const { stdout, code } = await runCli([...args, out]);
    expect(code).toBe(0);
    expect(stdout.match(/ light /g)).toHaveLength(2);
    for (const name of ['a.png', 'b.png'])
      expect((await decodeImage(join(out, name))).width).toBe(128);
    const both = await runCli([...args, join(folder, 'both.png')]);
    expect(both.stderr).toContain('is a file, there are 2 pictures; give a folder');
    const before = readFileSync(join(many, 'a.png'));
    const over = await runCli([...args, many]);
    expect(over.stderr).toContain(`would write over the picture "${join(many, 'a.png')}"`);
    expect(readFileSync(join(many, 'a.png'))).toEqual(before);
  });

  it('does without the preprocessing that lies beside, where it is told to', async () => {
    const beside = join(folder, 'beside');
    mkdirSync(beside);
    const path = join(beside, 'cells.onnx');
    writeFileSync(path, cellsDetector());
    const config = {
      image_processor_type: 'RTDetrImageProcessor',
      size: { shortest_edge: 64, longest_edge: 80 },
    };
    writeFileSync(join(beside, 'preprocessor_config.json'), JSON.stringify(config));
    const args = ['detect', image, '--model', path, '--json', '--score', '0.9'];
    const refused = await runCli(args);
    expect(refused.stderr).toMatch(/size must be .*; or do without it: --preprocessing default/);
    const { stdout } = await runCli([...args, '--preprocessing', 'default']);
    expect(JSON.parse(stdout).found).toEqual(FOUND);
  });

  it('reads what was exported with the names of its classes', async () => {
    const path = join(folder, 'exported.onnx');
    const exported = await runCli([
      'export',
      '--model',
      unread,
      '--outputs',
      'output0',
      '--out',
      path,
    ]);
    expect(exported.stderr).not.toMatch(/^error/m);
    const { stdout } = await runCli(['detect', image, '--model', path, '--json', '--score', '0.9']);
    expect(JSON.parse(stdout).found).toEqual(FOUND);
  });

  it('says what is wrong with its options', async () => {
    const share = await runCli(['detect', image, '--model', model, '--score', '25']);
    expect(share.stderr).toContain('expected a number from 0 to 1.');
    const family = await runCli(['detect', image, '--model', model, '--family', 'yolo']);
    expect(family.stderr).toContain('Allowed choices are detr, rt-detr, yolov5');
    const classifying = await runCli(['classify', image, '--model', model]);
    expect(classifying.stderr).toContain('tilewise detect');
    const builtIn = await runCli(['detect', image, '--model', 'resnet50']);
    expect(builtIn.stderr).toContain('is no .onnx or .tflite file: detectors are brought along');
    const missing = await runCli(['detect', image, '--model', model, '--draw', 'missing/x.png']);
    expect(missing.stderr).toContain('there is no folder "missing".');
    const names = await runCli(['detect', image, '--model', model, '--outputs', 'a,,b']);
    expect(names.stderr).toContain('expected names with commas between them.');
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
