/** The example that draws over live video, on a device of the page's own. */
import { join } from 'node:path';
import { build } from 'vite';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { usePages } from './fixtures/browser.ts';
import { DemoServer } from './fixtures/demo_server.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const open = usePages();
let server: DemoServer;

beforeAll(async () => {
  await build({ configFile: join(ROOT, 'demo', 'vite.bundle.config.ts'), logLevel: 'warn' });
  server = await DemoServer.start(ROOT);
});
afterAll(() => server.stop());

/** Counts, in the page, what is made on the GPU, and how often it is waited for. */
function count(): void {
  const counts = { maps: 0, made: 0 };
  Object.assign(globalThis, { counts });
  const { mapAsync } = GPUBuffer.prototype;
  GPUBuffer.prototype.mapAsync = function (...all) {
    counts.maps++;
    return mapAsync.apply(this, all);
  };
  const makers = [
    'createBuffer',
    'createBindGroup',
    'createTexture',
    'createComputePipeline',
  ] as const;
  for (const name of makers) {
    const make: (this: GPUDevice, descriptor: never) => unknown = GPUDevice.prototype[name];
    Object.assign(GPUDevice.prototype, {
      [name](this: GPUDevice, descriptor: never) {
        counts.made++;
        return make.call(this, descriptor);
      },
    });
  }
}

it('draws 200 frames of a webcam, reads nothing back, and makes nothing new', async () => {
  const page = await open({ before: count });
  await page.goto(`${server.pageUrl}examples/overlay.html?size=64`);
  const drawn = (frames: number) =>
    page.waitForFunction(
      (least) => Number.parseInt(document.querySelector('pre')?.textContent ?? '', 10) >= least,
      frames,
      { timeout: 500_000 },
    );
  const counts = () =>
    page.evaluate(() => ({ ...(globalThis as unknown as { counts: object }).counts }));
  await drawn(5);
  const before = await counts();
  expect(before).toMatchObject({ maps: 0 });
  await drawn(205);
  expect(await counts()).toEqual(before);
  // Most of the picture is of some class, in colour over the video, and not empty.
  const colours = await page.evaluate(async () => {
    const canvas = document.querySelector('canvas');
    if (!canvas) return 0;
    const bitmap = await createImageBitmap(await (await fetch(canvas.toDataURL())).blob());
    const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d');
    copy?.drawImage(bitmap, 0, 0);
    const { data = [] } = copy?.getImageData(0, 0, canvas.width, canvas.height) ?? {};
    return new Set(new Uint32Array(Uint8ClampedArray.from(data).buffer)).size;
  });
  expect(colours).toBeGreaterThan(10);
}, 1_000_000);
