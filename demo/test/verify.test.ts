import { describe, expect, it } from 'vitest';
import { expectAccessible } from './fixtures/axe.ts';
import { usePages } from './fixtures/browser.ts';
import { screenshots } from './fixtures/screenshots.ts';

const open = usePages();

describe('Verify', () => {
  it('checks every layer of LeNet, a line each', async () => {
    const page = await open({ view: 'verify' });
    await page.getByRole('button', { name: 'Verify' }).click();
    await page.getByText('layers checked are right').waitFor();
    const marks = await page.locator('.checks .mark').allTextContents();
    expect(marks.length).toBeGreaterThanOrEqual(6);
    expect(new Set(marks)).toEqual(new Set(['✓ right']));
    await screenshots(page, 'verify');
    await expectAccessible(page);
  });

  it('says of what was cancelled that it is incomplete, never that all is right', async () => {
    const page = await open({ view: 'verify' });
    await page.getByLabel('Model').selectOption('resnet50');
    await page.getByRole('button', { name: 'Verify' }).click();
    await page.locator('.checks tbody tr').first().waitFor({ timeout: 200_000 });
    await page.getByRole('button', { name: 'Cancel' }).click();
    const verdict = page.locator('.incomplete');
    expect(await verdict.textContent()).toMatch(/^Stopped: \d+ of \d+ layers were checked/);
    expect(await page.getByText('layers checked are right').count()).toBe(0);
    // Of another model nothing is known.
    await page.getByLabel('Model').selectOption('lenet');
    expect(await page.locator('.checks tbody tr').count()).toBe(0);
    expect(await page.locator('.incomplete').allTextContents()).toEqual(['']);
  });
});
