/** Attributes of ONNX nodes, as plain values. */
import { AttributeType } from './schema/enums.ts';
import type { AttributeProto, Written } from './schema/fields.ts';

/** ONNX tells integers from floats by type, so that the writer must say which it means. */
export type Attribute =
  | { readonly float: number }
  | { readonly int: number | boolean }
  | { readonly ints: readonly number[] }
  | { readonly string: string }
  | { readonly bytes: Uint8Array };

export type Attributes = Readonly<Record<string, Attribute>>;

export function attributeProto(name: string, attribute: Attribute): Written<AttributeProto> {
  if ('float' in attribute) {
    return { name, type: AttributeType.FLOAT, f: attribute.float };
  }
  if ('int' in attribute) {
    return { name, type: AttributeType.INT, i: BigInt(attribute.int) };
  }
  if ('ints' in attribute) {
    return { name, type: AttributeType.INTS, ints: attribute.ints.map(BigInt) };
  }
  const s = 'bytes' in attribute ? attribute.bytes : new TextEncoder().encode(attribute.string);
  return { name, type: AttributeType.STRING, s };
}
