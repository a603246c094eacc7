/** The types of elements in ONNX: which there are here, and what numbers they can hold. */
import { BFLOAT16, FLOAT16, narrowed } from '../../shaders/lib/narrow_floats.ts';
import { DataType as Type } from './schema/enums.ts';

/** The types of elements that are read, by the names of the ONNX format. */
export type ElementType =
  | 'float32'
  | 'float16'
  | 'bfloat16'
  | 'double'
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'uint8'
  | 'uint16'
  | 'uint32'
  | 'uint64'
  | 'bool';

const BY_NUMBER: ReadonlyMap<number, ElementType> = new Map<number, ElementType>([
  [Type.FLOAT, 'float32'],
  [Type.FLOAT16, 'float16'],
  [Type.BFLOAT16, 'bfloat16'],
  [Type.DOUBLE, 'double'],
  [Type.INT8, 'int8'],
  [Type.INT16, 'int16'],
  [Type.INT32, 'int32'],
  [Type.INT64, 'int64'],
  [Type.UINT8, 'uint8'],
  [Type.UINT16, 'uint16'],
  [Type.UINT32, 'uint32'],
  [Type.UINT64, 'uint64'],
  [Type.BOOL, 'bool'],
]);

/** The type that a file means; undefined of those that are not read, as strings and floats of 8 bits. */
export function elementTypeOf(dataType: number): ElementType | undefined {
  return BY_NUMBER.get(dataType);
}

export function isElementType(type: unknown): type is ElementType {
  return [...BY_NUMBER.values()].some((known) => known === type);
}

/** `FLOAT16` */
export function typeName(dataType: number): string {
  const found = Object.entries(Type).find(([, value]) => value === dataType);
  return found?.[0] ?? `type ${dataType}`;
}

export function isFloat(type: ElementType): boolean {
  return type === 'double' || type.includes('float');
}

/** Not floats, nor truth values. */
export function isInteger(type: ElementType): boolean {
  return type.includes('int');
}

export function bitsOf(type: ElementType): number {
  if (type === 'bool') return 1;
  return type === 'double' ? 64 : Number(type.replace(/^\D+/, ''));
}

/** The least and the most that an integer type holds; of 64 bits, the nearest numbers that are here. */
export function rangeOf(type: ElementType): readonly [number, number] {
  const bits = bitsOf(type);
  return type.startsWith('int') ? [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] : [0, 2 ** bits - 1];
}

/**
 * What a type makes of the result of an operation in f64: floats are rounded to the nearest, ties to even; integers
 * lose their fraction and wrap around. Integers beyond 2^53, as exporters write for the end of a slice, are as near as
 * f64 has them.
 */
export function roundingOf(type: ElementType): (x: number) => number {
  switch (type) {
    case 'double':
      return (x) => x;
    case 'float32':
      return Math.fround;
    case 'float16':
      return (x) => narrowed(x, FLOAT16);
    case 'bfloat16':
      return (x) => narrowed(x, BFLOAT16);
    case 'bool':
      return (x) => Number(x !== 0);
    default:
      return wrapping(type);
  }
}

/**
 * What Cast makes of an element: floats lose their fraction on their way to integers, and those that do not fit, of
 * which ONNX says nothing, become the nearest that does, not-a-number 0; integers lose their upper bits.
 */
export function castingTo(type: ElementType, from: ElementType): (x: number) => number {
  if (!isInteger(type) || !isFloat(from)) return roundingOf(type);
  const [least, most] = rangeOf(type);
  return (x) => (Number.isNaN(x) ? 0 : Math.min(Math.max(Math.trunc(x), least), most));
}

function wrapping(type: ElementType): (x: number) => number {
  const [least, most] = rangeOf(type);
  const count = 2 ** bitsOf(type);
  return (x) => {
    // + 0, since integers have no -0.
    const whole = Math.trunc(x) + 0;
    if (whole >= least && whole <= most) return whole;
    if (!Number.isFinite(whole)) return 0;
    return whole - Math.floor((whole - least) / count) * count;
  };
}
