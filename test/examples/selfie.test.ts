/** examples/selfie: MediaPipe's network, installed by npm, blurs what is behind, without a read-back. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import chromium from '@sparticuz/chromium';
import type { Page } from 'playwright-core';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { SHOWS_CANVASES, useBrowser } from '../fixtures/browser.ts';
import { Example } from '../fixtures/example.ts';

const open = useBrowser(() => chromium.executablePath(), SHOWS_CANVASES);
const NETWORK = '@mediapipe/selfie_segmentation';

it('compiles, and draws the webcam, blurred where nobody is', async () => {
  using example = new Example('selfie');
  const manifest = JSON.parse(readFileSync(join(example.folder, 'package.json'), 'utf8'));
  // The rest is here.
  example.write('package.json', '{"private": true, "type": "module"}');
  await example.project.install(`${NETWORK}@${manifest.dependencies[NETWORK]}`);
  expect(await example.compile()).toBe('');
  const page = await open({ before: countMaps, viewport: { width: 640, height: 520 } });
  await page.goto(await example.serve());
  await page.getByText(/^([3-9]|\d\d+) frames on /).waitFor({ timeout: 120_000 });
  expect(await page.evaluate(() => Reflect.get(globalThis, 'maps'))).toBe(0);
  // Chromium's webcam has colours and a clock, but nobody: its sharp edges are gone.
  const { edge, range } = await greensOf(page);
  expect(range).toBeGreaterThan(60);
  expect(edge).toBeLessThan(60);
});

/** The largest difference of green side by side, and in the whole picture. */
async function greensOf(page: Page): Promise<{ readonly edge: number; readonly range: number }> {
  const { data, info } = await sharp(await page.locator('canvas').screenshot())
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const green = (pixel: number): number => data[3 * pixel + 1] ?? 0;
  let [edge, least, most] = [0, 255, 0];
  for (let i = 0; i < info.width * info.height; i++) {
    if (i % info.width !== 0) edge = Math.max(edge, Math.abs(green(i) - green(i - 1)));
    [least, most] = [Math.min(least, green(i)), Math.max(most, green(i))];
  }
  return { edge, range: most - least };
}

/** Counts in the page how often it maps a buffer. */
function countMaps(): void {
  Reflect.set(globalThis, 'maps', 0);
  const { mapAsync } = GPUBuffer.prototype;
  GPUBuffer.prototype.mapAsync = function (...given) {
    Reflect.set(globalThis, 'maps', Number(Reflect.get(globalThis, 'maps')) + 1);
    return mapAsync.apply(this, given);
  };
}
