/** Values of options that may begin with a name: `mask=mask.npy`, `mask=1,1,64,64`. */
import { UnsupportedError } from '../src/index.ts';

export interface NamedValue {
  readonly name: string | undefined;
  readonly value: string;
}

/**
 * Splits `NAME=VALUE` where NAME is one of those that a model has, the longest that fits. Names may hold an equals
 * sign, and paths may, too: what stands before it is no name where it has a slash. Throws UnsupportedError for a name
 * that the model has not.
 */
export function parseNamed(
  text: string,
  what: 'input' | 'output',
  names: readonly string[],
): NamedValue {
  const [name] = names
    .filter((known) => text.startsWith(`${known}=`))
    .toSorted((a, b) => b.length - a.length);
  if (name !== undefined) return { name, value: text.slice(name.length + 1) };
  const [, unknown] = /^([^=/\\]*)=/.exec(text) ?? [];
  if (unknown === undefined) return { name: undefined, value: text };
  throw new UnsupportedError(
    `the model has no ${what} "${unknown}"; it has ${names.join(', ')}; write ./${text} for a file of that name`,
  );
}
