/**
 * The head of a safetensors file: 8 bytes with the header's length (u64, little-endian), then the
 * header in JSON, `{"NAME": {"dtype": "F16", "shape": [1, 16], "data_offsets": [BEGIN, END]}, ...}`.
 * https://github.com/huggingface/safetensors#format
 *
 * A file is untrusted input: every rule of the format is checked here, so that nothing a header says
 * can cause a read out of bounds or an outsized allocation later on.
 */
import { isObject } from '../arguments.ts';
import { MOST_HEADER_BYTES } from '../bounds.ts';
import type { WeightError } from '../errors.ts';
import { areIntegers, elementCount, formatShape, type Shape } from '../tensor.ts';
import { clipped, quoted } from './messages.ts';
import type { TensorInfo } from './weight_source.ts';

const LENGTH_BYTES = 8;
/** Holds free text about the file instead of a tensor. */
const METADATA_KEY = '__metadata__';

/** Types say how many bits an element has: `F32`, `BF16`, `F8_E4M3FNUZ`, `F6_E2M3`; but for `BOOL`, which has 8. */
const DTYPE = /^(?:BOOL|(?:[FIUC]|BF)(\d+)(?:_E\d+M\d+\w*)?)$/;

/** A tensor in the file. Its bytes are counted from the start of the data, which follows the header. */
export interface TensorEntry extends TensorInfo {
  readonly begin: number;
  readonly end: number;
}

export interface SafetensorsHeader {
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  /** Where the data starts in the file. */
  readonly dataStart: number;
}

/** Makes the error that a check throws, from what is wrong. */
type Fault = (what: string, options?: ErrorOptions) => WeightError;

/** Reads and checks the header of a whole file in memory. Throws WeightErrors made by `fault`. */
export function readHeader(bytes: Uint8Array, fault: Fault): SafetensorsHeader {
  const dataStart = LENGTH_BYTES + headerLength(bytes, fault);
  const dataBytes = bytes.length - dataStart;
  const json = decodeUtf8(bytes.subarray(LENGTH_BYTES, dataStart), fault);
  const tensors = new Map<string, TensorEntry>();
  for (const [name, value] of Object.entries(parseObject(json, fault))) {
    if (name === METADATA_KEY) continue;
    const tensorFault: Fault = (what) => fault(`tensor ${quoted(name)}: ${what}`);
    tensors.set(name, parseEntry(value, dataBytes, tensorFault));
  }
  requireFullCover(tensors, dataBytes, fault);
  return { tensors, dataStart };
}

function headerLength(bytes: Uint8Array, fault: Fault): number {
  const rest = bytes.length - LENGTH_BYTES;
  const claimed =
    rest < 0 ? LENGTH_BYTES : new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  if (claimed <= Math.min(rest, MOST_HEADER_BYTES)) return Number(claimed);
  throw fault(
    `the header takes ${claimed} bytes, the file has ${bytes.length}, at most ${MOST_HEADER_BYTES} are read; it is truncated or not a safetensors file`,
  );
}

function decodeUtf8(bytes: Uint8Array, fault: Fault): string {
  try {
    // A byte order mark is kept, so that it is refused: the format wants `{` first.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw fault('the header is not valid UTF-8', { cause });
  }
}

/** A name that stands there twice is the last one: what the first one named is a hole then. */
function parseObject(json: string, fault: Fault): object {
  if (!json.startsWith('{')) {
    throw fault(`the header must be a JSON object, it starts with ${quoted(json)}`);
  }
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw fault(`the header is not JSON: ${cause}`, { cause });
  }
}

function parseEntry(value: unknown, dataBytes: number, fault: Fault): TensorEntry {
  if (!isRecord(value)) {
    throw fault(`expected {dtype, shape, data_offsets}, got ${shown(value)}`);
  }
  const { dtype, bits } = parseDtype(value.dtype, fault);
  const shape = parseShape(value.shape, fault);
  const [begin, end] = parseOffsets(value.data_offsets, dataBytes, fault);
  // Floats will do: a product that is rounded is larger than any file.
  const expected = (elementCount(shape) * bits) / 8;
  if (expected !== end - begin) {
    const what = `${dtype} ${clipped(formatShape(shape))}`;
    throw fault(`${what} takes ${expected} bytes, data_offsets give it ${end - begin}`);
  }
  return { dtype, shape, begin, end };
}

function parseDtype(dtype: unknown, fault: Fault): { dtype: string; bits: number } {
  const match = DTYPE.exec(typeof dtype === 'string' ? dtype : '');
  if (!match) throw fault(`expected a dtype such as F32, BF16 or U8, got ${shown(dtype)}`);
  const [name, bits = 8] = match;
  return { dtype: name, bits: Number(bits) };
}

function parseShape(shape: unknown, fault: Fault): Shape {
  if (!areIntegers(shape, 0)) {
    throw fault(`expected a shape of non-negative integers below 2^53, got ${shown(shape)}`);
  }
  return shape;
}

function parseOffsets(
  offsets: unknown,
  dataBytes: number,
  fault: Fault,
): readonly [begin: number, end: number] {
  const [begin, end, ...rest] = areIntegers(offsets, 0) ? offsets : [];
  if (begin === undefined || end === undefined || rest.length > 0) {
    throw fault(`expected data_offsets [begin, end] below 2^53, got ${shown(offsets)}`);
  }
  if (begin > end || end > dataBytes) {
    throw fault(
      `data_offsets [${begin}, ${end}] are no part of the file's ${dataBytes} bytes of data; it is truncated or damaged`,
    );
  }
  return [begin, end];
}

/** Throws unless the tensors fill the data from its first byte to its last, each byte once. */
function requireFullCover(
  tensors: ReadonlyMap<string, TensorEntry>,
  dataBytes: number,
  fault: Fault,
): void {
  let covered = 0;
  const expectAt = (what: string, byte: number): void => {
    if (byte === covered) return;
    throw fault(
      `${what} at byte ${byte} of the data, expected ${covered}; the format allows neither holes nor overlaps`,
    );
  };
  for (const [name, { begin, end }] of inFileOrder(tensors)) {
    expectAt(`tensor ${quoted(name)} begins`, begin);
    covered = end;
  }
  expectAt('the file ends', dataBytes);
}

/** Empty tensors stand before the tensor that starts at the same byte. */
function inFileOrder(tensors: ReadonlyMap<string, TensorEntry>): readonly [string, TensorEntry][] {
  return [...tensors].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return isObject(value) && !Array.isArray(value);
}

/** A part of the header, for messages. */
function shown(value: unknown): string {
  try {
    return clipped(JSON.stringify(value) ?? 'nothing');
  } catch {
    // JSON.stringify recurses, and a hostile header can nest deeper than the stack.
    return 'a value that is nested too deeply';
  }
}
