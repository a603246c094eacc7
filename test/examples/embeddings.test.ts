/** examples/embeddings: a picture is like its copy, and less like another. */
import { join } from 'node:path';
import chromium from '@sparticuz/chromium';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { buildModel, findModel } from '../../src/index.ts';
import { useBrowser } from '../fixtures/browser.ts';
import { Example } from '../fixtures/example.ts';
import { safetensorsOf } from '../fixtures/safetensors_bytes.ts';

const PHOTOS = join(import.meta.dirname, '..', '..', 'samples', 'photos');

const open = useBrowser(() => chromium.executablePath());

it('puts pictures in the order of their likeness to the first', async () => {
  using example = new Example('embeddings', {
    'public/resnet18.safetensors': safetensorsOf(buildModel(findModel('resnet18'))),
  });
  const page = await open();
  await page.goto(`${await example.serve()}?weights=resnet18.safetensors`);
  await page.getByText('ready on').waitFor();
  const cat = join(PHOTOS, 'chelsea.png');
  const copy = join(example.folder, 'copy.webp');
  await sharp(cat).webp({ lossless: true }).toFile(copy);
  await page.getByLabel('Pictures').setInputFiles([cat, join(PHOTOS, 'coffee.png'), copy]);
  await page.locator('figure').first().waitFor();
  const captions = await page.locator('figcaption').allTextContents();
  expect(captions).toEqual([
    'chelsea.png: 1.000',
    'copy.webp: 1.000',
    expect.stringMatching(/^coffee\.png: 0\.\d+$/),
  ]);
});
