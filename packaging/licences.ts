/** The licences of what built files contain of other packages. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import type { Plugin, Rollup } from 'vite';

/** The schema of ONNX, whose licence is Apache-2.0; packages that only name that one refer to its text. */
const SCHEMA = join(import.meta.dirname, '..', 'src', 'onnx', 'schema');
const APACHE = 'Apache-2.0: the text stands at the end.';

/** What all MIT licences have after their copyright lines, which stands once for all. */
const MIT_TEXT =
  /Permission is hereby granted, free of charge[\s\S]*DEALINGS\s+IN\s+THE\s+SOFTWARE\.?/;
const MIT = 'Its permission notice stands at the end.';

/** A package by its files that are in the build. */
interface Contained {
  readonly folder: string;
  readonly files: string[];
}

/** Writes `fileName`: each package that the build contains, with its licence, and the schema of ONNX if it does. */
export function writeLicences(fileName: string): Plugin {
  return {
    name: 'licences',
    apply: 'build',
    generateBundle(_, bundle) {
      const whole = containedPackages(bundle).map(describe);
      const { texts, notice } = withNoticeOnce(whole);
      const schema = modulesOf(bundle).some((id) => id.startsWith(SCHEMA))
        ? 'ONNX, onnx.proto\n'
        : '';
      if (schema || texts.some((text) => text.includes(APACHE))) {
        const licence = readFileSync(join(SCHEMA, 'LICENSE'), 'utf8').trim();
        texts.push(`${schema}Apache-2.0\n\n${licence}`);
      }
      if (notice) texts.push(`MIT\n\n${notice}`);
      const source = `${texts.join(`\n\n${'-'.repeat(16)}\n\n`)}\n`;
      this.emitFile({ type: 'asset', fileName, source });
    },
  };
}

/** The texts without the permission notice of MIT, where they have it word for word as the first of them has it. */
function withNoticeOnce(whole: readonly string[]): { texts: string[]; notice: string | undefined } {
  const words = (text: string): string => text.replaceAll(/\s+/g, ' ').replace(/\.$/, '');
  const notices = whole.map((text) => MIT_TEXT.exec(text)?.[0]);
  const notice = notices.find((text) => text !== undefined);
  const texts = whole.map((text, i) => {
    const own = notices[i];
    const alike = notice !== undefined && own !== undefined && words(own) === words(notice);
    return alike ? text.replace(own, MIT) : text;
  });
  return { texts, notice };
}

function modulesOf(bundle: Rollup.OutputBundle): readonly string[] {
  return Object.values(bundle).flatMap((part) =>
    part.type === 'chunk' ? Object.keys(part.modules) : [],
  );
}

function containedPackages(bundle: Rollup.OutputBundle): readonly Contained[] {
  const packages = new Map<string, Contained>();
  for (const file of modulesOf(bundle).filter((id) => /^[^\0].*node_modules/.test(id))) {
    const folder = packageOf(file);
    const { files } = packages.get(folder) ?? { files: [] };
    packages.set(folder, { folder, files: [...files, file] });
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

/** The package's file of that name, else the licences at the heads of its files, with where that of Apache is. */
function licenceText(folder: string, files: readonly string[], license: string): string {
  const file = readdirSync(folder).find((name) => /^licen[cs]e/i.test(name));
  if (file) return readFileSync(join(folder, file), 'utf8').trim();
  const heads = files.map((path) => /^(\/\/.*\n)+/.exec(readFileSync(path, 'utf8'))?.[0] ?? '');
  const texts = heads.map((head) => head.replaceAll(/^\/\/ ?/gm, '').trim());
  const own = [...new Set(texts.filter((text) => /copyright/i.test(text)))];
  const apache = license.includes('Apache-2.0') ? [APACHE] : [];
  if (own.length + apache.length === 0) {
    throw new Error(`no text of the licence ${license} is found in ${folder}${sep}`);
  }
  return [...own, ...apache].join('\n\n');
}
