import { type Named, shapeError } from '../runtime/operator.ts';

/** Throws ShapeError where an attribute is no number, NaN or infinite. */
export function checkFinite(call: Named, name: string, value: number): void {
  if (!Number.isFinite(value)) throw shapeError(call, `${name} must be finite, got ${value}`);
}

/** Throws ShapeError where an attribute is none of the words that it may be: callers in JavaScript have no types. */
export function checkChoices<A extends object>(
  call: Named & { readonly attributes: A },
  choices: { readonly [K in keyof A]?: readonly A[K][] },
): void {
  for (const name of Object.keys(choices) as (keyof A & string)[]) {
    const words = choices[name] ?? [];
    const value = call.attributes[name];
    if (words.includes(value)) continue;
    throw shapeError(call, `${name} must be one of ${words.join(', ')}, got ${String(value)}`);
  }
}
