/**
 * A .npy file: `\x93NUMPY`, the version in two bytes, the header's length (u16, u32 from version 2 on, little-endian),
 * the header, a literal of Python such as `{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }`, then the
 * elements. https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 *
 * A file is untrusted input: what its header says is checked before anything is allocated.
 */
import { checkBytes } from '../runtime/arguments.ts';
import { checkKinds } from '../runtime/kinds.ts';
import { elementCount, formatShape, type Shape } from '../runtime/tensor.ts';
import { quoted } from '../runtime/weights/messages.ts';
import { demandSound, type NumpyArray } from './array.ts';
import { type ElementType, elementTypeOf, toFloat32 } from './element_types.ts';

const MAGIC = '\x93NUMPY';
const VERSION_AT = MAGIC.length;
const LENGTH_AT = VERSION_AT + 2;
/** Those of NumPy: bytes of a header that it reads without being told to, and axes of an array. */
const MOST_HEADER_BYTES = 10_000;
const MOST_AXES = 64;
/**
 * A gibibyte in f32, more than the buffers of a device hold: an element may take a byte in the file, and none in a
 * ZIP.
 */
export const MOST_ELEMENTS: number = 2 ** 28;
/** What NumPy pads a header to, so that elements can be mapped into memory. */
const ALIGNMENT = 64;

interface Header {
  readonly type: ElementType;
  /** Whether the first axis is the one whose elements lie side by side. */
  readonly fortran: boolean;
  readonly shape: Shape;
}

/**
 * Reads a .npy file, in f32: of floats of 2, 4 and 8 bytes, integers of up to 8, and truth values, in either order of
 * bytes and of axes. `name` is for messages.
 *
 * @param bytes - The file.
 * @param name - What messages call it.
 * @throws NumpyError for a file that is broken or holds something else, for more than 2^28 elements, and for a number
 *   that f32 does not hold.
 *
 * @example
 * const { shape, data } = readNpy(writeNpy({ shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) }));
 */
export function readNpy(bytes: Uint8Array, name = 'array.npy'): NumpyArray {
  checkBytes('readNpy', bytes);
  checkKinds('readNpy', { name });
  return readArray(bytes, `NumPy file ${quoted(name)}`);
}

/** The same, of an array that messages call `who`, of so many elements at most. */
export function readArray(
  bytes: Uint8Array,
  who: string,
  most: number = MOST_ELEMENTS,
): NumpyArray {
  const { text, end } = headerOf(bytes, who);
  const { type, fortran, shape } = parseHeader(text, who);
  const count = elementCount(shape);
  const expected = count * type.bytes;
  const got = bytes.length - end;
  const shown = `${formatShape(shape)} takes ${expected} bytes, ${got} are there`;
  demandSound(expected === got, `${who}: ${shown}; it is damaged, or was cut off`);
  demandSound(count <= most, `${who}: has ${count} elements; at most ${most} are read of a file`);
  const data = elements(bytes.subarray(end), type, who);
  return { shape, data: fortran ? rowMajor(data, shape) : data };
}

function elements(bytes: Uint8Array, type: ElementType, who: string): Float32Array {
  // Copied, since they may begin at any address.
  if (type.plain) return new Float32Array(new Uint8Array(bytes).buffer);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const data = new Float32Array(bytes.length / type.bytes);
  for (let i = 0; i < data.length; i++) {
    data[i] = toFloat32(type, type.read(view, i * type.bytes), i, who);
  }
  return data;
}

/** The text of the header, and where it ends. */
function headerOf(bytes: Uint8Array, who: string) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = decoded(bytes.subarray(0, MAGIC.length));
  const isNpy = magic === MAGIC && bytes.length >= LENGTH_AT + 4;
  demandSound(
    isNpy,
    `${who}: expected what numpy.save wrote, got a file that begins ${quoted(magic)}`,
  );
  const version = view.getUint8(VERSION_AT);
  demandSound(version >= 1 && version <= 3, `${who}: is of version ${version}; 1 to 3 are read`);
  const [length, begin] =
    version === 1
      ? [view.getUint16(LENGTH_AT, true), LENGTH_AT + 2]
      : [view.getUint32(LENGTH_AT, true), LENGTH_AT + 4];
  const end = begin + length;
  const fits = length <= MOST_HEADER_BYTES && end <= bytes.length;
  const most = `at most ${MOST_HEADER_BYTES} bytes, within the file`;
  demandSound(fits, `${who}: expected a header of ${most}, got ${length} bytes`);
  return { text: decoded(bytes.subarray(begin, end)), end };
}

