/**
 * `npm run test:mutants -- src/runtime/weights`: changes the sources of a folder in small ways, and lists the changes
 * that its tests do not notice. See CONTRIBUTING.md.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { globSync } from 'tinyglobby';
import { Random } from '../fixtures/random.ts';
import { type Mutant, mutantsOf } from './mutants.ts';
import { report } from './report.ts';
import { tryMutants } from './trials.ts';
import { TypeCheck } from './type_check.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    sample: { type: 'string', default: 'Infinity' },
    seed: { type: 'string', default: '1' },
    slowest: { type: 'string', default: '1000' },
    tests: { type: 'string', multiple: true },
    'ignore-static': { type: 'boolean', default: false },
  },
});
if (positionals.length === 0)
  throw new Error('expected files or folders of sources, such as src/runtime/weights');

const begun = performance.now();
const sources = new Map(
  globSync(positionals.map(sourcesIn), { ignore: ['**/*.test.ts'] })
    .toSorted()
    .map((file) => [file, readFileSync(file, 'utf8')]),
);
const mutants = acceptedSample();
const options = {
  root: process.cwd(),
  tests: values.tests ?? positionals,
  slowest: Number(values.slowest),
  ignoreStatic: values['ignore-static'],
};
const results = await tryMutants(sources, mutants, options, log);
const counted = mutants.filter(({ id }) => !options.ignoreStatic || !results.static.has(id));
console.log(report(sources, counted, results));

function sourcesIn(path: string): string {
  return path.endsWith('.ts') ? path : `${path}/**/*.ts`;
}

/** Of all mutants, as many as are asked for that the compiler accepts, in the order of the sources. */
function acceptedSample(): readonly Mutant[] {
  const all: Mutant[] = [];
  for (const [file, source] of sources) all.push(...mutantsOf(file, source, all.length));
  using types = new TypeCheck(process.cwd());
  const picked: Mutant[] = [];
  for (const mutant of shuffled(all, Number(values.seed))) {
    if (picked.length >= Number(values.sample)) break;
    if (types.accepts(mutant, sources.get(mutant.file) ?? '')) picked.push(mutant);
  }
  log(
    `${sources.size} files, ${all.length} mutants; of those that the compiler accepts, ${picked.length}`,
  );
  return picked.toSorted((a, b) => a.id - b.id);
}

function shuffled(mutants: readonly Mutant[], seed: number): readonly Mutant[] {
  const random = new Random(seed);
  const keyed = mutants.map((mutant) => ({ mutant, key: random.next() }));
  return keyed.toSorted((a, b) => a.key - b.key).map(({ mutant }) => mutant);
}

function log(line: string): void {
  console.log(`${Math.round((performance.now() - begun) / 1000)} s: ${line}`);
}
