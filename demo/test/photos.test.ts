import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { buildModel, findModel, openSafetensors } from '../../src/index.ts';
import { exportOnnx } from '../../src/onnx/index.ts';
import { expectAccessible } from './fixtures/axe.ts';
import { usePages } from './fixtures/browser.ts';
import { longTasksDuring } from './fixtures/long_tasks.ts';
import { nodeLogits } from './fixtures/node_logits.ts';
import { screenshots } from './fixtures/screenshots.ts';
import { watchSubmits } from './fixtures/submits.ts';
import { writeSyntheticWeights } from './fixtures/synthetic_weights.ts';

const open = usePages();
const data = process.env.TILEWISE_TEST_DATA;
const WEIGHTS = 'weights/resnet50-pqf.safetensors';
const folder = mkdtempSync(join(tmpdir(), 'tilewise-photos-'));
/** Weights that find nothing in particular. */
const synthetic = join(folder, 'synthetic.safetensors');
beforeAll(() => writeSyntheticWeights('resnet50', synthetic));
afterAll(() => rmSync(folder, { recursive: true }));

const SAMPLES = join(import.meta.dirname, '..', '..', 'samples', 'photos');

/** The cat in chelsea.png: its outline, in shares of the picture's width and height. */
const CAT = [
  [0, 0.1],
  [0.15, 0],
  [0.72, 0],
  [0.86, 0.06],
  [0.88, 0.2],
  [0.79, 0.27],
  [0.8, 0.55],
  [0.75, 0.72],
  [0.62, 1],
  [0, 1],
] as const;

/** By the crossings of a line to the left. */
function isInside(x: number, y: number, outline: readonly (readonly [number, number])[]): boolean {
  const crossings = outline.filter(([x1, y1], i) => {
    const [x2, y2] = outline[(i + 1) % outline.length] ?? [x1, y1];
    return y1 > y !== y2 > y && x1 + ((y - y1) / (y2 - y1)) * (x2 - x1) < x;
  });
  return crossings.length % 2 === 1;
}

/** Where a heat map is strongest, in shares of the picture, as it is said to those who cannot see it. */
async function hottest(page: Page): Promise<readonly [number, number]> {
  const said = await page.getByRole('img', { name: /Heat map/ }).getAttribute('aria-label');
  const [, x, y] = / (\d+) % from the left and (\d+) %/.exec(said ?? '') ?? [];
  return [Number(x) / 100, Number(y) / 100];
}

async function giveWeights(page: Page, file = `${data}/${WEIGHTS}`): Promise<void> {
  await page.getByLabel('Weights file', { exact: true }).setInputFiles(file);
  await classified(page);
}

async function classified(page: Page): Promise<void> {
  await page.getByText('ResNet-50 took').waitFor({ timeout: 100_000 });
}

/** Saves the logits of the picture in hand, as a user would. */
async function logitsOf(page: Page): Promise<readonly number[]> {
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Save all 1000 logits' }).click();
  const path = await (await download).path();
  return (JSON.parse(readFileSync(path, 'utf8')) as { readonly logits: number[] }).logits;
}

/** Until the page says how fast it is. */
async function film(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Webcam' }).click();
  await page.getByText(/Live: .* frames a second/).waitFor();
  expect(await page.getByRole('alert').filter({ visible: true }).allTextContents()).toEqual([]);
  await page.getByRole('button', { name: 'Stop the webcam' }).click();
  await page.getByRole('button', { name: 'Webcam', exact: true }).waitFor();
}

/** What PyTorch computed. */
function goldenLogits(photo: string): Float32Array {
  const bytes = readFileSync(`${data}/golden/resnet50-pqf/${photo}.logits.f32`);
  return new Float32Array(new Uint8Array(bytes).buffer);
}

function expectLogits(
  actual: readonly number[],
  expected: Float32Array | undefined,
  who: string,
): void {
  expect(actual.length).toBe(expected?.length);
  const differences = actual.map((value, i) => Math.abs(value - (expected?.[i] ?? Number.NaN)));
  const worst = Math.max(...differences);
  console.log(`logits: largest difference from ${who} ${worst.toExponential(1)}`);
  expect(worst).toBeLessThanOrEqual(1e-3);
}