/** In Latin-1. Headers of version 3 are UTF-8, but names of fields alone need that, and fields are not read. */
function decoded(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

function parseHeader(text: string, who: string): Header {
  const valueAt = (key: string) =>
    new RegExp(`['"]${key}['"]\\s*:\\s*([^\\s].*)`, 's').exec(text)?.[1] ?? '';
  const descr = valueAt('descr');
  const [, fortran] = /^(True|False)\b/.exec(valueAt('fortran_order')) ?? [];
  const [, extents] = /^\(([\d\sL,]*)\)/.exec(valueAt('shape')) ?? [];
  const sound = descr !== '' && fortran !== undefined && extents !== undefined;
  demandSound(sound, `${who}: its header says no type, order and shape: ${quoted(text.trim())}`);
  const [, type] = /^['"]([^'"]*)['"]/.exec(descr) ?? [];
  demandSound(type !== undefined, `${who}: has fields; save each of them as an array of its own`);
  const shape = shapeOf(extents, who);
  return { type: elementTypeOf(type, who), fortran: fortran === 'True', shape };
}

/** `2, 3`, `2,`, or nothing. Python 2 wrote `2L`. */
function shapeOf(extents: string, who: string): Shape {
  const written = extents.split(',').map((extent) => extent.trim());
  const shape = (written.at(-1) === '' ? written.slice(0, -1) : written).map((extent) =>
    /^\d+L?$/.test(extent) ? Number.parseInt(extent, 10) : Number.NaN,
  );
  const sound =
    shape.length <= MOST_AXES &&
    shape.every(Number.isSafeInteger) &&
    Number.isSafeInteger(shape.reduce((count, extent) => count * Math.max(extent, 1), 1) * 8);
  demandSound(sound, `${who}: its header says the shape ${quoted(`(${extents})`)}`);
  return shape;
}

/** The same array with the last axis side by side, in place of the first. */
function rowMajor(data: Float32Array, shape: Shape): Float32Array {
  const strides = shape.map((_, axis) => elementCount(shape.slice(0, axis)));
  const index = shape.map(() => 0);
  const ordered = new Float32Array(data.length);
  let from = 0;
  for (let i = 0; i < ordered.length; i++) {
    ordered[i] = data[from] ?? 0;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const [extent = 1, stride = 0, at = 0] = [shape[axis], strides[axis], index[axis]];
      from += stride;
      index[axis] = at + 1;
      if (at + 1 < extent) break;
      from -= extent * stride;
      index[axis] = 0;
    }
  }
  return ordered;
}

/**
 * Writes a .npy file of little-endian f32.
 *
 * @param array - Row-major.
 * @returns The file.
 * @throws NumpyError where the data is not as long as its shape says.
 *
 * @example
 * const file = writeNpy({ shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) });
 */
export function writeNpy(array: NumpyArray): Uint8Array {
  checkKinds('writeNpy', { array });
  const { shape, data } = array;
  const count = elementCount(shape);
  const shown = `${formatShape(shape)} takes ${count} elements, the data has ${data.length}`;
  demandSound(count === data.length, `writeNpy: ${shown}`);
  const comma = shape.length === 1 ? ',' : '';
  const dict = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(', ')}${comma}), }`;
  const prefix = LENGTH_AT + 2;
  const end = Math.ceil((prefix + dict.length + 1) / ALIGNMENT) * ALIGNMENT;
  const bytes = new Uint8Array(end + data.byteLength);
  const view = new DataView(bytes.buffer);
  bytes.set(encoded(`${MAGIC}\x01\x00`));
  bytes.set(encoded(`${dict.padEnd(end - prefix - 1)}\n`), prefix);
  view.setUint16(LENGTH_AT, end - prefix, true);
  // As they are held: every machine with WebGPU is little-endian.
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), end);
  return bytes;
}

function encoded(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
