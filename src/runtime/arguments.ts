/** What callers hand in, which may be anything, whatever its type says. */
import { TilewiseError } from './errors.ts';
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
  const fits = data instanceof Float32Array && data.length === count;
  checkArgument(fits, who, `a Float32Array of ${count} values ${formatShape(shape)}`, data, Kind);
}

/** Throws an error of this kind, about `who`, where an argument is not what is expected. */
export function checkArgument(
  fits: unknown,
  who: string,
  expected: string,
  value: unknown,
  Kind: new (message: string) => Error = TilewiseError,
): asserts fits {
  if (!fits) throw new Kind(`${who} must be ${expected}, got ${given(value)}`);
}

/** Throws TilewiseError unless options are an object. */
export function checkOptions(who: string, options: unknown): void {
  checkArgument(isObject(options), `${who}: options`, 'an object', options);
}

/** Throws TilewiseError unless `use` of a session or a device is given functions. */
export function checkWork(...works: readonly unknown[]): void {
  for (const work of works) {
    checkArgument(typeof work === 'function', 'use: work or change', 'a function', work);
  }
}

/** Throws TilewiseError unless an option that is given has a member by which such things are known. */
export function checkOption<T>(
  who: string,
  value: T | null | undefined,
  member: keyof T,
  expected: string,
): void {
  checkArgument(value == null || value[member], who, expected, value);
}

/** Throws TilewiseError unless it is what files are read from. */
export function checkBytes(who: string, bytes: unknown): void {
  checkArgument(bytes instanceof Uint8Array, `${who}: bytes`, 'a Uint8Array', bytes);
}

export function isObject(value: unknown): boolean {
  return Object(value) === value;
}

/**
 * An argument as messages show it: `Float64Array of 5`, `Object of x,y`, `Promise`, `undefined`. An array of another
 * realm, such as a frame or a context of node:vm, is foreign.
 */
export function given(value: unknown): string {
  if (!isObject(value)) return String(value);
  const { length, shape = length } = Object(value);
  const foreign = ArrayBuffer.isView(value) && !(value instanceof Object);
  const type = (foreign ? 'foreign ' : '') + Object.prototype.toString.call(value).slice(8, -1);
  const of = shape ?? (type === 'Object' ? Object.keys(Object(value)).slice(0, 4).join() : '');
  return of === '' ? type : `${type} of ${of}`;
}
