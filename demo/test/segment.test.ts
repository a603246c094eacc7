import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, describe, expect, it } from 'vitest';
import { vocClasses } from '../../src/index.ts';
import { runCli } from '../../test/fixtures/cli.ts';
import { type TfliteOption, tfliteFile } from '../../test/fixtures/tflite_file.ts';
import { expectAccessible } from './fixtures/axe.ts';
import { usePages } from './fixtures/browser.ts';
import { screenshots } from './fixtures/screenshots.ts';
import { writeSyntheticWeights } from './fixtures/synthetic_weights.ts';

const open = usePages();
const folder = mkdtempSync(join(tmpdir(), 'tilewise-segment-'));
afterAll(() => rmSync(folder, { recursive: true }));

const WEIGHTS = join(folder, 'fcn.safetensors');
const PHOTO = join(import.meta.dirname, '..', '..', 'samples', 'photos', 'chelsea.png');

/** Operators of TFLite, by their numbers, and strides of 1. */
const [CONV, LOGISTIC] = [3, 14];
const STRIDES: readonly TfliteOption[] = [
  [1, 'int32', 1],
  [2, 'int32', 1],
];

interface Found {
  readonly label: string;
  readonly share: number;
}

/** What the command finds, at the same size. */
async function foundByCommand(): Promise<readonly Found[]> {
  const out = join(folder, 'mask.png');
  const args = ['segment', PHOTO, '--weights', WEIGHTS, '--size', '64', '--out', out];
  const { stdout, stderr } = await runCli([...args, '--json', '--adapter', 'SwiftShader']);
  expect(stderr).not.toContain('error');
  return (JSON.parse(stdout) as { readonly found: readonly Found[] }).found;
}

async function legendOf(page: Page): Promise<readonly Found[]> {
  const rows = await page.locator('.colour-legend li').all();
  return Promise.all(
    rows.map(async (row) => {
      const [label = '', share = ''] = (await row.locator('span').allTextContents()).slice(1);
      return { label, share: Number.parseFloat(share) / 100 };
    }),
  );
}

describe('Segment', () => {
  it('says what it lacks, and what is wrong with a file', async () => {
    const page = await open({ view: 'segment' });
    await page.getByRole('heading', { name: 'The network needs its weights' }).waitFor();
    await page.getByText('as soon as there are weights').waitFor();
    const buffer = Buffer.alloc(64, 255);
    const broken = { name: 'broken.safetensors', mimeType: 'application/octet-stream', buffer };
    await page.getByLabel('Weights of the segmentation network').setInputFiles(broken);
    await page.getByRole('alert').filter({ hasText: 'broken.safetensors' }).waitFor();
    await page.getByLabel('Picture file').setInputFiles({ ...broken, name: 'broken.png' });
    await page.getByText('“broken.png” is no picture that this browser reads').waitFor();
    await screenshots(page, 'segment-without-weights');
    await expectAccessible(page);
  });

  it('keeps the size that was chosen before the adapter had answered', async () => {
    const page = await open({
      view: 'segment',
      before: () => {
        const post = Worker.prototype.postMessage;
        const released = new Promise((resolve) => addEventListener('release', resolve));
        Worker.prototype.postMessage = function (this: Worker, ...args: unknown[]): void {
          void released.then(() => Reflect.apply(post, this, args));
        };
      },
    });
    await page.getByLabel('Shorter side').selectOption('64');
    await page.evaluate(() => dispatchEvent(new Event('release')));
    // The engine answers in order: what it says of the weights comes after what it says of the adapter.
    const broken = { mimeType: 'application/octet-stream', buffer: Buffer.alloc(64, 255) };
    const weights = page.getByLabel('Weights of the segmentation network');
    await weights.setInputFiles({ ...broken, name: 'broken.safetensors' });
    await page.getByRole('alert').filter({ hasText: 'broken.safetensors' }).waitFor();
    expect(await page.getByLabel('Shorter side').inputValue()).toBe('64');
  });

  it("takes a network of one's own, in TFLite's format", async () => {
    const page = await open({ view: 'segment' });
    await page.getByText('as soon as there are weights').waitFor();
    // What is more red than green, of pictures of 8 x 8.
    const file = tfliteFile({
      tensors: [
        { name: 'picture', shape: [1, 8, 8, 3] },
        { name: 'red', shape: [1, 8, 8, 1] },
        { name: 'mask', shape: [1, 8, 8, 1] },
        { shape: [1, 1, 1, 3], data: Float32Array.of(50, -50, 0) },
      ],
      operators: [
        { code: CONV, inputs: [0, 3], outputs: [1], options: STRIDES },
        { code: LOGISTIC, inputs: [1], outputs: [2] },
      ],
      inputs: [0],
      outputs: [2],
    });
    const mine = { name: 'red.tflite', mimeType: '', buffer: Buffer.from(file) };
    await page.getByLabel('Weights of the segmentation network').setInputFiles(mine);
    await page.getByText(/^red\.tflite took .* at 8 × 8 pixels/).waitFor({ timeout: 60_000 });
    const found = await legendOf(page);
    expect(found.every(({ label }) => ['background', 'foreground'].includes(label))).toBe(true);
    await page.getByText('red.tflite is in use.').waitFor();
    await screenshots(page, 'segment-own');
    // The cat is.
    expect(found.find(({ label }) => label === 'foreground')?.share).toBeGreaterThan(0.5);
  });

  it('finds in each pixel what the command finds, and gives the mask away', async () => {
    writeSyntheticWeights('fcn_resnet50', WEIGHTS);
    const page = await open({ view: 'segment' });
    await page.getByText('as soon as there are weights').waitFor();
    await page.getByLabel('Shorter side').selectOption('64');
    await page.getByLabel('Weights of the segmentation network').setInputFiles(WEIGHTS);
    await page.getByText('FCN took').waitFor({ timeout: 100_000 });

    const found = await legendOf(page);
    const expected = await foundByCommand();
    console.log(
      `shares in the page ${JSON.stringify(found)}, by the command ${JSON.stringify(expected)}`,
    );
    const labels = new Set(vocClasses.map(({ label }) => label));
    expect(found.every(({ label }) => labels.has(label))).toBe(true);
    for (const { label, share } of expected) {
      const here = found.find((row) => row.label === label)?.share ?? 0;
      // Pixels on the border of two classes may fall to either side, since two compilers round differently.
      expect(Math.abs(here - share), label).toBeLessThan(0.01);
    }

    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Save the mask' }).click();
    const png = readFileSync(await (await download).path());
    // Width and height stand behind the signature and the name of the first chunk.
    expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([451, 300]);
    await screenshots(page, 'segment');
    await expectAccessible(page);
  });
});
