/** Tensors of ONNX files: constants, read when they are needed. */

import { elementCount, formatShape, type Shape } from '../runtime/tensor.ts';
import {
  bfloat16ToFloat32,
  float16Table,
  float16ToFloat32,
} from '../runtime/weights/float_formats.ts';
import { quoted } from '../runtime/weights/messages.ts';
import { demandSound } from './errors.ts';
import { externalBytes, type ReadExternal } from './external_data.ts';
import {
  type TensorProto,
  TensorProto_DataLocation,
  TensorProto_DataType as Type,
} from './schema/onnx_pb.ts';

/** A constant. Its data is made anew at every call. */
export interface Constant {
  readonly name: string;
  /** Extents may be 0, as of a region of interest that is not given. */
  readonly shape: Shape;
  /** Whether the numbers are floats; integers are used for shapes. */
  readonly float: boolean;
  numbers(): Float32Array | Float64Array;
}

/** A constant of numbers that are here already, without a name. */
export function constant(
  shape: Shape,
  values: readonly number[] | Float64Array,
  float: boolean,
): Constant {
  return { name: '', shape, float, numbers: () => Float64Array.from(values) };
}

/** Elements as they are stored. */
type Stored = ArrayLike<number> | ArrayLike<bigint>;

/** A type that is read: its elements as raw bytes, or in a list of the message. */
interface Format {
  readonly raw: {
    readonly BYTES_PER_ELEMENT: number;
    new (buffer: ArrayBuffer): Stored;
  };
  readonly list: 'floatData' | 'doubleData' | 'int32Data' | 'int64Data' | 'uint64Data';
  /** What floats are made of; integers are taken as they are. */
  readonly float?: (stored: Stored) => Float32Array | Float64Array;
}

const FORMATS: ReadonlyMap<number, Format> = new Map<number, Format>([
  [Type.FLOAT, { raw: Float32Array, list: 'floatData', float: floatsOf }],
  [Type.DOUBLE, { raw: Float64Array, list: 'doubleData', float: numbersOf }],
  [
    Type.FLOAT16,
    {
      raw: Uint16Array,
      list: 'int32Data',
      float: (x) => float16ToFloat32(bitsOf(x), float16Table()),
    },
  ],
  [
    Type.BFLOAT16,
    { raw: Uint16Array, list: 'int32Data', float: (x) => bfloat16ToFloat32(bitsOf(x)) },
  ],
  [Type.BOOL, { raw: Uint8Array, list: 'int32Data' }],
  [Type.UINT8, { raw: Uint8Array, list: 'int32Data' }],
  [Type.INT8, { raw: Int8Array, list: 'int32Data' }],
  [Type.UINT16, { raw: Uint16Array, list: 'int32Data' }],
  [Type.INT16, { raw: Int16Array, list: 'int32Data' }],
  [Type.INT32, { raw: Int32Array, list: 'int32Data' }],
  [Type.UINT32, { raw: Uint32Array, list: 'uint64Data' }],
  [Type.INT64, { raw: BigInt64Array, list: 'int64Data' }],
  [Type.UINT64, { raw: BigUint64Array, list: 'uint64Data' }],
]);

function floatsOf(stored: Stored): Float32Array {
  if (stored instanceof Float32Array) return stored;
  return Float32Array.from<number | bigint>(stored, Number);
}

function numbersOf(stored: Stored): Float64Array {
  if (stored instanceof Float64Array) return stored;
  return Float64Array.from<number | bigint>(stored, Number);
}

function bitsOf(stored: Stored): Uint16Array {
  return Uint16Array.from<number | bigint>(stored, Number);
}

export function isFloat(dataType: number): boolean {
  return FORMATS.get(dataType)?.float !== undefined;
}

/** `FLOAT16` */
export function typeName(dataType: number): string {
  const found = Object.entries(Type).find(([, value]) => value === dataType);
  return found?.[0] ?? `type ${dataType}`;
}

/** Rank and elements of the largest tensor that is read. */
const MOST_AXES = 16;
const MOST_ELEMENTS = 2 ** 31;

/** Throws OnnxError where the tensor's data is not as long as its shape says. */
export function constantOf(
  tensor: TensorProto,
  name: string,
  readExternal: ReadExternal | undefined,
): Constant {
  const who = `tensor ${quoted(name)}`;
  const shape = shapeOf(tensor.dims, who);
  const format = FORMATS.get(tensor.dataType);
  demandSound(format, `${who}: ${typeName(tensor.dataType)} is not read; expected numbers`);
  demandSound(!tensor.segment, `${who}: is stored in segments, which are not read`);
  const count = elementCount(shape);
  const size = format.raw.BYTES_PER_ELEMENT;
  const external = tensor.dataLocation === TensorProto_DataLocation.EXTERNAL;
  const raw = external
    ? externalBytes(tensor.externalData, count * size, who, readExternal)
    : tensor.rawData;
  const list = tensor[format.list];
  const stored = raw.length > 0 || external ? raw.length / size : list.length;
  const shown = `${formatShape(shape)} has ${count} elements, ${stored} are stored`;
  demandSound(stored === count, `${who}: ${shown}`);
  const { float = numbersOf } = format;
  return {
    name,
    shape,
    float: isFloat(tensor.dataType),
    // The file is little-endian, as every machine with WebGPU; its bytes may start at any address.
    numbers: () => float(raw.length > 0 ? new format.raw(Uint8Array.from(raw).buffer) : list),
  };
}

function shapeOf(dims: readonly bigint[], who: string): Shape {
  const shape = dims.map(Number);
  const valid = shape.every((extent) => Number.isSafeInteger(extent) && extent >= 0);
  const small = shape.length <= MOST_AXES && elementCount(shape) <= MOST_ELEMENTS;
  const shown = dims.slice(0, MOST_AXES).join(', ');
  demandSound(
    valid && small,
    `${who}: expected at most ${MOST_AXES} extents of at most ${MOST_ELEMENTS} elements, got [${shown}]`,
  );
  return shape;
}
