/** examples/node-script.mjs reads pictures in Node. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Example } from '../fixtures/example.ts';

const DIGITS = join(import.meta.dirname, '..', '..', 'samples', 'digits');

it('says which digits are in pictures', async () => {
  using example = new Example('node-script.mjs');
  example.link('webgpu', 'sharp', '@sparticuz/chromium');
  const files = [5, 0, 9].map((digit) => join(DIGITS, `${digit}.png`));
  const { TILEWISE_ADAPTER: adapter } = process.env;
  const options = adapter ? ['--adapter', adapter] : [];
  const args = ['node-script.mjs', ...files, ...options];
  const printed = await example.project.run(process.execPath, args);
  expect(printed.trim().split('\n')).toEqual(
    [5, 0, 9].map((digit, i) =>
      expect.stringMatching(`^${files[i]}: ${digit}, (9\\d|100)\\.\\d %$`),
    ),
  );
});
