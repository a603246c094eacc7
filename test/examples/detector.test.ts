/** examples/detector: a detector that is chosen finds things in a picture, and over the webcam. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import chromium from '@sparticuz/chromium';
import { expect, it } from 'vitest';
import { encodePng } from '../../node/encode_image.ts';
import { SHOWS_CANVASES, useBrowser } from '../fixtures/browser.ts';
import { cellsDetector, squares } from '../fixtures/cells_detector.ts';
import { Example } from '../fixtures/example.ts';

const open = useBrowser(() => chromium.executablePath(), SHOWS_CANVASES);

it('compiles, and draws boxes over a picture and over the webcam', async () => {
  using example = new Example('detector');
  example.link('vite');
  expect(await example.compile()).toBe('');
  const [model, picture, broken] = ['cells.onnx', 'squares.png', 'broken.onnx'].map((name) =>
    join(example.folder, name),
  ) as [string, string, string];
  writeFileSync(model, cellsDetector());
  writeFileSync(picture, await encodePng(squares()));
  writeFileSync(broken, 'no model');
  const page = await open();
  await page.goto(`${await example.serve()}?score=0.9`);
  await page.getByLabel('A detector').setInputFiles(broken);
  await page.getByText('OnnxError: ONNX file "broken.onnx"').waitFor();
  await page.getByLabel('A detector').setInputFiles(model);
  await page.getByText('ready on').waitFor();
  await page.getByLabel('A picture').setInputFiles(picture);
  await page.getByText(/^light 0\.97, hole 0\.97$/).waitFor();
  const frame = await page.evaluate(() => {
    const context = document.querySelector('canvas')?.getContext('2d');
    return [...(context?.getImageData(40, 16, 1, 1).data ?? [])];
  });
  // The upper edge of the light, whose class is 0: red.
  expect(frame[0]).toBeGreaterThan(200);
  expect(frame[1]).toBeLessThan(100);
  await page.getByRole('button', { name: 'Webcam' }).click();
  await expect
    .poll(() => page.evaluate(() => document.querySelector('canvas')?.width), { timeout: 30_000 })
    .toBe(640);
});