/** The size of the picture that is shown. */
async function sizeShown(page: Page): Promise<string> {
  return page
    .locator('canvas.picture-canvas')
    .evaluate((canvas: HTMLCanvasElement) => `${canvas.width} x ${canvas.height}`);
}

/** A PNG of one colour, made in the page, dropped on it or pasted. */
async function hand(page: Page, how: 'drop' | 'paste', width: number, height = 80): Promise<void> {
  await page.evaluate(
    async ([kind, across, down]) => {
      const canvas = new OffscreenCanvas(across, down);
      canvas.getContext('2d')?.fillRect(0, 0, across, down);
      const file = new File([await canvas.convertToBlob()], 'made.png', { type: 'image/png' });
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(file);
      const event =
        kind === 'drop'
          ? new DragEvent('drop', { dataTransfer })
          : new ClipboardEvent('paste', { clipboardData: dataTransfer });
      dispatchEvent(event);
    },
    [how, width, height] as const,
  );
}

describe('Photos', () => {
  it('says what it lacks and offers a download, named with size and licence', async () => {
    const page = await open({ view: 'photos' });
    await page.getByRole('heading', { name: 'ResNet-50 needs its weights' }).waitFor();
    const offer = page.locator('.offer');
    expect(await offer.textContent()).toMatch(/102 MB, BSD 3-Clause/);
    await page.getByText('as soon as there are weights').waitFor();
    await screenshots(page, 'photos-without-weights');
    await expectAccessible(page);
  });

  it('shows what is wrong with a weights file or a picture, and goes on', async () => {
    const page = await open({ view: 'photos' });
    const corrupt = { mimeType: 'application/octet-stream', buffer: Buffer.alloc(64, 255) };
    const name = '<img src=x onerror=alert(1)>.safetensors';
    await page.getByLabel('Weights file', { exact: true }).setInputFiles({ ...corrupt, name });
    const alert = page.getByRole('alert').filter({ hasText: 'onerror' });
    await alert.waitFor();
    expect(await page.locator('.weights img').count()).toBe(0);
    await page.getByLabel('Picture file').setInputFiles({ ...corrupt, name: 'broken.png' });
    await page.getByText('“broken.png” is no picture that this browser reads').waitFor();
    await page.getByRole('link', { name: 'Digits' }).click();
    await page.locator('.answer:not(:empty)').waitFor();
  });

  it('takes pictures that are dropped, pasted, or have an address', async () => {
    const page = await open({ view: 'photos' });
    await expect.poll(() => sizeShown(page)).toBe('451 x 300');
    await hand(page, 'drop', 120);
    await expect.poll(() => sizeShown(page)).toBe('120 x 80');
    await hand(page, 'paste', 60);
    await expect.poll(() => sizeShown(page)).toBe('60 x 80');
    const coffee = page.locator('.sample img').nth(1);
    const url = await coffee.evaluate((image: HTMLImageElement) => image.src);
    await page.getByLabel('Address of a picture').fill(url);
    await page.getByRole('button', { name: 'Load', exact: true }).click();
    await expect.poll(() => sizeShown(page)).toBe('600 x 400');
  });

  it('tells PyTorch files from pictures and weights, and forgets faults when something else is wanted', async () => {
    const page = await open({ view: 'photos' });
    const file = {
      name: 'model.pth',
      mimeType: 'application/octet-stream',
      buffer: Buffer.alloc(64),
    };
    const advice = page.getByText(/“model.pth” is a PyTorch file.*save_file.*torch.onnx.export/);
    await page.getByLabel('Weights file', { exact: true }).setInputFiles(file);
    await page
      .locator('.weights')
      .getByText(/is a PyTorch file/)
      .waitFor();
    await page.getByLabel('Picture file').setInputFiles(file);
    await expect.poll(() => advice.count()).toBe(2);
    await page.getByRole('button', { name: 'Coffee' }).click();
    await expect.poll(() => sizeShown(page)).toBe('600 x 400');
    expect(await advice.count()).toBe(1);
  });

  it.each([
    [20_000, 3, '640 x 1'],
    [3, 5000, '1 x 640'],
    [12_000, 2000, '640 x 107'],
  ] as const)('takes a picture of %i x %i pixels', async (width, height, shown) => {
    const page = await open({ view: 'photos' });
    await expect.poll(() => sizeShown(page)).toBe('451 x 300');
    await hand(page, 'drop', width, height);
    await expect.poll(() => sizeShown(page)).toBe(shown);
    await giveWeights(page, synthetic);
    await screenshots(page, `photos-${width}`);
  });

  it('knows nothing of a picture whose classification was cancelled, whatever came before', async () => {
    const page = await open({ view: 'photos' });
    await giveWeights(page, synthetic);
    await page.getByRole('button', { name: 'layer 2.3' }).click();
    await page.getByText('layer 2.3: 512 channels').waitFor();
    await page.getByRole('button', { name: 'Coffee' }).click();
    await page.locator('.photo-desk').getByRole('button', { name: 'Cancel' }).click();
    await page.getByText('Stopped.').waitFor();
    expect(await page.getByRole('button', { name: 'Save all 1000 logits' }).isEnabled()).toBe(
      false,
    );
    expect(await page.locator('.classes li').count()).toBe(0);
    expect(await page.getByRole('img', { name: /Heat map/ }).count()).toBe(0);
    await page.getByRole('button', { name: 'layer 2.2' }).click();
    await page.getByText('as soon as a still picture is classified').waitFor();
    expect(await page.locator('.channel-maps canvas').count()).toBe(0);
  });

  it('stops a classification that is cancelled before its next submit', async () => {
    const page = await open({ view: 'photos' });
    await giveWeights(page, synthetic);
    const watched = await watchSubmits(page);
    await page.getByRole('button', { name: 'Coffee' }).click();
    await page.getByText('Classifying').waitFor();
    await classified(page);
    const whole = await watched.count();
    await watched.hold();
    await page.getByRole('button', { name: 'Cat', exact: true }).click();
    await expect.poll(watched.held, { timeout: 60_000 }).toBeGreaterThan(0);
    await page.locator('.photo-desk').getByRole('button', { name: 'Cancel' }).click();
    await page.getByText('Stopped.').waitFor();
    await watched.release();
    // Whatever would be submitted yet comes before this.
    await page.getByRole('button', { name: 'Coffee' }).click();
    await classified(page);
    console.log(
      `submits of a classification: ${whole}, of one that was cancelled: ${await watched.stopped()}`,
    );
    // Two of the run, one that prepares the picture.
    expect(await watched.stopped()).toBeLessThanOrEqual(3);
    expect(whole).toBeGreaterThan(3);
  });

  it('answers the last of many pictures', async () => {
    const page = await open({ view: 'photos' });
    await giveWeights(page, synthetic);
    for (const name of ['Coffee', 'Cat', 'Coffee', 'Cat', 'Coffee', 'Cat', 'Coffee']) {
      await page.getByRole('button', { name, exact: true }).click();
      await page.getByText('Classifying').waitFor();
    }
    await classified(page);
    expect(await sizeShown(page)).toBe('600 x 400');
    await page.getByRole('img', { name: /Heat map/ }).waitFor();
  });

  it.skipIf(!data)('classifies photos as Node does, looks at the cat, and films', async () => {
    const [catInNode, coffeeInNode] = await nodeLogits(
      `${data}/${WEIGHTS}`,
      ['chelsea', 'coffee'].map((name) => join(SAMPLES, `${name}.png`)),
    );
    const page = await open({ view: 'photos', permissions: ['camera'] });
    const longest = await longTasksDuring(page, () => giveWeights(page));
    console.log(`main-thread tasks over 50 ms while loading and classifying: [${longest}]`);
    const cat = await logitsOf(page);
    expectLogits(cat, goldenLogits('chelsea'), 'PyTorch');
    expectLogits(cat, catInNode, 'Node');
    const classes = page.locator('.classes button');
    expect(await classes.first().textContent()).toMatch(/cat|tabby/i);
    const [x, y] = await hottest(page);
    console.log(`the heat map of the cat is strongest at ${x}, ${y}`);
    expect(isInside(x, y, CAT)).toBe(true);
    await classes.nth(1).click();
    await page.getByRole('img', { name: /Heat map of “tiger cat”/ }).waitFor();

    await page.getByRole('button', { name: 'layer 2.3' }).click();
    await page.getByText('layer 2.3: 512 channels of 28 × 28').waitFor();
    await page.mouse.move(0, 0);
    await screenshots(page, 'photos');
    await expectAccessible(page);

    await film(page);

    // The weights are uploaded again by the next picture.
    await page.locator('.adapter summary').click();
    await page.getByRole('button', { name: 'Lose the device on purpose' }).click();
    await page.locator('.banner').getByText('was lost and is back').waitFor();
    await page.getByRole('button', { name: 'Coffee' }).click();
    await page.getByText('Classifying').waitFor();
    await classified(page);
    const coffee = await logitsOf(page);
    expectLogits(coffee, goldenLogits('coffee'), 'PyTorch');
    expectLogits(coffee, coffeeInNode, 'Node');

    await page.getByRole('button', { name: 'Cat', exact: true }).click();
    await page.locator('.photo-desk').getByRole('button', { name: 'Cancel' }).click();
    await page.getByText('Stopped.').waitFor();
    await film(page);
  });

  it.skipIf(!data)(
    'downloads weights, stops, goes on, and finds them at the next visit',
    async () => {
      const page = await open({ view: 'photos' });
      await page.getByLabel('Address of the weights file').fill(`${inject('filesUrl')}${WEIGHTS}`);
      const asked: string[] = [];
      page.on('request', (request) => {
        if (request.url().includes(WEIGHTS)) asked.push(request.headers().range ?? '');
      });
      // Slow until it is stopped, so that there is something to stop.
      let partMs = 500;
      await page.route(`**/${WEIGHTS}`, async (route) => {
        await new Promise((resolve) => setTimeout(resolve, partMs));
        await route.continue();
      });
      await page.getByRole('button', { name: 'Download' }).click();
      await page.getByText(/Downloading: \d+\.\d MB of 51\.\d MB, .*\/s/).waitFor();
      await page.getByRole('button', { name: 'Cancel' }).click();
      partMs = 0;
      await page.getByRole('button', { name: 'Go on with the download' }).click();
      await classified(page);
      // The part in hand when it was stopped is asked for twice, no other.
      const twice = asked.filter((range, i) => asked.indexOf(range) !== i);
      expect(twice.length).toBeLessThanOrEqual(1);
      expect(asked.length).toBeGreaterThan(5);

      const { length } = asked;
      await page.reload();
      await classified(page);
      expect(asked.length).toBe(length);
      await page.getByRole('button', { name: 'Delete from this browser' }).click();
      await page.getByText('Deleted').waitFor();
      await page.reload();
      await page.getByRole('heading', { name: 'ResNet-50 needs its weights' }).waitFor();
      expect(
        await page.evaluate(() => caches.open('tilewise-weights').then((kept) => kept.keys())),
      ).toEqual([]);
    },
  );
});

