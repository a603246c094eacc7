import { readdirSync, readFileSync } from 'node:fs';
import { join, normalize, sep } from 'node:path';
import { expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');

/** The formatter puts every top-level statement at the start of its line. */
const MODULE_STATE =
  /^(export )?(let|var) |^(export )?const \w+(: [^=]+)? = new (Map|Set|WeakMap)\(\)/m;

function modules(folder: string): readonly string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name));
}

function sources(folder: string): readonly string[] {
  return modules(folder).filter((path) => !path.endsWith('.test.ts'));
}

it('no module of the library holds mutable state', () => {
  const offenders = [...sources('src'), ...sources('shaders')].filter((path) =>
    MODULE_STATE.test(readFileSync(join(ROOT, path), 'utf8')),
  );
  expect(offenders).toEqual([]);
});

/** From below: what a folder imports is in it, or on a lower floor. */
const FLOORS = [
  ['shaders'],
  ['src'],
  ['node', 'measure', 'terminal'],
  ['packaging'],
  ['cli', 'bench', 'demo'],
  ['test'],
] as const;

it('folders import from the floors below, and never from beside or above', () => {
  const rooms = FLOORS.flatMap((names, floor) => names.map((name) => ({ name, floor })));
  const floorOf = new Map<string, number>(rooms.map(({ name, floor }) => [name, floor]));
  const offenders = rooms.flatMap(({ name, floor }) =>
    sources(name)
      .filter((path) => !/node_modules|^demo.test/.test(path))
      .flatMap((path) => importsOf(path).map((target) => ({ path, target })))
      .filter(({ target }) => {
        const [room = ''] = target.split(sep);
        return room !== name && (floorOf.get(room) ?? -1) >= floor;
      })
      .map(({ path, target }) => `${path} imports ${target}`),
  );
  expect(offenders).toEqual([]);
});

/** The files that a file names in its imports, from the root. */
function importsOf(path: string): readonly string[] {
  const text = readFileSync(join(ROOT, path), 'utf8');
  return [...text.matchAll(/(?:from|import\(?) '(\.[^']*)'/g)].map(([, file = '']) =>
    normalize(join(path, '..', file)),
  );
}

it('lines of comments end by the 120th column, as those of code do', () => {
  const offenders = FLOORS.flat()
    .flatMap(modules)
    .filter((path) => !/node_modules|onnx_pb|[/\\]dist[/\\]/.test(path))
    .flatMap((path) => {
      const lines = readFileSync(join(ROOT, path), 'utf8').split('\n');
      return lines.flatMap((line, i) =>
        line.length > 120 && /^ *(\/?\*|\/\/)/.test(line) ? [`${path}:${i + 1}`] : [],
      );
    });
  expect(offenders).toEqual([]);
});
