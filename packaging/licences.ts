/** The licences of what built files contain of other packages. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import type { Plugin, Rollup } from 'vite';

/** Apache-2.0, for packages that only name it. ONNX's schema, which is under it, brings the text. */
const APACHE = join(import.meta.dirname, '..', 'src', 'onnx', 'schema', 'LICENSE');

/** A package by its files that are in the build. */
interface Contained {
  readonly folder: string;
  readonly files: string[];
}

/** Writes `fileName`: each package that the build contains, with its licence, and the schema of ONNX. */
export function writeLicences(fileName: string): Plugin {
  return {
    name: 'licences',
    apply: 'build',
    generateBundle(_, bundle) {
      const texts = containedPackages(bundle).map(describe);
      const schema = `ONNX, onnx.proto\nApache-2.0\n\n${readFileSync(APACHE, 'utf8').trim()}`;
      const source = `${[...texts, schema].join(`\n\n${'-'.repeat(80)}\n\n`)}\n`;
      this.emitFile({ type: 'asset', fileName, source });
    },
  };
}

function containedPackages(bundle: Rollup.OutputBundle): readonly Contained[] {
  const packages = new Map<string, Contained>();
  for (const part of Object.values(bundle)) {
    const ids = part.type === 'chunk' ? Object.keys(part.modules) : [];
    for (const file of ids.filter((id) => /^[^\0].*node_modules/.test(id))) {
      const folder = packageOf(file);
      const { files } = packages.get(folder) ?? { files: [] };
      packages.set(folder, { folder, files: [...files, file] });
    }
  }
  return [...packages.values()].sort((a, b) => (a.folder < b.folder ? -1 : 1));
}

/** The folder of the package that a file belongs to. */
function packageOf(file: string): string {
  const end = file.lastIndexOf('node_modules/') + 'node_modules/'.length;
  const [scope = '', name = ''] = file.slice(end).split(/[/?]/);
  return join(file.slice(0, end), ...(scope.startsWith('@') ? [scope, name] : [scope]));
}

function describe({ folder, files }: Contained): string {
  const { name, version, license } = JSON.parse(
    readFileSync(join(folder, 'package.json'), 'utf8'),
  ) as { readonly name: string; readonly version: string; readonly license?: string };
  if (!license) throw new Error(`the package "${name}" says no licence, but is part of the build`);
  return `${name} ${version}\n${license}\n\n${licenceText(folder, files, license)}`;
}

/** The package's file of that name, else the licences at the heads of its files, else that of Apache. */
function licenceText(folder: string, files: readonly string[], license: string): string {
  const file = readdirSync(folder).find((name) => /^licen[cs]e/i.test(name));
  if (file) return readFileSync(join(folder, file), 'utf8').trim();
  const heads = files.map((path) => /^(\/\/.*\n)+/.exec(readFileSync(path, 'utf8'))?.[0] ?? '');
  const texts = heads.map((head) => head.replaceAll(/^\/\/ ?/gm, '').trim());
  const own = [...new Set(texts.filter((text) => /copyright/i.test(text)))];
  const apache = license.includes('Apache-2.0') ? [readFileSync(APACHE, 'utf8').trim()] : [];
  if (own.length + apache.length === 0) {
    throw new Error(`no text of the licence ${license} is found in ${folder}${sep}`);
  }
  return [...own, ...apache].join('\n\n');
}
