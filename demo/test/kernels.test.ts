import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { expectAccessible } from './fixtures/axe.ts';
import { usePages } from './fixtures/browser.ts';
import { screenshots } from './fixtures/screenshots.ts';

const open = usePages();

describe('Kernels', () => {
  it('measures the layers asked for, draws the roofline, and exports', async () => {
    const page = await open({ view: 'kernels' });
    const lines = page.getByLabel('Layers to measure');
    await lines.fill('conv2d 1,16,14,14 channels=16 kernel=3 padding=1\nlinear 1,64 features=10');
    await page.getByRole('button', { name: 'Run' }).click();
    await page.locator('.layer-report').nth(1).waitFor();
    await page.locator('.progress').waitFor({ state: 'hidden' });
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

  it('says what it cannot read', async () => {
    const page = await open({ view: 'kernels' });
    await page.getByLabel('Layers to measure').fill('conv9d 1,2');
    await page.getByRole('button', { name: 'Run' }).click();
    await page.getByRole('alert').getByText('"conv9d" is none of').waitFor();
  });
});
