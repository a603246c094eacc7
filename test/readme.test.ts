import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { documentExamples, type Example, writeExamples } from './fixtures/document_examples.ts';
import { sourceExamples } from './fixtures/source_examples.ts';

const ROOT = join(import.meta.dirname, '..');

/** What documents show of packages that are not installed here. */
const PACKAGES = `declare module 'onnxruntime-web/wasm';\n`;

/** What the compiler says of these modules; nothing, where they are right. */
function compile(modules: readonly Example[]): string {
  const folder = writeExamples(modules);
  try {
    writeFileSync(join(folder, 'packages.d.ts'), PACKAGES);
    execFileSync(join(ROOT, 'node_modules', '.bin', 'tsc'), ['-p', folder], { stdio: 'pipe' });
    return '';
  } catch (error) {
    return String((error as { readonly stdout?: Buffer }).stdout ?? error);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

it('every example of the documents compiles as it stands', () => {
  const examples = documentExamples();
  expect(examples.map(([name]) => name)).toEqual(
    expect.arrayContaining(['README_md_3', 'docs_browsers_md_2']),
  );
  expect(compile(examples)).toBe('');
});

it('every example in comments of the public API compiles', () => {
  const examples = sourceExamples();
  expect(examples.map(([name]) => name)).toEqual(
    expect.arrayContaining(['src_layers_conv2d_ts_conv2d', 'node_gpu_ts_openNodeGpu']),
  );
  expect(compile(examples)).toBe('');
});

it('the table of builders names every builder, and nothing else', () => {
  const text = readFileSync(join(ROOT, 'README.md'), 'utf8');
  const table = /^\| builders .*?\n\n/ms.exec(text)?.[0] ?? '';
  const named = table
    .split('\n')
    .slice(2)
    .flatMap((row) => row.split('|')[2]?.match(/\w+/g) ?? []);
  const prose = ['for', 'any', 'expression'];
  const index = readFileSync(join(ROOT, 'src', 'index.ts'), 'utf8');
  const builders = [...index.matchAll(/^export \{([^}]*)\} from '\.\/layers\//gm)]
    .flatMap(([, names = '']) => names.split(','))
    .map((name) => name.trim())
    .filter((name) => name !== '' && !name.startsWith('type '));
  expect(named.filter((name) => !prose.includes(name)).sort()).toEqual(builders.toSorted());
});

it('an example that lacks an import does not', () => {
  expect(compile([['bare', "export const graph = buildModel(findModel('lenet'));\n"]])).toMatch(
    /bare\.ts.*Cannot find name 'buildModel'/,
  );
});
