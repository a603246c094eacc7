import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectAccessible } from './fixtures/axe.ts';
import { usePages } from './fixtures/browser.ts';
import { screenshots } from './fixtures/screenshots.ts';

const open = usePages();
const CAT = join(import.meta.dirname, '..', '..', 'samples', 'photos', 'chelsea.png');

const folder = mkdtempSync(join(tmpdir(), 'tilewise-shell-'));
beforeAll(() => {
  for (const name of ['broken.safetensors', 'resnet50.pt']) writeFileSync(join(folder, name), '0');
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Browsers on their systems, and a word of the advice for each where it offers no adapter. */
const AGENTS = [
  [
    'Chrome, Edge and Opera on Windows',
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36',
    'graphics driver',
  ],
  [
    'Chrome, Edge and Opera on macOS',
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36',
    'update macOS',
  ],
  [
    'Chrome, Edge and Opera on Linux',
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36',
    'Mesa',
  ],
  [
    'Chrome on Android',
    'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Mobile Safari/537.36',
    'Android',
  ],
  [
    'browsers on iPhone and iPad',
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/143.0 Mobile/15E148 Safari/604.1',
    'Lockdown Mode',
  ],
  [
    'Firefox on Windows',
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0',
    'about:support',
  ],
] as const;

/** Lets the worker, in which the device is opened, find no adapter. */
async function hideAdapters(page: Page): Promise<void> {
  await page.route('**/assets/main-*.js', async (route) => {
    const response = await route.fetch();
    const hide = 'if (!globalThis.document) GPU.prototype.requestAdapter = async () => null;';
    await route.fulfill({ response, body: `${hide}\n${await response.text()}` });
  });
}

/** Drops a file on the middle of the window, as a file manager does. */
async function drop(page: Page, file: string): Promise<void> {
  // Chromium gives up a drag whose target is replaced before the drop, as it is while a view fills.
  await page.waitForLoadState('networkidle');
  const session = await page.context().newCDPSession(page);
  const data = { items: [], files: [file], dragOperationsMask: 1 };
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
    await session.send('Input.dispatchDragEvent', { type, x: 640, y: 450, data });
  }
}

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
    await page.locator('dt', { hasText: 'Safari on macOS' }).waitFor();
    expect(await page.locator('header nav a').count()).toBe(0);
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

  it.each(AGENTS)(
    'says what to do where there is no adapter, in %s',
    async (where, userAgent, advice) => {
      const page = await open({ userAgent, route: hideAdapters });
      await page.getByRole('heading', { name: 'offers no GPU for it' }).waitFor();
      const heading = page.getByRole('heading', { level: 2 }).first();
      expect(await heading.textContent()).toBe(`What to do in ${where}`);
      expect(await heading.locator('+ p').textContent()).toContain(advice);
      // None of the views would do anything.
      expect(await page.locator('header nav a').count()).toBe(0);
    },
  );

  it.each(['digits', 'inside', 'kernels', 'verify'])(
    'takes a picture that is dropped on %s to Photos, and does not let the browser open it',
    async (view) => {
      const page = await open({ view });
      await page.locator('main h1').waitFor();
      await drop(page, CAT);
      await page.getByRole('heading', { name: 'What is in the picture?' }).waitFor();
      await expect
        .poll(() => page.locator('canvas.picture-canvas').getAttribute('height'))
        .toBe('300');
      expect(page.url()).toMatch(/#photos$/);
    },
  );

  it('gives a file to the view in sight, if it takes such files', async () => {
    const page = await open({ view: 'segment' });
    await page.getByText('as soon as there are weights').waitFor();
    await drop(page, join(folder, 'broken.safetensors'));
    await page.getByRole('alert').filter({ hasText: 'broken.safetensors' }).waitFor();
    expect(page.url()).toMatch(/#segment$/);
  });

  it.each(['digits', 'photos'])(
    'says what to do with a PyTorch file that is dropped on %s',
    async (view) => {
      const page = await open({ view });
      await page.locator('main h1').waitFor();
      await drop(page, join(folder, 'resnet50.pt'));
      const notice = page.locator('.notice');
      await notice
        .getByText(/“resnet50.pt” is a PyTorch file.*save_file.*torch.onnx.export/)
        .waitFor();
      await notice.getByRole('button', { name: 'Close' }).click();
      expect(await notice.isVisible()).toBe(false);
      expect(page.url()).toContain(`#${view}`);
    },
  );

  it('loads a view that failed to load, when asked to', async () => {
    const page = await open({ expectedErrors: /Failed to load|ERR_FAILED/ });
    await page.locator('.answer:not(:empty)').waitFor();
    await page.route('**/verify_view-*.js', (route) => route.abort());
    await page.getByRole('link', { name: 'Verify' }).click();
    await page.getByRole('alert').getByText('“Verify” could not be loaded').waitFor();
    await page.unroute('**/verify_view-*.js');
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('heading', { name: 'Is it right on this device?' }).waitFor();
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
