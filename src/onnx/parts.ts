/** Messages in parts, which go into another message as they are: what of them is not known is kept. */
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

/** A field of a message. */
export interface Part {
  readonly number: number;
  /** As it stands in the message, its number before it. */
  readonly bytes: Uint8Array;
  /** What a message, a text or bytes hold. */
  readonly content: Uint8Array | undefined;
}

/** The fields of a message that was decoded before, in order. */
export function partsOf(message: Uint8Array): readonly Part[] {
  const reader = new BinaryReader(message);
  const parts: Part[] = [];
  while (reader.pos < reader.len) {
    const begin = reader.pos;
    const [number, type] = reader.tag();
    let content: Uint8Array | undefined;
    if (type === WireType.LengthDelimited) content = reader.bytes();
    else reader.skip(type, number);
    parts.push({ number, bytes: message.subarray(begin, reader.pos), content });
  }
  return parts;
}

/** A message as a field of another, in pieces. */
export function asField(number: number, pieces: readonly Uint8Array[]): readonly Uint8Array[] {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  return [
    new BinaryWriter().tag(number, WireType.LengthDelimited).uint32(length).finish(),
    ...pieces,
  ];
}

export function joined(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
