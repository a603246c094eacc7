/** What of a file is not supported: collected, so that one attempt lists everything, and said in few lines. */
import { quoted } from '../runtime/weights/messages.ts';
import { LONGEST_REFUSAL, MOST_NAMED } from './bounds.ts';
import { demand } from './errors.ts';

interface Group {
  readonly subject: string;
  readonly reason: string;
  readonly names: string[];
  count: number;
}

/** What is said of an operator that nothing reads. */
export const NO_OPERATOR = 'no such operator here';
/** The same where constants could be computed. */
export const NO_OPERATOR_OF_VALUES: string = `${NO_OPERATOR} of computed values`;

export class Problems {
  readonly #groups = new Map<string, Group>();
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** `subject` is the operator, where nodes of it have the same problem. */
  add(subject: string, name: string, reason: string): void {
    this.#count++;
    const key = JSON.stringify([subject, reason]);
    const group = this.#groups.get(key) ?? { subject, reason, names: [], count: 0 };
    this.#groups.set(key, group);
    group.count++;
    if (group.names.length < MOST_NAMED) group.names.push(name);
  }

  /** Throws UnsupportedError that lists them, if there are any, and values that could be outputs instead. */
  refuse(readable: readonly string[] = []): void {
    const lines: string[] = [];
    let length = 0;
    const groups = [...this.#groups.values()].sort((a, b) => b.count - a.count);
    for (const group of groups) {
      const line = lineOf(group);
      length += line.length;
      if (length > LONGEST_REFUSAL) {
        lines.push(`\n  ... and ${groups.length - lines.length} more kinds`);
        break;
      }
      lines.push(line);
    }
    const missing = groups.some(({ reason }) => reason.startsWith(NO_OPERATOR));
    const remedy = missing ? '\nOperators that are missing can be given: option "importers".' : '';
    const names = readable.slice(0, MOST_NAMED).map(quoted).join(', ');
    const rest = readable.length > MOST_NAMED ? ', ...' : '';
    const ending = `\nIt can be read up to there: option "outputs", [${names}${rest}].`;
    const remedies = missing && names ? `${remedy}${ending}` : remedy;
    demand(
      this.#count === 0,
      `${this.#count} of its parts are not supported:${lines.join('')}${remedies}`,
    );
  }
}

function lineOf({ subject, reason, names, count }: Group): string {
  const rest = count > names.length ? ', ...' : '';
  // A reason may quote the file.
  const short = reason.length > 400 ? `${reason.slice(0, 400)}...` : reason;
  return `\n  ${quoted(subject).slice(1, -1)} (${count}): ${names.join(', ')}${rest}: ${short}`;
}
