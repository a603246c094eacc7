/** examples/three: three.js, installed by npm, draws what a network writes into its buffer, on its device. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import chromium from '@sparticuz/chromium';
import type { Page } from 'playwright-core';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { SHOWS_CANVASES, useBrowser } from '../fixtures/browser.ts';
import { Example } from '../fixtures/example.ts';

const SIZE = { width: 200, height: 150 };

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

  const page = await open({ before: countMaps, viewport: SIZE });
  await page.goto(await example.serve());
  const options = { timeout: 60_000, interval: 500 };
  await expect.poll(async () => (await hillsOf(page)).size, options).toBeGreaterThan(100);
  const early = await hillsOf(page);
  expect(early.size).toBeLessThan(0.5 * SIZE.width * SIZE.height);
  const moved = async () => [...(await hillsOf(page))].filter((i) => !early.has(i)).length;
  await expect.poll(moved, options).toBeGreaterThan(50);
  expect(await page.evaluate(() => Reflect.get(globalThis, 'maps'))).toBe(0);
});

/** Pixels with more red than blue: valleys are blue, hills yellow. */
async function hillsOf(page: Page): Promise<ReadonlySet<number>> {
  const rgb = await sharp(await page.screenshot())
    .removeAlpha()
    .raw()
    .toBuffer();
  const hills = Array.from({ length: rgb.length / 3 }, (_, i) => i).filter(
    (i) => (rgb[3 * i] ?? 0) > (rgb[3 * i + 2] ?? 0) + 20,
  );
  return new Set(hills);
}

function countMaps(): void {
  Object.assign(globalThis, { maps: 0 });
  const { mapAsync } = GPUBuffer.prototype;
  GPUBuffer.prototype.mapAsync = function (...given: Parameters<typeof mapAsync>) {
    Reflect.set(globalThis, 'maps', Reflect.get(globalThis, 'maps') + 1);
    return Reflect.apply(mapAsync, this, given);
  };
}
