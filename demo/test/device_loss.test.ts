import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cellsDetector } from '../../test/fixtures/cells_detector.ts';
import { usePages } from './fixtures/browser.ts';
import { loseDevice } from './fixtures/lose_device.ts';
import { writeSyntheticWeights } from './fixtures/synthetic_weights.ts';

const open = usePages();
/** Each takes a model's whole cold start; TILEWISE_LOSS_MOMENTS=10 is for a machine with time. */
const MOMENTS = Number(process.env.TILEWISE_LOSS_MOMENTS ?? 2);
/** Everything is uploaded and compiled anew each time. */
const TIMEOUT = 900_000;

const folder = mkdtempSync(join(tmpdir(), 'tilewise-loss-'));
const weightsOf = (model: string): string => join(folder, `${model}.safetensors`);
beforeAll(() => {
  for (const model of ['resnet50', 'fcn_resnet50']) writeSyntheticWeights(model, weightsOf(model));
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Task {
  /** Begins the work, and takes what was answered before out of sight. */
  readonly begin: () => Promise<void>;
  /** Waits for the answer. */
  readonly answered: () => Promise<void>;
}

/** Loses the device at so many moments, from the work's beginning to about its end: the answer comes each time. */
async function expectSurvives(page: Page, { begin, answered }: Task): Promise<void> {
  await begin();
  const begun = performance.now();
  await answered();
  const ms = performance.now() - begun;
  for (let moment = 0; moment < MOMENTS; moment++) {
    await begin();
    await page.waitForTimeout((ms * moment) / MOMENTS);
    await loseDevice(page);
    await answered();
    expect(await page.getByRole('alert').filter({ visible: true }).allTextContents()).toEqual([]);
  }
  await page.locator('.banner').getByText('was lost and is back').waitFor();
}

/** What a button begins, until no progress is shown. */
function byButton(page: Page, name: string): Task {
  return {
    begin: () => page.getByRole('button', { name, exact: true }).click(),
    answered: async () => {
      await page.locator('.progress').waitFor({ state: 'hidden', timeout: 100_000 });
    },
  };
}

/** What a picture begins that is chosen, another each time. */
function byPicture(page: Page, answer: string): Task {
  let pictures = 0;
  return {
    begin: async () => {
      const name = ['Coffee', 'Cat'][pictures++ % 2] ?? '';
      // Wiped, not awaited to go: the next answer may stand there before anyone has looked.
      await page.getByText(answer).evaluate((note) => {
        note.textContent = '';
      });
      await page.getByRole('button', { name, exact: true }).click();
    },
    answered: () => page.getByText(answer).waitFor({ timeout: 200_000 }),
  };
}

describe('when the device is lost in the middle of work, the answer still comes', {
  timeout: TIMEOUT,
}, () => {
  it('in Digits', async () => {
    const page = await open();
    await page.locator('.answer:not(:empty)').waitFor();
    await expectSurvives(page, {
      begin: async () => {
        await page.getByRole('button', { name: 'Clear' }).click();
        await page.getByRole('button', { name: 'Sample' }).click();
      },
      answered: () => page.locator('.answer:not(:empty)').waitFor(),
    });
  });

  it('in Photos', async () => {
    const page = await open({ view: 'photos' });
    const weights = page.getByLabel('Weights file', { exact: true });
    await weights.setInputFiles(weightsOf('resnet50'));
    await page.getByText('ResNet-50 took').waitFor({ timeout: 200_000 });
    await expectSurvives(page, byPicture(page, 'ResNet-50 took'));
  });

  it('in Segment', async () => {
    const page = await open({ view: 'segment' });
    await page.getByLabel('Shorter side').selectOption('64');
    const weights = page.getByLabel('Weights of the segmentation network');
    await weights.setInputFiles(weightsOf('fcn_resnet50'));
    await page.getByText('FCN took').waitFor({ timeout: 200_000 });
    await expectSurvives(page, byPicture(page, 'FCN took'));
  });

  it('in Detect', async () => {
    const page = await open({ view: 'detect' });
    const model = join(folder, 'cells.onnx');
    writeFileSync(model, cellsDetector());
    await page.getByLabel('Detector file').setInputFiles(model);
    await page.getByText('cells.onnx found').waitFor();
    await expectSurvives(page, byPicture(page, 'cells.onnx found'));
  });

  it('in Inside', async () => {
    const page = await open({ view: 'inside' });
    await page.locator('.layers tbody tr').first().waitFor();
    const { begin, answered } = byButton(page, 'Measure');
    await expectSurvives(page, {
      begin,
      answered: async () => {
        await answered();
        const times = await page.locator('.layers td:nth-child(2)').allTextContents();
        expect(times.every((time) => / m?s$/.test(time) && time !== '0.0 ms')).toBe(true);
      },
    });
  });

  it('in Kernels', async () => {
    const page = await open({ view: 'kernels' });
    await page.getByLabel('Layers to measure').fill('linear 1,64 features=10');
    const { begin, answered } = byButton(page, 'Run');
    await expectSurvives(page, {
      begin,
      answered: async () => {
        await answered();
        expect(await page.locator('.layer-report').count()).toBe(1);
        const medians = await page.locator('.layer-report td:nth-child(2)').allTextContents();
        expect(medians.filter((text) => !/ m?s$/.test(text))).toEqual([]);
      },
    });
  });

  it('in Verify', async () => {
    const page = await open({ view: 'verify' });
    const { begin, answered } = byButton(page, 'Verify');
    await expectSurvives(page, {
      begin,
      answered: async () => {
        await answered();
        await page.getByText('layers checked are right').waitFor();
        const layers = await page.locator('.checks tbody th').allTextContents();
        expect(new Set(layers).size).toBe(layers.length);
      },
    });
  });
});

describe('when every attempt loses the device', () => {
  it('says so in words of the page, and offers another that succeeds', async () => {
    const page = await open({ view: 'inside' });
    await page.locator('.layers tbody tr').first().waitFor();
    // Each device that opens shows its facts anew.
    await page.evaluate(() => {
      const facts = document.querySelector('.adapter-facts');
      const lose = (): void => {
        for (const button of facts?.querySelectorAll('button') ?? []) button.click();
      };
      const losing = new MutationObserver(lose);
      if (facts) losing.observe(facts, { childList: true });
      addEventListener('enough', () => losing.disconnect());
      lose();
    });
    await page.getByRole('button', { name: 'Measure' }).click();
    await page.getByText('lost again and again').waitFor();
    await page.evaluate(() => dispatchEvent(new Event('enough')));
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.locator('.timeline').waitFor();
    expect(await page.getByText('lost again and again').count()).toBe(0);
  });
});
