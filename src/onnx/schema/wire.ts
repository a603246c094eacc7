/** How fields are encoded. Apart from their types, which the public API names. */
import { WireType } from '@bufbuild/protobuf/wire';
import type { Scalar } from './fields.ts';

/** How each scalar is written. */
export const WIRE: Readonly<Record<Scalar, WireType>> = {
  int32: WireType.Varint,
  int64: WireType.Varint,
  uint64: WireType.Varint,
  float: WireType.Bit32,
  double: WireType.Bit64,
  string: WireType.LengthDelimited,
  bytes: WireType.LengthDelimited,
};
