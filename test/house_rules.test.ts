import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');

/** The formatter puts every top-level statement at the start of its line. */
const MODULE_STATE =
  /^(export )?(let|var) |^(export )?const \w+(: [^=]+)? = new (Map|Set|WeakMap)\(\)/m;

function sources(folder: string): readonly string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map((name) => join(folder, name));
}

it('no module of the library holds mutable state', () => {
  const offenders = [...sources('src'), ...sources('shaders')].filter((path) =>
    MODULE_STATE.test(readFileSync(join(ROOT, path), 'utf8')),
  );
  expect(offenders).toEqual([]);
});
