import { TilewiseError } from '../src/index.ts';

/** Throws TilewiseError, in the name of a function, where an argument is no text. */
export function checkText(who: string, value: unknown): asserts value is string {
  if (typeof value === 'string') return;
  throw new TilewiseError(`${who} must be a string, got ${value === null ? value : typeof value}`);
}
