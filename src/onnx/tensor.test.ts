import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import {
  TensorProto_DataType,
  TensorProtoSchema,
} from '../../test/fixtures/onnx_schema/onnx_pb.ts';
import { type Constant, constantOf } from './tensor.ts';

type Init = MessageInitShape<typeof TensorProtoSchema>;
type TypeName = keyof typeof TensorProto_DataType;

const VALUES = [0, 1, -2];
/** 0, 1, -2 as float16 and bfloat16. */
const HALVES = [0, 0x3c00, 0xc000];
const BRAINS = [0, 0x3f80, 0xc000];

function constant(init: Init): Constant {
  return constantOf(create(TensorProtoSchema, init), 'w', undefined);
}

function read(type: TypeName, init: Init, dims = [3n]): readonly number[] {
  return [...constant({ dims, dataType: TensorProto_DataType[type], ...init }).numbers()];
}

/** The bytes of an array, behind one that keeps them from being aligned. */
function raw({ buffer }: { readonly buffer: ArrayBuffer }): Init {
  const shifted = new Uint8Array(buffer.byteLength + 1);
  shifted.set(new Uint8Array(buffer), 1);
  return { rawData: shifted.subarray(1) };
}

describe('constantOf', () => {
  it.each<[TypeName, Init, readonly number[]]>([
    ['FLOAT', raw(Float32Array.from(VALUES)), VALUES],
    ['DOUBLE', raw(Float64Array.from(VALUES)), VALUES],
    ['FLOAT16', raw(Uint16Array.from(HALVES)), VALUES],
    ['BFLOAT16', raw(Uint16Array.from(BRAINS)), VALUES],
    ['INT8', raw(Int8Array.from(VALUES)), VALUES],
    ['INT16', raw(Int16Array.from(VALUES)), VALUES],
    ['INT32', raw(Int32Array.from(VALUES)), VALUES],
    ['INT64', raw(BigInt64Array.from(VALUES, BigInt)), VALUES],
    ['UINT8', raw(Uint8Array.of(0, 1, 254)), [0, 1, 254]],
    ['UINT16', raw(Uint16Array.of(0, 1, 65534)), [0, 1, 65534]],
    ['UINT32', raw(Uint32Array.of(0, 1, 2 ** 32 - 2)), [0, 1, 2 ** 32 - 2]],
    ['UINT64', raw(BigUint64Array.of(0n, 1n, 2n)), [0, 1, 2]],
    ['BOOL', raw(Uint8Array.of(0, 1, 1)), [0, 1, 1]],
  ])('reads %s as raw bytes', (type, init, expected) => {
    expect(read(type, init)).toEqual(expected);
  });

  it.each<[TypeName, Init]>([
    ['FLOAT', { floatData: VALUES }],
    ['DOUBLE', { doubleData: VALUES }],
    ['FLOAT16', { int32Data: HALVES }],
    ['BFLOAT16', { int32Data: BRAINS }],
    ['INT8', { int32Data: VALUES }],
    ['INT16', { int32Data: VALUES }],
    ['INT32', { int32Data: VALUES }],
    ['INT64', { int64Data: VALUES.map(BigInt) }],
  ])('reads %s in the list of its type', (type, init) => {
    expect(read(type, init)).toEqual(VALUES);
  });

  it.each<[TypeName, Init]>([
    ['UINT8', { int32Data: [0, 1, 2] }],
    ['UINT16', { int32Data: [0, 1, 2] }],
    ['UINT32', { uint64Data: [0n, 1n, 2n] }],
    ['UINT64', { uint64Data: [0n, 1n, 2n] }],
  ])('reads %s, which has no sign, in the list of its type', (type, init) => {
    expect(read(type, init)).toEqual([0, 1, 2]);
  });

  it('refuses data that is longer or shorter than the shape says', () => {
    expect(() => read('FLOAT', { floatData: VALUES }, [2n, 2n])).toThrow(
      'tensor "w": [2, 2] has 4 elements, 3 are stored',
    );
    expect(() => read('FLOAT16', raw(Float32Array.of(1)))).toThrow(/has 3 elements, 2 are stored/);
  });

  it('refuses strings, and types that nobody knows', () => {
    expect(() => read('STRING', {})).toThrow('tensor "w": STRING is not read; expected numbers');
    expect(() => constant({ dims: [1n], dataType: 99 })).toThrow(/type 99 is not read/);
  });
});
