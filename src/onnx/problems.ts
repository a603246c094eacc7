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

/** What is said of a value that is computed, and decides what the graph is. */
export const MUST_BE_KNOWN = 'must be known when the model is loaded';
/** The remedy, where it is an input. */
export const GIVE_ONCE = 'it is an input of the model: give it once, as one of the constants';

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

  /**
   * Throws UnsupportedError that lists them, if there are any, and values that could be outputs instead, or inputs that
   * could be constants.
   */
  refuse(readable: readonly string[] = [], deciding: readonly string[] = []): void {
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
    const said = (what: string) => groups.some(({ reason }) => reason.includes(what));
    if (said(NO_OPERATOR)) {
      lines.push('\nOperators that are missing can be given: option "importers".');
      const names = listed(readable);
      if (names) lines.push(`\nIt can be read up to there: option "outputs", ${names}.`);
    }
    const inputs = listed(deciding);
    if (said(MUST_BE_KNOWN) && !said(GIVE_ONCE) && inputs) {
      lines.push(`\nInputs that decide can be given once: option "constants", of ${inputs}.`);
    }
    demand(
      this.#count === 0,
      `${this.#count} of its parts ${this.#count === 1 ? 'is' : 'are'} not supported:${lines.join('')}`,
    );
  }
}

/** `["boxes", "scores", ...]`; empty where there are none. */
function listed(names: readonly string[]): string {
  const shown = names.slice(0, MOST_NAMED).map(quoted).join(', ');
  return shown && `[${shown}${names.length > MOST_NAMED ? ', ...' : ''}]`;
}

function lineOf({ subject, reason, names, count }: Group): string {
  const rest = count > names.length ? ', ...' : '';
  // A reason may quote the file.
  const short = reason.length > 400 ? `${reason.slice(0, 400)}...` : reason;
  return `\n  ${quoted(subject).slice(1, -1)} (${count}): ${names.join(', ')}${rest}: ${short}`;
}
