/** All mutants of a file at once, each with a switch: a process that has loaded the file tries them all. */
import type { Mutant } from './mutants.ts';

declare global {
  /** Whether mutant `id` is switched on; its place in the program was reached. */
  var mutantIsOn: (id: number) => boolean;
}

/** `source`, in which each of its `mutants` (by their place, outer ones first) is there if `mutantIsOn`. */
export function instrument(source: string, mutants: readonly Mutant[]): string {
  return instrumentSpan(source, { start: 0, end: source.length }, mutants);
}

function instrumentSpan(
  source: string,
  { start, end }: Pick<Mutant, 'start' | 'end'>,
  within: readonly Mutant[],
): string {
  let text = '';
  let done = start;
  for (let at = 0; at < within.length; ) {
    const first = within[at] as Mutant;
    const inFirst = within.slice(at).filter((mutant) => mutant.start < first.end);
    const here = inFirst.filter(
      (mutant) => mutant.end === first.end && mutant.start === first.start,
    );
    const deeper = inFirst.slice(here.length);
    text += source.slice(done, first.start);
    text += here.reduce(switched, `${instrumentSpan(source, first, deeper)}`);
    done = first.end;
    at += inFirst.length;
  }
  return text + source.slice(done, end);
}

function switched(original: string, { id, text, kind }: Mutant): string {
  if (kind === 'statement') return `{ if (!mutantIsOn(${id})) { ${original} } }`;
  return `(mutantIsOn(${id}) ? ${text} : (${original}))`;
}
