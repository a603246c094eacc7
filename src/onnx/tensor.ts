/** Tensors of ONNX files: constants, read when they are needed. */

import { elementCount, type Shape } from '../runtime/tensor.ts';
import {
  bfloat16ToFloat32,
  float16Table,
  float16ToFloat32,
} from '../runtime/weights/float_formats.ts';
import { OnnxError, shownName } from './errors.ts';
import { externalBytes, type ReadExternal } from './external_data.ts';
import {
  type TensorProto,
  TensorProto_DataLocation,
  TensorProto_DataType,
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

/** A constant of numbers that are here already. */
export function constant(
  name: string,
  shape: Shape,
  values: readonly number[] | Float32Array | Float64Array,
  float: boolean,
): Constant {
  return { name, shape, float, numbers: () => Float64Array.from(values) };
}

/** Bytes of an element, for types that are read. */
const BYTES: ReadonlyMap<number, number> = new Map([
  [TensorProto_DataType.FLOAT, 4],
  [TensorProto_DataType.UINT8, 1],
  [TensorProto_DataType.INT8, 1],
  [TensorProto_DataType.UINT16, 2],
  [TensorProto_DataType.INT16, 2],
  [TensorProto_DataType.INT32, 4],
  [TensorProto_DataType.INT64, 8],
  [TensorProto_DataType.BOOL, 1],
  [TensorProto_DataType.FLOAT16, 2],
  [TensorProto_DataType.DOUBLE, 8],
  [TensorProto_DataType.UINT32, 4],
  [TensorProto_DataType.UINT64, 8],
  [TensorProto_DataType.BFLOAT16, 2],
]);

const FLOATS: ReadonlySet<number> = new Set([
  TensorProto_DataType.FLOAT,
  TensorProto_DataType.FLOAT16,
  TensorProto_DataType.BFLOAT16,
  TensorProto_DataType.DOUBLE,
]);

export function isFloat(dataType: number): boolean {
  return FLOATS.has(dataType);
}

/** `FLOAT16` */
export function typeName(dataType: number): string {
  const found = Object.entries(TensorProto_DataType).find(([, value]) => value === dataType);
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
  const who = `tensor ${shownName(name)}`;
  const shape = shapeOf(tensor.dims, who);
  const size = BYTES.get(tensor.dataType);
  if (size === undefined) {
    throw new OnnxError(`${who}: ${typeName(tensor.dataType)} is not read; expected numbers`);
  }
  const count = elementCount(shape);
  if (tensor.segment) throw new OnnxError(`${who}: is stored in segments, which are not read`);
  const external = tensor.dataLocation === TensorProto_DataLocation.EXTERNAL;
  const raw = external
    ? externalBytes(tensor.externalData, count * size, who, readExternal)
    : tensor.rawData;
  const typed = typedData(tensor);
  const stored = raw.length > 0 || external ? raw.length / size : typed.length;
  if (stored !== count) {
    throw new OnnxError(
      `${who}: [${shape.join(', ')}] has ${count} elements, ${stored} are stored`,
    );
  }
  const float = isFloat(tensor.dataType);
  const numbers = () =>
    raw.length > 0 ? fromRaw(raw, tensor.dataType) : fromTyped(typed, tensor.dataType);
  return { name, shape, float, numbers };
}

export function shapeOf(dims: readonly bigint[], who: string): Shape {
  const shape = dims.map(Number);
  const valid = shape.every((extent) => Number.isSafeInteger(extent) && extent >= 0);
  if (!valid || shape.length > MOST_AXES || elementCount(shape) > MOST_ELEMENTS) {
    const shown = dims.slice(0, MOST_AXES).join(', ');
    throw new OnnxError(
      `${who}: expected at most ${MOST_AXES} extents of at most ${MOST_ELEMENTS} elements, got [${shown}]`,
    );
  }
  return shape;
}

type Typed = readonly number[] | readonly bigint[];

/** Where the format puts elements of this type, unless they are raw bytes. */
function typedData(tensor: TensorProto): Typed {
  switch (tensor.dataType) {
    case TensorProto_DataType.FLOAT:
      return tensor.floatData;
    case TensorProto_DataType.DOUBLE:
      return tensor.doubleData;
    case TensorProto_DataType.INT64:
      return tensor.int64Data;
    case TensorProto_DataType.UINT32:
    case TensorProto_DataType.UINT64:
      return tensor.uint64Data;
    default:
      return tensor.int32Data;
  }
}

function fromTyped(values: Typed, dataType: number): Float32Array | Float64Array {
  switch (dataType) {
    case TensorProto_DataType.FLOAT:
      return Float32Array.from(values, Number);
    case TensorProto_DataType.FLOAT16:
      return float16ToFloat32(Uint16Array.from(values, Number), float16Table());
    case TensorProto_DataType.BFLOAT16:
      return bfloat16ToFloat32(Uint16Array.from(values, Number));
    default:
      return Float64Array.from(values, Number);
  }
}

/** The file is little-endian, as every machine with WebGPU; its bytes may start at any address. */
function fromRaw(bytes: Uint8Array, dataType: number): Float32Array | Float64Array {
  const { buffer } = Uint8Array.from(bytes);
  switch (dataType) {
    case TensorProto_DataType.FLOAT:
      return new Float32Array(buffer);
    case TensorProto_DataType.FLOAT16:
      return float16ToFloat32(new Uint16Array(buffer), float16Table());
    case TensorProto_DataType.BFLOAT16:
      return bfloat16ToFloat32(new Uint16Array(buffer));
    case TensorProto_DataType.DOUBLE:
      return new Float64Array(buffer);
    case TensorProto_DataType.INT8:
      return Float64Array.from(new Int8Array(buffer));
    case TensorProto_DataType.INT16:
      return Float64Array.from(new Int16Array(buffer));
    case TensorProto_DataType.INT32:
      return Float64Array.from(new Int32Array(buffer));
    case TensorProto_DataType.INT64:
      return Float64Array.from(new BigInt64Array(buffer), Number);
    case TensorProto_DataType.UINT16:
      return Float64Array.from(new Uint16Array(buffer));
    case TensorProto_DataType.UINT32:
      return Float64Array.from(new Uint32Array(buffer));
    case TensorProto_DataType.UINT64:
      return Float64Array.from(new BigUint64Array(buffer), Number);
    default:
      return Float64Array.from(new Uint8Array(buffer));
  }
}
