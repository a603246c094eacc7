import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { globSync } from 'tinyglobby';
import { expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');

/** What documents show of packages that are not installed here. */
const PACKAGES = `declare module 'onnxruntime-web/wasm';\n`;

/** The TypeScript of a document, as modules by name. */
function examplesOf(document: string): readonly (readonly [name: string, code: string])[] {
  const text = readFileSync(join(ROOT, document), 'utf8');
  const name = document.replaceAll(/\W/g, '_');
  return [...text.matchAll(/^```ts\n(.*?)^```/gms)].map(
    ([, code = ''], i) => [`${name}_${i + 1}`, code] as const,
  );
}

/** What the compiler says of these modules; nothing, where they are right. */
function compile(modules: readonly (readonly [name: string, code: string])[]): string {
  // Below the root, where the compiler finds the types that packages bring.
  mkdirSync(join(ROOT, '.cache'), { recursive: true });
  const folder = mkdtempSync(join(ROOT, '.cache', 'readme-'));
  try {
    for (const [name, code] of modules) writeFileSync(join(folder, `${name}.ts`), code);
    writeFileSync(join(folder, 'packages.d.ts'), PACKAGES);
    const config = {
      extends: join(ROOT, 'tsconfig.json'),
      // Beside the examples, which documents import.
      compilerOptions: { rootDirs: [folder, join(ROOT, 'examples')] },
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

it('every example of the documents compiles as it stands', () => {
  const documents = globSync(['*.md', 'docs/**/*.md', 'examples/*.md'], { cwd: ROOT });
  const examples = documents.toSorted().flatMap(examplesOf);
  expect(examples.map(([name]) => name)).toEqual(
    expect.arrayContaining(['README_md_3', 'docs_browsers_md_2']),
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
