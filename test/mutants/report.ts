/** What mutation testing found, for a terminal. */
import { formatTable } from '../../terminal/table.ts';
import type { Mutant } from './mutants.ts';
import type { Results } from './trials.ts';

const MOST_CHARACTERS = 70;

/** Scores by file and in all, then each survivor as `file:line: original -> mutant`. */
export function report(
  sources: ReadonlyMap<string, string>,
  mutants: readonly Mutant[],
  results: Results,
): string {
  const rows = [...sources.keys()].map((file) =>
    scores(
      file,
      mutants.filter((mutant) => mutant.file === file),
      results,
    ),
  );
  const head = ['file', 'mutants', 'killed', 'survived', 'not reached', 'score'];
  const survivors = mutants.filter(({ id }) => !results.killed.has(id));
  return [
    formatTable(head, [...rows, scores('all', mutants, results)]),
    '',
    ...survivors.map((mutant) => line(mutant, sources.get(mutant.file) ?? '', results)),
    ...results.unrepeatable.map((test) => `does not pass twice, so that it kills nothing: ${test}`),
  ].join('\n');
}

function scores(
  name: string,
  mutants: readonly Mutant[],
  { killed, reached }: Results,
): readonly (string | number)[] {
  const dead = mutants.filter(({ id }) => killed.has(id)).length;
  const unreached = mutants.filter(({ id }) => !reached.has(id)).length;
  const score = mutants.length === 0 ? '-' : `${((100 * dead) / mutants.length).toFixed(1)} %`;
  return [name, mutants.length, dead, mutants.length - dead, unreached, score];
}

function line({ id, file, line, start, end, text }: Mutant, source: string, { reached }: Results) {
  const change = `${brief(source.slice(start, end))} -> ${brief(text)}`;
  return `${file}:${line}: ${change}${reached.has(id) ? '' : ' (not reached)'}`;
}

function brief(code: string): string {
  const flat = code.replace(/\s+/g, ' ');
  return flat.length > MOST_CHARACTERS ? `${flat.slice(0, MOST_CHARACTERS)}...` : flat;
}
