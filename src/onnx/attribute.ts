/** Attributes of ONNX nodes, as plain values. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import { AttributeProto_AttributeType, type AttributeProtoSchema } from './schema/onnx_pb.ts';

/** ONNX tells integers from floats by type, so that the writer must say which it means. */
export type Attribute =
  | { readonly float: number }
  | { readonly int: number | boolean }
  | { readonly ints: readonly number[] }
  | { readonly string: string };

export type Attributes = Readonly<Record<string, Attribute>>;

export function attributeProto(
  name: string,
  attribute: Attribute,
): MessageInitShape<typeof AttributeProtoSchema> {
  if ('float' in attribute) {
    return { name, type: AttributeProto_AttributeType.FLOAT, f: attribute.float };
  }
  if ('int' in attribute) {
    return { name, type: AttributeProto_AttributeType.INT, i: BigInt(attribute.int) };
  }
  if ('ints' in attribute) {
    return { name, type: AttributeProto_AttributeType.INTS, ints: attribute.ints.map(BigInt) };
  }
  const s = new TextEncoder().encode(attribute.string);
  return { name, type: AttributeProto_AttributeType.STRING, s };
}
