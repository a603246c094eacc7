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
});
