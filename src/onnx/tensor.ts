/** Tensors of ONNX files: constants, read when they are needed. */
import { elementCount, formatShape, type Shape } from '../runtime/tensor.ts';
import {
  bfloat16ToFloat32,
  float16Table,
  float16ToFloat32,
} from '../runtime/weights/float_formats.ts';
import { quoted } from '../runtime/weights/messages.ts';
import { MOST_AXES, MOST_ELEMENTS } from './bounds.ts';
import { type ElementType, elementTypeOf, typeName } from './element_type.ts';
import { demandSound } from './errors.ts';
import { externalBytes, type ReadExternal } from './external_data.ts';
import { EXTERNAL } from './schema/enums.ts';
import type { TensorProto } from './schema/fields.ts';

/** The elements of a constant, row-major, in the narrower of two types that hold them. Not to be written to. */
export type Numbers = Float32Array | Float64Array;

/** A tensor that is known when the model is loaded. Its data is made when it is asked for, as a rule at every call. */
export interface Constant {
  /** In the file; empty where it was made. */
  readonly name: string;
  /** Extents may be 0, as of a region of interest that is not given. */
  readonly shape: Shape;
  /** What the file calls it. */
  readonly type: ElementType;
  /** Elements that a call of `numbers` computes, in all steps that lead there; 0 by default. */
  readonly work?: number;
  /** Steps that lead there, one in the other; 0 by default. */
  readonly depth?: number;
  /**
   * Its elements.
   *
   * @example
   * const first: Importer = (call) => constant([], [call.known(0, 'x').numbers()[0] ?? 0], 'float32');
   */
  numbers(): Numbers;
}

/** A constant of numbers that are here already, without a name. */
export function constant(shape: Shape, values: Iterable<number>, type: ElementType): Constant {
  const numbers = Float64Array.from(values);
  return { name: '', shape, type, numbers: () => numbers };
}

/** Elements as they are stored. */
type Stored = ArrayLike<number> | ArrayLike<bigint>;

/** How elements of a type are stored: as raw bytes, or in a list of the message. */
interface Format {
  readonly raw: {
    readonly BYTES_PER_ELEMENT: number;
    new (buffer: ArrayBuffer): Stored;
  };
  readonly list: 'floatData' | 'doubleData' | 'int32Data' | 'int64Data' | 'uint64Data';
  readonly numbers: (stored: Stored) => Numbers;
}

const FORMATS: Readonly<Record<ElementType, Format>> = {
  float32: { raw: Float32Array, list: 'floatData', numbers: singles },
  double: { raw: Float64Array, list: 'doubleData', numbers: doubles },
  float16: {
    raw: Uint16Array,
    list: 'int32Data',
    numbers: (stored) => float16ToFloat32(bitPatterns(stored), float16Table()),
  },
  bfloat16: {
    raw: Uint16Array,
    list: 'int32Data',
    numbers: (stored) => bfloat16ToFloat32(bitPatterns(stored)),
  },
  bool: { raw: Uint8Array, list: 'int32Data', numbers: singles },
  uint8: { raw: Uint8Array, list: 'int32Data', numbers: singles },
  int8: { raw: Int8Array, list: 'int32Data', numbers: singles },
  uint16: { raw: Uint16Array, list: 'int32Data', numbers: singles },
  int16: { raw: Int16Array, list: 'int32Data', numbers: singles },
  int32: { raw: Int32Array, list: 'int32Data', numbers: doubles },
  uint32: { raw: Uint32Array, list: 'uint64Data', numbers: doubles },
  int64: { raw: BigInt64Array, list: 'int64Data', numbers: doubles },
  uint64: { raw: BigUint64Array, list: 'uint64Data', numbers: doubles },
};

function singles(stored: Stored): Float32Array {
  if (stored instanceof Float32Array) return stored;
  return Float32Array.from<number | bigint>(stored, Number);
}

function doubles(stored: Stored): Float64Array {
  if (stored instanceof Float64Array) return stored;
  return Float64Array.from<number | bigint>(stored, Number);
}

function bitPatterns(stored: Stored): Uint16Array {
  return Uint16Array.from<number | bigint>(stored, Number);
}

/** Throws OnnxError where the tensor's data is not as long as its shape says. */
export function constantOf(
  tensor: TensorProto,
  name: string,
  readExternal: ReadExternal | undefined,
): Constant {
  const who = `tensor ${quoted(name)}`;
  const shape = shapeOf(tensor.dims, who);
  const type = elementTypeOf(tensor.dataType);
  demandSound(type, `${who}: ${typeName(tensor.dataType)} is not read; expected numbers`);
  const format = FORMATS[type];
  demandSound(!tensor.segment, `${who}: is stored in segments, which are not read`);
  const count = elementCount(shape);
  const size = format.raw.BYTES_PER_ELEMENT;
  const external = tensor.dataLocation === EXTERNAL;
  const raw = external
    ? externalBytes(tensor.externalData, count * size, who, readExternal)
    : tensor.rawData;
  const list = tensor[format.list];
  const stored = raw.length > 0 || external ? raw.length / size : list.length;
  const shown = `${formatShape(shape)} has ${count} elements, ${stored} are stored`;
  demandSound(stored === count, `${who}: ${shown}`);
  return {
    name,
    shape,
    type,
    // The file is little-endian, as every machine with WebGPU; its bytes may start at any address.
    numbers: () =>
      format.numbers(raw.length > 0 ? new format.raw(Uint8Array.from(raw).buffer) : list),
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
