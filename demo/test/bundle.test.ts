import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build, type Rollup } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { minifyWgsl } from '../minify_wgsl.ts';
import { usePages } from './fixtures/browser.ts';
import { DemoServer } from './fixtures/demo_server.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const data = process.env.TILEWISE_TEST_DATA;
const MOST_BYTES = 45_000;

/** What a page needs to classify pictures with ResNet-50, as the README shows it. */
const ENTRY = `export { buildModel, createSession, Device, fetchSafetensors, resnet50 } from '${ROOT}/src/index.ts';`;

describe('what a page downloads', () => {
  it('for the runtime and ResNet-50 is at most 45 kB, compressed', async () => {
    const name = 'virtual:entry';
    const result = (await build({
      root: ROOT,
      configFile: false,
      logLevel: 'warn',
      plugins: [
        minifyWgsl(),
        {
          name: 'entry',
          resolveId: (id) => (id === name ? name : undefined),
          load: (id) => (id === name ? ENTRY : undefined),
        },
      ],
      build: {
        write: false,
        target: 'es2023',
        rolldownOptions: { input: name, preserveEntrySignatures: 'strict' },
      },
    })) as Rollup.RollupOutput;
    const code = result.output.map((part) => (part.type === 'chunk' ? part.code : '')).join('');
    expect(code).toContain('resnet50');
    const bytes = gzipSync(code, { level: 9 }).length;
    console.log(`runtime and ResNet-50: ${bytes} bytes, compressed`);
    expect(bytes).toBeLessThanOrEqual(MOST_BYTES);
  });
});

describe('dist/tilewise.js', () => {
  const open = usePages();
  let server: DemoServer;

  beforeAll(async () => {
    await build({ configFile: join(ROOT, 'demo', 'vite.bundle.config.ts'), logLevel: 'warn' });
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
