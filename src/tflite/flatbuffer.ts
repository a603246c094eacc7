/**
 * FlatBuffers, read in place (https://flatbuffers.dev/internals/). A file is untrusted: every offset is checked against
 * its length, and what all lists together hold is bounded, since many offsets may lead to one table.
 */
import { MOST_LISTED } from '../onnx/bounds.ts';
import { demandSound } from './errors.ts';

/** The bytes of a file, and how much of it may still be listed. */
class Bytes {
  readonly #view: DataView;
  #listed = 0;

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Where what is stored at a position leads. */
  follow(at: number): number {
    return this.within(at + this.number(at, 'uint32'), 4);
  }

  within(at: number, size: number): number {
    const inside = at >= 0 && at + size <= this.#view.byteLength;
    demandSound(inside, 'is damaged: an offset leads out of it');
    return at;
  }

  number(position: number, type: Scalar): number {
    const at = this.within(position, SIZES[type]);
    switch (type) {
      case 'int8':
        return this.#view.getInt8(at);
      case 'uint8':
        return this.#view.getUint8(at);
      case 'uint16':
        return this.#view.getUint16(at, true);
      case 'int32':
        return this.#view.getInt32(at, true);
      case 'uint32':
        return this.#view.getUint32(at, true);
      case 'float32':
        return this.#view.getFloat32(at, true);
      case 'int64':
        return Number(this.#view.getBigInt64(at, true));
      case 'uint64':
        return Number(this.#view.getBigUint64(at, true));
    }
  }

  /** The start of a list's elements, and how many there are. */
  list(at: number, size: number): readonly [start: number, length: number] {
    const length = this.number(at, 'uint32');
    return [this.within(at + 4, length * size), length];
  }

  spend(count: number): void {
    this.#listed += count;
    demandSound(this.#listed <= MOST_LISTED, `lists more than ${MOST_LISTED} parts`);
  }

  slice(start: number, length: number): Uint8Array {
    const { buffer, byteOffset } = this.#view;
    return new Uint8Array(buffer, byteOffset + this.within(start, length), length);
  }
}

const SIZES = {
  int8: 1,
  uint8: 1,
  uint16: 2,
  int32: 4,
  uint32: 4,
  float32: 4,
  int64: 8,
  uint64: 8,
} as const;

type Scalar = keyof typeof SIZES;

/** A table of fields, each known by its index in the schema; one that is left out has its default. */
export class Table {
  readonly #bytes: Bytes;
  readonly #at: number;
  readonly #fields: number;
  readonly #size: number;

  constructor(bytes: Bytes, at: number) {
    this.#bytes = bytes;
    this.#at = at;
    this.#fields = at - bytes.number(at, 'int32');
    this.#size = bytes.number(this.#fields, 'uint16');
  }

  number(field: number, type: Scalar, absent = 0): number {
    const at = this.#find(field);
    return at === undefined ? absent : this.#bytes.number(at, type);
  }

  boolean(field: number): boolean {
    return this.number(field, 'uint8') !== 0;
  }

  string(field: number): string {
    const bytes = this.bytes(field);
    this.#bytes.spend(bytes.length);
    return new TextDecoder().decode(bytes);
  }

  /** A list of bytes, which are not copied. */
  bytes(field: number): Uint8Array {
    const at = this.#find(field);
    if (at === undefined) return new Uint8Array();
    return this.#bytes.slice(...this.#bytes.list(this.#bytes.follow(at), 1));
  }

  table(field: number): Table | undefined {
    const at = this.#find(field);
    return at === undefined ? undefined : new Table(this.#bytes, this.#bytes.follow(at));
  }

  numbers(field: number, type: Scalar): readonly number[] {
    const size = SIZES[type];
    return this.#list(field, size, (at) => this.#bytes.number(at, type));
  }

  tables(field: number): readonly Table[] {
    return this.#list(field, 4, (at) => new Table(this.#bytes, this.#bytes.follow(at)));
  }

  #list<T>(field: number, size: number, read: (at: number) => T): readonly T[] {
    const at = this.#find(field);
    if (at === undefined) return [];
    const [start, length] = this.#bytes.list(this.#bytes.follow(at), size);
    this.#bytes.spend(length);
    return Array.from({ length }, (_, i) => read(start + i * size));
  }

  /** Where a field is stored; undefined of one that is left out. */
  #find(field: number): number | undefined {
    const entry = 4 + 2 * field;
    if (entry + 2 > this.#size) return undefined;
    const offset = this.#bytes.number(this.#fields + entry, 'uint16');
    return offset === 0 ? undefined : this.#at + offset;
  }
}

/** The table that a file is. */
export function rootOf(bytes: Uint8Array): Table {
  const all = new Bytes(bytes);
  return new Table(all, all.follow(0));
}

/** Bytes of a file that stand beside its tables, as those of more than 2 GB do. */
export function bytesAt(bytes: Uint8Array, start: number, length: number): Uint8Array {
  const inside = start >= 0 && length >= 0 && start + length <= bytes.length;
  demandSound(inside, 'is damaged: an offset leads out of it');
  return bytes.subarray(start, start + length);
}
