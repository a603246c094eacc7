import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build, type Rollup } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { minifyWgsl } from '../../packaging/minify_wgsl.ts';
import { shortenNames } from '../../packaging/shorten_names.ts';
import { usePages } from './fixtures/browser.ts';
import { DemoServer } from './fixtures/demo_server.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const data = process.env.TILEWISE_TEST_DATA;

/** What a page loads, as the README shows it, and how much of it there may be. */
const PAGES: readonly (readonly [what: string, entry: string, mostBytes: number])[] = [
  [
    'the runtime and ResNet-50',
    `export { buildModel, createSession, Device, fetchSafetensors, resnet50 } from '${ROOT}/src/index.ts';`,
    48_800,
  ],
  [
    'the runtime and every operator of ONNX that is read',
    `export { createSession, Device } from '${ROOT}/src/index.ts';
     export { loadOnnx } from '${ROOT}/src/onnx/index.ts';`,
    119_000,
  ],
];

describe('what a page downloads', () => {
  it.each(PAGES)('for %s is bounded, compressed', async (what, entry, mostBytes) => {
    const code = await bundled(entry);
    expect(code).toContain('conv2d');
    const bytes = gzipSync(code, { level: 9 }).length;
    console.log(`${what}: ${bytes} bytes, compressed`);
    expect(bytes).toBeLessThanOrEqual(mostBytes);
  });
});

/** The code that a page with these imports loads. */
async function bundled(entry: string): Promise<string> {
  const name = 'virtual:entry';
  const result = (await build({
    root: ROOT,
    configFile: false,
    logLevel: 'warn',
    plugins: [
      minifyWgsl(),
      shortenNames(),
      {
        name: 'entry',
        resolveId: (id) => (id === name ? name : undefined),
        load: (id) => (id === name ? entry : undefined),
      },
    ],
    build: {
      write: false,
      target: 'es2023',
      rolldownOptions: { input: name, preserveEntrySignatures: 'strict' },
    },
  })) as Rollup.RollupOutput;
  return result.output.map((part) => (part.type === 'chunk' ? part.code : '')).join('');
}

describe('dist/tilewise.js', () => {
  const open = usePages();
  let server: DemoServer;

  beforeAll(async () => {
    await build({ configFile: join(ROOT, 'packaging', 'bundle.config.ts'), logLevel: 'warn' });
    server = await DemoServer.start(ROOT, data);
  });
  afterAll(() => server.stop());

  it.skipIf(!data)('classifies a picture in the example of 20 lines', async () => {
    const page = await open();
    const weights = `${server.filesUrl}weights/resnet50-pqf.safetensors`;
    await page.goto(`${server.pageUrl}examples/classify.html?weights=${weights}`);
    await page.getByText('ready on').waitFor();
    await page.getByLabel('Picture').setInputFiles(join(ROOT, 'samples/photos/coffee.png'));
    await page.getByText('espresso: ').waitFor();
  });
});