describe.skipIf(!data)('Photos with ONNX files', () => {
  const file = (model: string): string => join(folder, `${model}.onnx`);

  beforeAll(() => {
    const weights = openSafetensors(Uint8Array.from(readFileSync(`${data}/${WEIGHTS}`)), WEIGHTS);
    writeFileSync(file('resnet50'), exportOnnx(buildModel(findModel('resnet50')), weights));
    const lenet = readFileSync(join(SAMPLES, '..', '..', 'weights', 'lenet-mnist.safetensors'));
    const digits = openSafetensors(Uint8Array.from(lenet), 'lenet');
    writeFileSync(file('lenet'), exportOnnx(buildModel(findModel('lenet')), digits));
  });

  it('refuses another network, takes ResNet-50, and shows its blocks', async () => {
    const page = await open({ view: 'photos' });
    await page.getByLabel('Weights file', { exact: true }).setInputFiles(file('lenet'));
    await page.getByRole('alert').filter({ hasText: 'lenet.onnx' }).waitFor();
    await giveWeights(page, file('resnet50'));
    expectLogits(await logitsOf(page), goldenLogits('chelsea'), 'PyTorch');
    expect(isInside(...(await hottest(page)), CAT)).toBe(true);
    await page.getByRole('button', { name: 'layer 3.5' }).click();
    await page.getByText('layer 3.5: 1024 channels of 14 × 14').waitFor();
  });
});
