/** examples/vite-app and examples/worker read the digits of samples/, in a browser. */
import { join } from 'node:path';
import chromium from '@sparticuz/chromium';
import { expect, it } from 'vitest';
import { useBrowser } from '../fixtures/browser.ts';
import { Example } from '../fixtures/example.ts';

const DIGITS = join(import.meta.dirname, '..', '..', 'samples', 'digits');

const open = useBrowser(() => chromium.executablePath());

it('vite-app compiles, and says which digit is in a picture', async () => {
  using example = new Example('vite-app');
  example.link('vite');
  expect(await example.compile()).toBe('');
  const page = await open();
  await page.goto(await example.serve());
  await page.getByText('ready on').waitFor();
  for (const digit of [7, 4]) {
    await page.getByLabel('A picture').setInputFiles(join(DIGITS, `${digit}.png`));
    await page.getByText(new RegExp(`^${digit}: (9\\d|100)\\.`)).waitFor();
  }
});

it('vite-app says why there is nothing where there is no WebGPU', async () => {
  using example = new Example('vite-app');
  const page = await open({ before: () => Reflect.deleteProperty(Navigator.prototype, 'gpu') });
  await page.goto(await example.serve());
  await page.getByText('there is no WebGPU').waitFor();
});

it('worker answers in order, and takes the pixels out of the page', async () => {
  using example = new Example('worker');
  const page = await open({
    before: () => {
      const post = Worker.prototype.postMessage;
      Worker.prototype.postMessage = function (
        this: Worker,
        question: unknown,
        ...more: unknown[]
      ) {
        Reflect.apply(post, this, [question, ...more]);
        const { pixels } = question as { readonly pixels: ImageData };
        document.title += pixels.data.byteLength;
      };
    },
  });
  await page.goto(await example.serve());
  await page.getByText('ready on').waitFor();
  const files = [3, 1, 8].map((digit) => join(DIGITS, `${digit}.png`));
  await page.getByLabel('Pictures').setInputFiles(files);
  await page.getByText('3.png: 3\n1.png: 1\n8.png: 8').waitFor();
  expect(await page.title()).toMatch(/[^0]000$/);
});
