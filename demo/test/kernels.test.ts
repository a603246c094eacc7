import { readFileSync } from 'node:fs';
import { describe, expect, inject, it } from 'vitest';
import { expectAccessible } from './fixtures/axe.ts';
import { usePages } from './fixtures/browser.ts';
import { screenshots } from './fixtures/screenshots.ts';

const open = usePages();

/** In the page: makes winners of kernels that would not win. */
async function narrowStrips(): Promise<void> {
  const done = <T>(request: IDBRequest<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  const database = await done(indexedDB.open('tilewise'));
  const store = database.transaction('tuning', 'readwrite').objectStore('tuning');
  const [key = ''] = await done(store.getAllKeys());
  const text: string = await done(store.get(key));
  await done(store.put(text.replaceAll(/("rows":24,"pixels":)\d/g, '$11'), key));
  database.close();
}

describe('Kernels', () => {
  it('measures the layers asked for, draws the roofline, and exports', async () => {
    const page = await open({ view: 'kernels' });
    const lines = page.getByLabel('Layers to measure');
    expect(await page.locator('.roofline').isVisible()).toBe(false);
    await lines.fill('conv2d 1,16,14,14 channels=16 kernel=3 padding=1\nlinear 1,64 features=10');
    await page.getByRole('button', { name: 'Run' }).click();
    await page.locator('.layer-report').nth(1).waitFor();
    await page.locator('.progress').waitFor({ state: 'hidden' });
    expect(await page.locator('.roofline').isVisible()).toBe(true);
    expect(await page.locator('.layer-report thead :empty').count()).toBe(0);
    await page.getByRole('button', { name: 'Tune the model' }).click();
    await page.locator('.tuned').getByText('after tuning').waitFor();
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Export JSON' }).click();
    const saved = JSON.parse(readFileSync(await (await download).path(), 'utf8'));
    expect(saved.layers).toHaveLength(2);
    expect(saved.tuned.length).toBeGreaterThan(0);
    for (const { ms, untunedMs } of saved.tuned) expect(ms).toBeLessThanOrEqual(untunedMs);
    expect(saved.ceilings.gflops).toBeGreaterThan(0);
    expect(saved.adapter.software).toBe(true);
    await screenshots(page, 'kernels');
    await expectAccessible(page);
  });

  it('keeps what tuning found: after a reload, that runs, and nothing is timed', async () => {
    const page = await open({ view: 'kernels' });
    const kept = page.locator('.tuned-before');
    const shapes = page.getByLabel('Layer of the model').locator('option');
    await shapes.nth(1).waitFor({ state: 'attached' });
    expect(await kept.textContent()).toBe('');
    await page.getByRole('button', { name: 'Tune the model' }).click();
    await page.locator('.tuned').getByText('after tuning').waitFor();
    const said = /^\d shapes of layers run in the kernels that were fastest here/;
    const before = await kept.textContent();
    expect(before).toMatch(said);
    await screenshots(page, 'kernels-tuned');

    await page.reload();
    await kept.getByText(said).waitFor();
    expect(await kept.textContent()).toBe(before);
    await page.getByRole('button', { name: 'Tune the model' }).click();
    await page.locator('.tuned').getByText('nothing was timed').waitFor();
    await page.getByRole('button', { name: 'Time them again' }).click();
    await page.locator('.tuned').getByText('after tuning').waitFor();
    await expectAccessible(page);
  });

  it('runs what is kept, whoever put it there', async () => {
    const page = await open({ view: 'kernels' });
    await page.getByRole('button', { name: 'Tune the model' }).click();
    await page.locator('.tuned').getByText('after tuning').waitFor();
    await page.evaluate(narrowStrips);
    await page.goto(`${inject('pageUrl')}#inside`);
    await page.reload();
    await page.getByText('rows 24, pixels 1').first().waitFor();
  });

  it('says what it cannot read', async () => {
    const page = await open({ view: 'kernels' });
    await page.getByLabel('Layers to measure').fill('conv9d 1,2');
    await page.getByRole('button', { name: 'Run' }).click();
    const alert = page.getByRole('alert').getByText('"conv9d" is none of');
    await alert.waitFor();
    await page.getByLabel('Layers to measure').fill('linear 1,64 features=10');
    expect(await alert.count()).toBe(0);
  });
});
