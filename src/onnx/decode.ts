/**
 * Bytes to a ModelProto. A file is untrusted: what it would take in memory is found by walking its fields
 * first, which allocates nothing, so that a small file cannot unfold into a large one.
 */
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { MOST_LISTED, MOST_NAME_BYTES, MOST_NESTED, MOST_PARTS } from './bounds.ts';
import { demandSound, OnnxError } from './errors.ts';
import {
  type Field,
  isMessage,
  type MessageName,
  type ModelProto,
  messageFields,
  type Scalar,
} from './schema/fields.ts';
import { WIRE } from './schema/wire.ts';

/** Throws OnnxError for what is no protobuf of a model, or unfolds beyond all measure. */
export function decodeModel(bytes: Uint8Array): ModelProto {
  try {
    new Survey().message('ModelProto', bytes, 0);
    // The type is made of the table by which it is read.
    return new Decoder().message('ModelProto', bytes) as unknown as ModelProto;
  } catch (cause) {
    if (cause instanceof OnnxError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new OnnxError(`is damaged or no ONNX file (${reason})`, { cause });
  }
}

/** The fields of names, which messages repeat. */
const NAMES: ReadonlySet<string> = new Set(['name', 'input', 'output', 'opType', 'domain']);

/** Counts what decoding would allocate. */
class Survey {
  readonly #fields = messageFields();
  #messages = 0;
  #listed = 0;

  message(type: MessageName, bytes: Uint8Array, depth: number): void {
    this.#messages += 1;
    demandUsual(depth <= MOST_NESTED, `nests messages deeper than ${MOST_NESTED}`);
    demandUsual(this.#messages <= MOST_PARTS, `has more than ${MOST_PARTS} parts`);
    const reader = new BinaryReader(bytes);
    while (reader.pos < reader.len) {
      const [number, wireType] = reader.tag();
      const field = this.#fields[type].get(number);
      if (!field || wireType !== WireType.LengthDelimited) {
        if (field?.list) this.#list(1);
        reader.skip(wireType, number);
        continue;
      }
      const content = reader.bytes();
      const usual = !NAMES.has(field.name) || content.length <= MOST_NAME_BYTES;
      demandSound(
        usual,
        `has a name of ${content.length} bytes; at most ${MOST_NAME_BYTES} are read`,
      );
      if (isMessage(field.type)) this.message(field.type, content, depth + 1);
      else if (field.list) this.#list(listedIn(field.type, content));
    }
  }

  #list(count: number): void {
    this.#listed += count;
    demandUsual(this.#listed <= MOST_LISTED, `lists more than ${MOST_LISTED} numbers`);
  }
}

/** Packed numbers take a byte each at least; packed floats always four, and no more than that later. */
function listedIn(type: Scalar, content: Uint8Array): number {
  if (WIRE[type] === WireType.LengthDelimited) return 1;
  return type === 'float' ? 0 : countVarints(content);
}

function demandUsual(usual: boolean, problem: string): void {
  demandSound(usual, `${problem}, far beyond any convnet; store tensors as raw_data`);
}

/** The last byte of each has its highest bit clear. */
function countVarints(bytes: Uint8Array): number {
  let count = 0;
  for (const byte of bytes) if (byte < 0x80) count++;
  return count;
}

/** What a field is that the file leaves out. */
const ABSENT: Readonly<Record<Scalar, unknown>> = {
  int32: 0,
  int64: 0n,
  uint64: 0n,
  float: 0,
  double: 0,
  string: '',
  bytes: new Uint8Array(),
};

type Message = Record<string, unknown>;

interface OneOf {
  readonly case: string | undefined;
  readonly value?: unknown;
}

/** Reads what was surveyed. Fields that are unknown, or not encoded as they must be, are left out. */
class Decoder {
  readonly #fields = messageFields();

  /** A message, or one that began in an earlier part of the file and goes on: fields that come later count. */
  message(type: MessageName, bytes: Uint8Array, message = this.#blank(type)): Message {
    const reader = new BinaryReader(bytes);
    while (reader.pos < reader.len) {
      const [number, wireType] = reader.tag();
      const field = this.#fields[type].get(number);
      if (field && isEncoded(field, wireType)) this.#field(message, field, reader, wireType);
      else reader.skip(wireType, number);
    }
    return message;
  }

  #blank(type: MessageName): Message {
    const message: Message = { $typeName: `onnx.${type}` };
    for (const { name, type: of, list, oneof } of this.#fields[type].values()) {
      if (oneof) message[oneof] = { case: undefined };
      else message[name] = list ? [] : isMessage(of) ? undefined : ABSENT[of];
    }
    return message;
  }

  #field(message: Message, field: Field, reader: BinaryReader, wireType: WireType): void {
    const { name, type, list, oneof } = field;
    const known = message[oneof ?? name];
    if (list) this.#list(known as unknown[], type, reader, wireType);
    else if (oneof) {
      const { case: before, value } = known as OneOf;
      const earlier = before === name ? value : undefined;
      message[oneof] = { case: name, value: this.#value(type, reader, earlier) };
    } else message[name] = this.#value(type, reader, known);
  }

  #list(list: unknown[], type: Field['type'], reader: BinaryReader, wireType: WireType): void {
    if (isMessage(type) || wireType === WIRE[type]) {
      list.push(this.#value(type, reader, undefined));
      return;
    }
    const packed = new BinaryReader(reader.bytes());
    while (packed.pos < packed.len) list.push(this.#value(type, packed, undefined));
  }

  #value(type: Field['type'], reader: BinaryReader, before: unknown): unknown {
    return isMessage(type)
      ? this.message(type, reader.bytes(), before as Message | undefined)
      : reader[type]();
  }
}

/** Whether a field is encoded as its type demands; numbers of a list may also be packed. */
function isEncoded({ type, list }: Field, wireType: WireType): boolean {
  const wire = isMessage(type) ? WireType.LengthDelimited : WIRE[type];
  return wireType === wire || (list && wireType === WireType.LengthDelimited);
}
