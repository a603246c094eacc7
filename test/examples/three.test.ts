/** examples/three: three.js, installed by npm, draws what a network writes into its buffer, on its device. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import chromium from '@sparticuz/chromium';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { SHOWS_CANVASES, useBrowser } from '../fixtures/browser.ts';
import { Example } from '../fixtures/example.ts';

const open = useBrowser(() => chromium.executablePath(), SHOWS_CANVASES);

it('compiles, and shows heights that come and go, without a read-back', async () => {
  using example = new Example('three');
  const manifest = JSON.parse(readFileSync(join(example.folder, 'package.json'), 'utf8'));
  const { dependencies, devDependencies } = manifest;
  // The rest is here.
  example.write('package.json', '{"private": true, "type": "module"}');
  await example.project.install(
    `three@${dependencies.three}`,
    `@types/three@${devDependencies['@types/three']}`,
  );
  expect(await example.compile()).toBe('');

  const page = await open({ before: countMaps, viewport: { width: 200, height: 150 } });
  await page.goto(await example.serve());
  await page.locator('canvas').waitFor();
  const shots: Buffer[] = [];
  while (shots.length < 3) {
    await page.waitForTimeout(1000);
    shots.push(
      await sharp(await page.screenshot())
        .removeAlpha()
        .raw()
        .toBuffer(),
    );
  }
  const [early, , late] = shots;
  // Blue valleys, and hills with more red than blue, elsewhere later than before.
  const isHill = (pixels: Buffer, i: number) =>
    (pixels[3 * i] ?? 0) > (pixels[3 * i + 2] ?? 0) + 20;
  const isValley = (pixels: Buffer, i: number) =>
    (pixels[3 * i + 2] ?? 0) > (pixels[3 * i] ?? 0) + 20;
  const all = Array.from({ length: 200 * 150 }, (_, i) => i);
  for (const pixels of shots) {
    expect(all.filter((i) => isHill(pixels, i)).length).toBeGreaterThan(100);
    expect(all.filter((i) => isValley(pixels, i)).length).toBeGreaterThan(1000);
  }
  const moved = all.filter((i) => early && late && isHill(early, i) !== isHill(late, i));
  expect(moved.length).toBeGreaterThan(50);
  expect(await page.evaluate(() => Reflect.get(globalThis, 'maps'))).toBe(0);
});

function countMaps(): void {
  Object.assign(globalThis, { maps: 0 });
  const { mapAsync } = GPUBuffer.prototype;
  GPUBuffer.prototype.mapAsync = function (...given: Parameters<typeof mapAsync>) {
    Reflect.set(globalThis, 'maps', Reflect.get(globalThis, 'maps') + 1);
    return Reflect.apply(mapAsync, this, given);
  };
}
