/** The type of a value that a caller handed in, as messages show it: `Float64Array`, `Array`, `Undefined`. */
export function typeName(value: unknown): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}
