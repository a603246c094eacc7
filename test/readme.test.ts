import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');

/** The names that users import, and what they are in this repository. */
const ENTRIES = {
  tilewise: ['src/index.ts'],
  'tilewise/onnx': ['src/onnx/index.ts'],
  'tilewise/numpy': ['src/numpy/index.ts'],
  'tilewise/node': ['node/index.ts'],
};

/** What the compiler says of these modules; nothing, where they are right. */
function compile(modules: readonly string[]): string {
  // Below the root, where the compiler finds the types that packages bring.
  mkdirSync(join(ROOT, '.cache'), { recursive: true });
  const folder = mkdtempSync(join(ROOT, '.cache', 'readme-'));
  try {
    for (const [i, code] of modules.entries()) writeFileSync(join(folder, `${i + 1}.ts`), code);
    const paths = Object.entries(ENTRIES).map(([name, files]) => [
      name,
      files.map((file) => join(ROOT, file)),
    ]);
    const config = {
      extends: join(ROOT, 'tsconfig.json'),
      compilerOptions: { paths: Object.fromEntries(paths) },
      include: ['*.ts', join(ROOT, 'shaders/lib/wgsl_preprocessor.d.ts')],
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
    execFileSync(join(ROOT, 'node_modules', '.bin', 'tsc'), ['-p', folder], { stdio: 'pipe' });
    return '';
  } catch (error) {
    return String((error as { readonly stdout?: Buffer }).stdout ?? error);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

it('every example of the README compiles as it stands', () => {
  const text = readFileSync(join(ROOT, 'README.md'), 'utf8');
  const examples = [...text.matchAll(/^```ts\n(.*?)^```/gms)].map(([, code = '']) => code);
  expect(examples.length).toBeGreaterThan(3);
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
  expect(compile(["export const graph = buildModel(findModel('lenet'));\n"])).toMatch(
    /1\.ts.*Cannot find name 'buildModel'/,
  );
});
