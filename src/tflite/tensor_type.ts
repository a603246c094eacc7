/** The types of elements in TFLite, and what they are in ONNX. */
import { DataType } from '../onnx/schema/enums.ts';

export interface TensorType {
  /** Its number in ONNX; integers of fewer than 8 bits are stored as those of 8. */
  readonly onnx: number;
  /** Of an element in the file. */
  readonly bits: number;
  readonly signed?: boolean;
}

/** By the numbers of TFLite's schema; what is left out holds no numbers, or complex ones. */
const TYPES: ReadonlyMap<number, TensorType> = new Map([
  [0, { onnx: DataType.FLOAT, bits: 32 }],
  [1, { onnx: DataType.FLOAT16, bits: 16 }],
  [2, { onnx: DataType.INT32, bits: 32 }],
  [3, { onnx: DataType.UINT8, bits: 8 }],
  [4, { onnx: DataType.INT64, bits: 64 }],
  [6, { onnx: DataType.BOOL, bits: 8 }],
  [7, { onnx: DataType.INT16, bits: 16 }],
  [9, { onnx: DataType.INT8, bits: 8 }],
  [10, { onnx: DataType.DOUBLE, bits: 64 }],
  [12, { onnx: DataType.UINT64, bits: 64 }],
  [15, { onnx: DataType.UINT32, bits: 32 }],
  [16, { onnx: DataType.UINT16, bits: 16 }],
  [17, { onnx: DataType.INT8, bits: 4, signed: true }],
  [18, { onnx: DataType.BFLOAT16, bits: 16 }],
  [19, { onnx: DataType.INT8, bits: 2, signed: true }],
  [20, { onnx: DataType.UINT8, bits: 4 }],
]);

export function tensorType(number: number): TensorType | undefined {
  return TYPES.get(number);
}

export function isFloat({ type }: { readonly type: number }): boolean {
  return tensorType(type)?.onnx === DataType.FLOAT;
}

/** Integers of fewer than 8 bits, the first in the lowest bits of a byte, as integers of 8. */
export function unpacked(packed: Uint8Array, count: number, type: TensorType): Uint8Array {
  const { bits, signed } = type;
  const inByte = 8 / bits;
  return Uint8Array.from({ length: count }, (_, i) => {
    const shifted = (packed[Math.floor(i / inByte)] ?? 0) << (8 - bits - (i % inByte) * bits);
    // The sign is the highest bit of a byte, and goes down with the rest.
    return signed ? (shifted << 24) >> (32 - bits) : (shifted & 0xff) >> (8 - bits);
  });
}
