/** What callers hand in, which may be anything, whatever its type says. */
import { elementCount, formatShape, type Shape } from './tensor.ts';

/** A value under a name that a caller chose; never what all objects inherit, such as `constructor`. */
export function ownValue<T>(
  values: Readonly<Record<string, T>> | undefined,
  name: string,
): T | undefined {
  return values && Object.hasOwn(values, name) ? values[name] : undefined;
}

/** Throws an error of this kind, about `who`, unless the data is what the shape asks for. */
export function checkValues(
  Kind: new (message: string) => Error,
  who: string,
  shape: Shape,
  data: unknown,
): asserts data is Float32Array {
  const count = elementCount(shape);
  if (data instanceof Float32Array && data.length === count) return;
  throw new Kind(
    `${who} must be a Float32Array of ${count} values ${formatShape(shape)}, got ${given(data)}`,
  );
}

/**
 * An argument as messages show it: `Float64Array of 5`, `Promise`, `undefined`. An array of another realm, such as a
 * frame or a context of node:vm, is foreign.
 */
export function given(value: unknown): string {
  const object = Object(value);
  if (value !== object) return String(value);
  const { length, shape = length } = object;
  const foreign = ArrayBuffer.isView(value) && !(value instanceof Object);
  const type = (foreign ? 'foreign ' : '') + Object.prototype.toString.call(value).slice(8, -1);
  return shape === undefined ? type : `${type} of ${shape}`;
}
