import type { OpCall } from '../runtime/graph.ts';
import { shapeError } from '../runtime/operator.ts';

/** Throws ShapeError where an attribute is none of the words that it may be: callers in JavaScript have no types. */
export function checkChoices<A extends object>(
  call: OpCall<A, string>,
  choices: { readonly [K in keyof A]?: readonly A[K][] },
): void {
  for (const name of Object.keys(choices) as (keyof A & string)[]) {
    const words = choices[name] ?? [];
    const value = call.attributes[name];
    if (words.includes(value)) continue;
    throw shapeError(call, `${name} must be one of ${words.join(', ')}, got ${String(value)}`);
  }
}
