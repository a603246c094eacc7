/**
 * Bytes to a ModelProto. A file is untrusted: what it would take in memory is found by walking its fields
 * first, which allocates nothing, so that a small file cannot unfold into a large one.
 */
import { type DescMessage, fromBinary, ScalarType } from '@bufbuild/protobuf';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { MOST_LISTED, MOST_NESTED, MOST_PARTS } from './bounds.ts';
import { demandSound, OnnxError } from './errors.ts';
import { type ModelProto, ModelProtoSchema } from './schema/onnx_pb.ts';

/** Throws OnnxError for what is no protobuf of a model, or unfolds beyond all measure. */
export function decodeModel(bytes: Uint8Array): ModelProto {
  try {
    new Survey().message(ModelProtoSchema, bytes, 0);
    return fromBinary(ModelProtoSchema, bytes, { readUnknownFields: false });
  } catch (cause) {
    if (cause instanceof OnnxError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new OnnxError(`is damaged or no ONNX file (${reason})`, { cause });
  }
}

/** Counts what decoding would allocate. */
class Survey {
  #messages = 0;
  #listed = 0;

  message(type: DescMessage, bytes: Uint8Array, depth: number): void {
    this.#messages += 1;
    demandUsual(depth <= MOST_NESTED, `nests messages deeper than ${MOST_NESTED}`);
    demandUsual(this.#messages <= MOST_PARTS, `has more than ${MOST_PARTS} parts`);
    const fields = new Map(type.fields.map((field) => [field.number, field]));
    const reader = new BinaryReader(bytes);
    while (reader.pos < reader.len) {
      const [number, wireType] = reader.tag();
      const field = fields.get(number);
      if (!field || wireType !== WireType.LengthDelimited) {
        if (field?.fieldKind === 'list') this.#list(1);
        reader.skip(wireType, number);
        continue;
      }
      const content = reader.bytes();
      if (field.message) this.message(field.message, content, depth + 1);
      else if (field.fieldKind === 'list') {
        // Packed numbers take a byte each at least; packed floats always four, and no more than that later.
        const fixed = field.listKind === 'scalar' && field.scalar === ScalarType.FLOAT;
        const strings = field.listKind === 'scalar' && field.scalar === ScalarType.STRING;
        this.#list(strings ? 1 : fixed ? 0 : countVarints(content));
      }
    }
  }

  #list(count: number): void {
    this.#listed += count;
    demandUsual(this.#listed <= MOST_LISTED, `lists more than ${MOST_LISTED} numbers`);
  }
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
