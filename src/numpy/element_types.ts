/**
 * The types of elements in NumPy's files, as `numpy.dtype.str` names them: the order of bytes, a letter for the kind,
 * bytes an element. `<f4` is a little-endian float of 4 bytes, `|u1` a byte.
 * https://numpy.org/doc/stable/reference/arrays.interface.html
 */
import { float16Table } from '../runtime/weights/float_formats.ts';
import { quoted } from '../runtime/weights/messages.ts';
import { demandSound, NumpyError } from './array.ts';

/** An element as it is stored. Integers of 64 bits are told exactly. */
type Read = (view: DataView, at: number) => number | bigint;

export interface ElementType {
  readonly bytes: number;
  /** Of integers and truth values: they are indices, counts and masks, which rounding would turn into others. */
  readonly exact: boolean;
  /** Whether elements are stored as they are held: every machine with WebGPU is little-endian. */
  readonly plain: boolean;
  readonly read: Read;
}

/** Without the order of bytes. */
const TYPES: Readonly<Record<string, (little: boolean) => Read>> = {
  b1: () => (view, at) => Number(view.getUint8(at) !== 0),
  i1: () => (view, at) => view.getInt8(at),
  u1: () => (view, at) => view.getUint8(at),
  i2: (little) => (view, at) => view.getInt16(at, little),
  u2: (little) => (view, at) => view.getUint16(at, little),
  i4: (little) => (view, at) => view.getInt32(at, little),
  u4: (little) => (view, at) => view.getUint32(at, little),
  i8: (little) => (view, at) => view.getBigInt64(at, little),
  u8: (little) => (view, at) => view.getBigUint64(at, little),
  f2(little) {
    const values = float16Table();
    return (view, at) => values[view.getUint16(at, little)] ?? Number.NaN;
  },
  f4: (little) => (view, at) => view.getFloat32(at, little),
  f8: (little) => (view, at) => view.getFloat64(at, little),
};

/** What `descr` in a header says. Throws NumpyError for what is neither a number nor a truth value. */
export function elementTypeOf(descr: string, who: string): ElementType {
  const [, order, kind = ''] = /^([<>=|])([a-zA-Z]\d+)$/.exec(descr) ?? [];
  const reader = Object.hasOwn(TYPES, kind) ? TYPES[kind] : undefined;
  const known = 'bool, int8 to int64, uint8 to uint64 and float16 to float64 are read';
  const remedy = 'save it as array.astype("float32")';
  demandSound(reader, `${who}: its elements are ${quoted(descr)}; ${known}; ${remedy}`);
  const little = order !== '>';
  const bytes = Number(kind.slice(1));
  const plain = little && kind === 'f4';
  return { bytes, exact: !kind.startsWith('f'), plain, read: reader(little) };
}

/**
 * An element in f32: a float is rounded, an integer must be exact. Throws NumpyError for what f32 does not hold. The
 * message is not made before it is needed: arrays have millions of elements.
 */
export function toFloat32(
  type: ElementType,
  element: number | bigint,
  index: number,
  who: string,
): number {
  const rounded = Math.fround(Number(element));
  if (!isHeld(type, element, rounded)) {
    const limit = type.exact ? 'integers beyond 2^24 are rounded' : 'its largest is 3.4e38';
    throw new NumpyError(
      `${who}: element ${index} is ${element}, which f32 does not hold: ${limit}`,
    );
  }
  return rounded;
}

function isHeld({ exact }: ElementType, element: number | bigint, rounded: number): boolean {
  if (typeof element === 'bigint') return BigInt(rounded) === element;
  // Of floats, what was finite stays finite.
  return exact ? rounded === element : Number.isFinite(rounded) || !Number.isFinite(element);
}
