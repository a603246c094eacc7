import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { encodePng } from '../../node/encode_image.ts';
import { cellsDetector, squares } from '../../test/fixtures/cells_detector.ts';
import { expectAccessible } from './fixtures/axe.ts';
import { usePages } from './fixtures/browser.ts';
import { screenshots } from './fixtures/screenshots.ts';

const open = usePages();
const folder = mkdtempSync(join(tmpdir(), 'tilewise-detect-'));
afterAll(() => rmSync(folder, { recursive: true }));

const MODEL = join(folder, 'cells.onnx');
const PICTURE = join(folder, 'squares.png');
writeFileSync(MODEL, cellsDetector());
writeFileSync(PICTURE, await encodePng(squares()));

const HEADING = { name: 'Bring a detector' };

describe('Detect', () => {
  it('says what it lacks, and what is wrong with a file', async () => {
    const page = await open({ view: 'detect' });
    await page.getByRole('heading', HEADING).waitFor();
    await page.getByText('as soon as there is a detector').waitFor();
    const buffer = Buffer.alloc(64, 255);
    const broken = { name: 'broken.onnx', mimeType: 'application/octet-stream', buffer };
    await page.getByLabel('Detector file').setInputFiles(broken);
    await page.getByRole('alert').filter({ hasText: 'broken.onnx' }).waitFor();
    await page.getByLabel('Detector file').setInputFiles({ ...broken, name: 'x.safetensors' });
    await page.getByText('“x.safetensors” is no .onnx or .tflite file').waitFor();
    await page.getByLabel('Picture file').setInputFiles({ ...broken, name: 'broken.png' });
    await page.getByText('“broken.png” is no picture that this browser reads').waitFor();
    await screenshots(page, 'detect-without-detector');
    await expectAccessible(page);
  });

  it('finds things, as sure as is wanted, and reads outputs as it is told', async () => {
    const page = await open({ view: 'detect' });
    await page.getByText('as soon as there is a detector').waitFor();
    await page.getByLabel('Detector file').setInputFiles(MODEL);
    await page.getByText('cells.onnx found').waitFor();
    await page.getByText('cells.onnx is in use').waitFor();
    await page.getByLabel('Picture file').setInputFiles(PICTURE);
    await page.getByLabel('Score from').fill('0.9');
    await page.getByText('cells.onnx found 2 things').waitFor();
    expect(await page.locator('.colour-legend li').allTextContents()).toEqual([
      'light96.9 %',
      'hole96.9 %',
    ]);
    await page.getByRole('img', { name: 'with frames around: light, hole' }).waitFor();
    await screenshots(page, 'detect');
    await expectAccessible(page);
    await page.getByLabel('Read').selectOption('yolov10');
    await page.getByRole('alert').filter({ hasText: 'choose another' }).waitFor();
  });
});
