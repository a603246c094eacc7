/**
 * What the package computes, as built: its shaders are minified, and names in them shortened, file by file and by what
 * all files hold. Every builder's kernels are to give what those of the sources give, to the bit.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import * as sources from '../src/index.ts';
import { useDevice } from './fixtures/device.ts';
import { BUILDERS, May, type Things } from './fixtures/good_calls.ts';

type Library = typeof sources;

/** The entries as users import them: modules, and all in one file. */
const ENTRIES = ['src/index.js', 'tilewise.js'];

const device = useDevice();
const weights = sources.syntheticWeights([]);

if (process.env.TILEWISE_TEST_BUILT === undefined) {
  it('the built package is not compared with its sources', () => {
    console.log(
      'TILEWISE_TEST_BUILT is not set: what the package computes, as built, is not checked',
    );
  });
} else {
  describe.each(ENTRIES)('dist/%s', async (entry) => {
    const path = join(import.meta.dirname, '..', 'dist', entry);
    const built = (await import(pathToFileURL(path).href)) as Library;
    it.each(Object.keys(BUILDERS).filter((name) => name in sources))('%s', async (name) => {
      const expected = await resultsOf(sources, name);
      expect(expected.length).toBeGreaterThan(0);
      expect(await resultsOf(built, name)).toEqual(expected);
    });
  });
}

/** What one layer gives, made and run by this library. */
async function resultsOf(library: Library, name: string): Promise<readonly Float32Array[]> {
  const root = library.GraphBuilder.create();
  const made = callOf(library, root, name);
  for (const [i, value] of valuesIn(made).entries()) root.output(`y${i}`, value);
  const gpu = library.Device.from(device().gpu);
  using session = await library.createSession(gpu, root.build(name), { weights });
  const inputs = session.inputs.map(({ name, shape }) => [
    name,
    sources.syntheticTensor(name, shape),
  ]);
  const results = await session.run(Object.fromEntries(inputs));
  return session.outputs.map((output) => results[output.name] ?? expect.fail(output.name));
}

function callOf(library: Library, root: sources.GraphBuilder, name: string): unknown {
  let inputs = 0;
  const value = (...shape: number[]) => root.input(`input ${inputs++}`, shape);
  const things = {
    g: root.at('here'),
    value,
    get map() {
      return value(1, 4, 8, 8);
    },
    get volume() {
      return value(1, 4, 4, 8, 8);
    },
    get rows() {
      return value(2, 4);
    },
    get image() {
      return value(1, 3, 64, 64);
    },
  };
  // Builders take no more of what there is.
  const good = Object.values(BUILDERS[name]?.(things as unknown as Things) ?? {});
  const build = Object.entries(library).find(([exported]) => exported === name)?.[1];
  if (typeof build !== 'function') return expect.fail(`${name} is no function of the library`);
  const call = build as (...values: readonly unknown[]) => unknown;
  return call(...good.map((argument) => (argument instanceof May ? argument.value : argument)));
}

/** The values that nodes make in what a builder gives: itself, or several by name or place. */
function valuesIn(made: unknown): readonly sources.Value[] {
  if (typeof made !== 'object' || made === null) return [];
  if ('kind' in made) return made.kind === 'activation' ? [made as sources.Value] : [];
  return Object.values(made).flatMap(valuesIn);
}
