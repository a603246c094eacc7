import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { expectAccessible } from './fixtures/axe.ts';
import { usePages } from './fixtures/browser.ts';
import { screenshots } from './fixtures/screenshots.ts';

const open = usePages();

/** How many words of the listing are coloured as keywords. */
function keywords(page: Page): Promise<number> {
  return page.evaluate(() => CSS.highlights.get('wgsl-keyword')?.size ?? 0);
}

describe('Inside', () => {
  it('shows each layer’s time, kernel and source, and the memory plan', async () => {
    const page = await open({ view: 'inside' });
    const rows = page.locator('.layers tbody tr');
    await rows.first().waitFor();
    await page.getByRole('button', { name: 'Measure' }).click();
    await page.locator('.timeline').waitFor();
    expect(await page.locator('.timeline svg rect').count()).toBe(await rows.count());
    await page.getByRole('button', { name: 'conv2' }).click();
    await page.getByRole('heading', { name: /^conv2: conv2d/ }).waitFor();
    await page.getByRole('region', { name: 'WGSL source' }).getByText('  let ').waitFor();
    expect(await keywords(page)).toBeGreaterThan(10);
    // Words are no elements: there are ten thousand of them.
    expect(await page.locator('.wgsl *').count()).toBe(1);
    const pool = page.locator('.layers tr', { hasText: 'pool1' }).locator('td');
    expect((await pool.allTextContents()).slice(0, 4)).toEqual([expect.any(String), '–', '–', '–']);
    await screenshots(page, 'inside-lenet');
    await expectAccessible(page);
    await page.getByLabel('Model').selectOption('resnet50');
    await page.locator('.layers').getByText('layer4.2.conv3').waitFor();
    expect(await page.locator('.gantt rect').count()).toBeGreaterThan(50);
    await screenshots(page, 'inside-resnet50');
  });

  it('stops measuring when asked to', async () => {
    const page = await open({ view: 'inside' });
    await page.getByLabel('Model').selectOption('resnet50');
    await page.locator('.layers').getByText('layer4.2.conv3').waitFor();
    await page.getByRole('button', { name: 'Measure' }).click();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.locator('.progress').waitFor({ state: 'hidden' });
    expect(await page.locator('.timeline').count()).toBe(0);
  });

  it('keeps what was measured while another model is looked at, and shows times in narrow windows', async () => {
    const page = await open({ view: 'inside' });
    await page.locator('.layers tbody tr').first().waitFor();
    await page.getByRole('button', { name: 'Measure' }).click();
    await page.locator('.timeline').waitFor();
    const times = await page.locator('.layers td:nth-child(2)').allTextContents();
    await page.getByLabel('Model').selectOption('resnet50');
    await page.locator('.layers').getByText('layer4.2.conv3').waitFor();
    expect(await page.locator('.timeline').count()).toBe(0);
    await page.getByLabel('Model').selectOption('lenet');
    await page.locator('.timeline').waitFor();
    expect(await page.locator('.layers td:nth-child(2)').allTextContents()).toEqual(times);
    await page.setViewportSize({ width: 420, height: 800 });
    const { x = 0, width = 0 } =
      (await page.getByRole('columnheader', { name: 'Time' }).boundingBox()) ?? {};
    expect(width).toBeGreaterThan(0);
    expect(x + width).toBeLessThan(420);
  });
});
