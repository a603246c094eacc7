/**
 * The end of `npm run build`: deletes the declarations in dist that no entry leads to. The compiler writes one for each
 * module, but users see a part of them. Those that stay lose the heads of their files, are indented by tabs, as the
 * built modules are, and name these; the compiler leaves the sources' names, which only its newest versions understand.
 */
import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const DIST = join(ROOT, 'dist');
/** What the entries refer to. */
const GLOBALS = join('src', 'globals.d.ts');
const ENTRIES = [
  'src/bundle',
  'src/tflite/index',
  'src/numpy/index',
  'src/browser/index',
  'node/index',
];

/** What another module is called in a declaration, up to its ending. */
const IMPORT = /((?:from |import\()['"]\.[^'"]+)\.ts(['"])/g;

/** What a module imports for the order of bundles only. */
const BARE_IMPORT = /^import '[^']+';\n/gm;

/** What a source says of itself, before what it imports: how its kernel works, mostly. */
const HEAD = /^\/\*\*(?:(?!\*\/).)*\*\/\n(?=import |\/\*\*)/s;

const reached = new Set<string>();

function reach(file: string): void {
  if (reached.has(file)) return;
  reached.add(file);
  const globals = relative(dirname(file), join(DIST, GLOBALS)).replaceAll(sep, '/');
  const text = readFileSync(file, 'utf8')
    .replace(HEAD, '')
    .replaceAll(BARE_IMPORT, '')
    .replaceAll(IMPORT, '$1.js$2')
    .replaceAll(/^(?: {4})+/gm, (blanks) => '\t'.repeat(blanks.length / 4))
    .replace(/path="[^"]*globals.d.ts"/, `path="${globals}"`);
  writeFileSync(file, text);
  for (const [, path = ''] of text.matchAll(/(?:from |import\()['"](\.[^'"]+)\.js['"]/g)) {
    reach(join(dirname(file), `${path}.d.ts`));
  }
}

for (const entry of ENTRIES) reach(join(DIST, `${entry}.d.ts`));
// The compiler copies no declarations that are written as such.
copyFileSync(join(ROOT, GLOBALS), join(DIST, GLOBALS));
reach(join(DIST, GLOBALS));
for (const name of readdirSync(DIST, { recursive: true, encoding: 'utf8' })) {
  const file = join(DIST, name);
  if (name.endsWith('.d.ts') && !reached.has(file)) rmSync(file);
}
