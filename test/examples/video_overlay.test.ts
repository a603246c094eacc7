/** examples/video-overlay: masks over live video that nothing is read back for, on a device of the page's own, too. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import chromium from '@sparticuz/chromium';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildModel, findModel, vocClasses } from '../../src/index.ts';
import { SHOWS_CANVASES, useBrowser } from '../fixtures/browser.ts';
import { Example } from '../fixtures/example.ts';
import { safetensorsOf } from '../fixtures/safetensors_bytes.ts';
import type { Pages } from './pages/video_overlay.ts';

/** Frames before memory is looked at first: what is made once has been made by then. */
const WARM_UP = 20;
const FRAMES = 200;
/** Of one picture of 160 x 120. A driver that keeps one for each frame fails. */
const FRAME_BYTES = 4 * 160 * 120;

/** The software adapter draws the page, too. */
const SMALL = { width: 160, height: 120 };

const open = useBrowser(() => chromium.executablePath(), SHOWS_CANVASES);
const harness = readFileSync(join(import.meta.dirname, 'pages', 'video_overlay.ts'), 'utf8');

declare global {
  // What pages of these tests have beside their own.
  var pages: Pages;
  var calls: Record<string, number>;
}

let example: Example;
let address: string;
beforeAll(async () => {
  const lraspp = buildModel(findModel('lraspp_mobilenet_v3_large'));
  example = new Example('video-overlay', {
    'harness.html': '<script type="module" src="./harness.ts"></script>',
    'harness.ts': harness.replace('../../../examples/video-overlay', '.'),
    'public/lraspp.safetensors': safetensorsOf(lraspp),
  });
  address = await example.serve(['index.html', 'harness.html']);
});
afterAll(() => example[Symbol.dispose]());

it('draws 200 frames of a webcam: no mapAsync, and memory stays as it is', async () => {
  const page = await open({ before: countCalls, viewport: SMALL });
  await page.goto(`${address}harness.html`);
  await page.evaluate(() => pages.startWebcam());
  const drawn = (frames: number) =>
    page.waitForFunction((least) => Number(document.title) >= least, frames);
  await drawn(WARM_UP);
  const early = await usage(page);
  await drawn(WARM_UP + FRAMES);
  const late = await usage(page);
  console.log(`after ${WARM_UP} frames:`, early, `after ${FRAMES} more:`, late);
  expect(late.calls).toEqual({ ...early.calls, mapAsync: 0 });
  expect(late.objects - early.objects).toBeLessThan(FRAMES / 2);
  expect(late.gpuProcess - early.gpuProcess).toBeLessThan(FRAMES * FRAME_BYTES);
});

it('computes on a device of the page before it renders, while, and after', async () => {
  const page = await open();
  await page.goto(`${address}harness.html`);
  const { picture, canvas, before, after, intact } = await page.evaluate(() => pages.onOwnDevice());
  expect(after).toEqual(before);
  expect(intact).toBe(true);
  const pixels = picture.length / 4;
  const classes = Array.from({ length: pixels }, (_, i) => {
    const logits = Array.from({ length: vocClasses.length }, (_, c) => before[c * pixels + i] ?? 0);
    return logits.indexOf(Math.max(...logits));
  });
  expect(new Set(classes).size).toBeGreaterThan(2);
  const expected = classes.flatMap((c, i) => {
    const seen = picture.slice(4 * i, 4 * i + 3);
    const { colour } = vocClasses[c] ?? expect.fail(`there is no class ${c}`);
    return [...seen.map((v, k) => (c === 0 ? v : 0.4 * v + 0.6 * (colour[k] ?? 0))), 255];
  });
  const worst = canvas.reduce((most, v, i) => Math.max(most, Math.abs(v - (expected[i] ?? 0))), 0);
  expect(canvas).toHaveLength(expected.length);
  // 8 bits for the picture as it is sampled, 8 for the canvas: half a step each.
  expect(worst).toBeLessThanOrEqual(1);
});

it('draws the webcam with LR-ASPP, as the example does', async () => {
  const page = await open({ before: countCalls });
  await page.goto(`${address}?side=32`);
  // Its many kernels are compiled first.
  await page.getByText(/^([3-9]|\d\d+) frames on /).waitFor({ timeout: 120_000 });
  expect(await page.evaluate(() => calls)).toMatchObject({ mapAsync: 0 });
});

/** Counts in the page what it calls of WebGPU. */
function countCalls(): void {
  globalThis.calls = {};
  const count = (on: object, name: string): void => {
    const method = Reflect.get(on, name);
    calls[name] = 0;
    Reflect.set(on, name, function (this: object, ...given: readonly unknown[]) {
      calls[name] = (calls[name] ?? 0) + 1;
      return Reflect.apply(method, this, given);
    });
  };
  count(GPUBuffer.prototype, 'mapAsync');
  count(GPUDevice.prototype, 'createBuffer');
  count(GPUDevice.prototype, 'createTexture');
}

/** What a page has called and holds, without what waits to be collected. */
async function usage(page: Page) {
  return {
    calls: await page.evaluate(() => calls),
    objects: await objectsOf(page),
    gpuProcess: await gpuProcessBytes(page),
  };
}

/** JavaScript's objects in the page. Their bytes would count code that is compiled meanwhile. */
async function objectsOf(page: Page): Promise<number> {
  const chunks: string[] = [];
  const cdp = await page.context().newCDPSession(page);
  cdp.on('HeapProfiler.addHeapSnapshotChunk', ({ chunk }) => chunks.push(chunk));
  await cdp.send('HeapProfiler.collectGarbage');
  await cdp.send('HeapProfiler.takeHeapSnapshot', { reportProgress: false });
  await cdp.detach();
  const { snapshot, nodes } = JSON.parse(chunks.join('')) as {
    readonly nodes: readonly number[];
    readonly snapshot: {
      readonly meta: {
        readonly node_fields: readonly string[];
        readonly node_types: readonly [readonly string[]];
      };
    };
  };
  const { node_fields: fields, node_types: types } = snapshot.meta;
  const counted = ['array', 'object', 'closure', 'native'].map((name) => types[0].indexOf(name));
  const kinds = nodes.filter((_, i) => i % fields.length === fields.indexOf('type'));
  return kinds.filter((kind) => counted.includes(kind)).length;
}

/** What Linux holds in memory for the process that does all of WebGPU; 0 on other systems. */
async function gpuProcessBytes(page: Page): Promise<number> {
  const cdp = await page.context().browser()?.newBrowserCDPSession();
  const { processInfo = [] } = (await cdp?.send('SystemInfo.getProcessInfo')) ?? {};
  const { id } = processInfo.find(({ type }) => type === 'GPU') ?? expect.fail('no GPU process');
  if (process.platform !== 'linux') return 0;
  const [, kilobytes] = /VmRSS:\s*(\d+)/.exec(readFileSync(`/proc/${id}/status`, 'utf8')) ?? [];
  return 1024 * Number(kilobytes);
}
