/** Messages of the ONNX schema to bytes. (https://protobuf.dev/programming-guides/encoding/) */
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import {
  type Field,
  isMessage,
  type Message,
  type MessageName,
  messageFields,
  type Written,
} from './schema/fields.ts';
import { WIRE } from './schema/wire.ts';

/** What a message holds, without its length. */
export function encoded<Name extends MessageName>(
  type: Name,
  message: Written<Message<Name>>,
): Uint8Array<ArrayBuffer> {
  return new Encoder().message(type, message).finish();
}

interface OneOf {
  readonly case?: string;
  readonly value?: unknown;
}

class Encoder {
  readonly #fields = messageFields();

  message(type: MessageName, message: object, writer = new BinaryWriter()): BinaryWriter {
    const held = new Map<string, unknown>(Object.entries(message));
    for (const [number, field] of this.#fields[type]) {
      const { name, list, oneof } = field;
      if (oneof) {
        const found = held.get(oneof) as OneOf | undefined;
        if (found?.case === name) this.#value(number, field, found.value, writer);
        continue;
      }
      const value = held.get(name);
      if (value === undefined) continue;
      for (const one of list ? (value as readonly unknown[]) : [value]) {
        this.#value(number, field, one, writer);
      }
    }
    return writer;
  }

  #value(number: number, { type }: Field, value: unknown, writer: BinaryWriter): void {
    if (!isMessage(type)) {
      // The type is made of the table by which it is written.
      writer.tag(number, WIRE[type])[type](value as never);
      return;
    }
    writer.tag(number, WireType.LengthDelimited).fork();
    this.message(type, value as object, writer).join();
  }
}
