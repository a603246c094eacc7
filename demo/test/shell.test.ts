import { describe, expect, it } from 'vitest';
import { expectAccessible } from './fixtures/axe.ts';
import { usePages } from './fixtures/browser.ts';
import { screenshots } from './fixtures/screenshots.ts';

const open = usePages();

describe('the page', () => {
  it('names the adapter, and says that it is a software one', async () => {
    const page = await open();
    const badge = page.locator('.adapter summary');
    await badge.getByText('swiftshader').waitFor();
    expect(await badge.textContent()).toContain('software');
    await badge.click();
    await page.getByText('maxStorageBufferBindingSize').waitFor();
    await expectAccessible(page);
  });

  it('says what to do where there is no WebGPU, for this browser first', async () => {
    const page = await open({
      before: () => Object.defineProperty(Navigator.prototype, 'gpu', { value: undefined }),
    });
    await page.getByRole('heading', { name: 'This browser does not offer WebGPU here' }).waitFor();
    expect(await page.getByRole('heading', { level: 2 }).first().textContent()).toContain(
      'What to do in Chrome, Edge and Opera on Linux',
    );
    await screenshots(page, 'missing');
    await expectAccessible(page);
  });

  it('recovers from a lost device, and tells', async () => {
    const page = await open();
    const note = page.locator('.verdict .note');
    await note.getByText('sure').waitFor();
    await page.locator('.adapter summary').click();
    await page.getByRole('button', { name: 'Lose the device on purpose' }).click();
    await page.locator('.banner').getByText('was lost and is back').waitFor();
    await page.getByRole('button', { name: 'Sample' }).click();
    await note.getByText('sure').waitFor();
    expect(await page.locator('.adapter summary').textContent()).toContain('swiftshader');
    await page.getByRole('button', { name: 'Close' }).click();
    expect(await page.locator('.banner').isVisible()).toBe(false);
  });

  it('asks nobody but its own host', async () => {
    const page = await open();
    const hosts = new Set<string>();
    page.on('request', (request) => hosts.add(new URL(request.url()).host));
    await page.reload();
    await page.locator('.answer:not(:empty)').waitFor();
    for (const view of ['Photos', 'Inside', 'Kernels', 'Verify']) {
      await page.getByRole('link', { name: view }).click();
      await page.waitForLoadState('networkidle');
      await page.locator('main h1').waitFor();
    }
    expect([...hosts].filter((host) => host !== '')).toEqual([new URL(page.url()).host]);
  });

  it('lets neither markup nor script be made of strings', async () => {
    const page = await open({ expectedErrors: /assignment|Content Security Policy/ });
    const refusals = await page.evaluate(() => {
      const attempts = [
        () => document.body.insertAdjacentHTML('beforeend', '<img src=x onerror="alert()">'),
        () => {
          document.createElement('script').textContent = 'alert()';
        },
        () => new Worker('data:text/javascript,0'),
      ];
      return attempts.map((attempt) => {
        try {
          attempt();
          return 'accepted';
        } catch (error) {
          return error instanceof Error ? error.name : String(error);
        }
      });
    });
    expect(refusals).toEqual(['TypeError', 'TypeError', 'TypeError']);
  });

  it('may not reach hosts over plain HTTP, other than this machine', async () => {
    const page = await open({ expectedErrors: /Content Security Policy|Refused|blocked/ });
    const outcome = await page.evaluate(() =>
      fetch('http://tilewise.invalid/').then(
        () => 'reached',
        (error: Error) => error.message,
      ),
    );
    const violated = await page.evaluate(
      () => document.querySelector('meta[http-equiv]')?.getAttribute('content') ?? '',
    );
    expect(outcome).not.toBe('reached');
    expect(violated).toContain("default-src 'none'");
    expect(violated).not.toContain('unsafe');
  });
});
