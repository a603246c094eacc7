/** Weights that are stored in fewer bits, when a file is converted: which are, and how. */
import { elementCount, type Shape } from '../tensor.ts';
import { float32ToFloat16, LARGEST_FLOAT16 } from './float_formats.ts';

/** What weights are stored as: half as large as f32, or a quarter. */
export type NarrowType = 'f16' | 'int8';

/** For messages. */
export const NARROW_TYPES = 'f16 or int8';

export function isNarrowType(type: unknown): type is NarrowType {
  return type === 'f16' || type === 'int8';
}

/** Which tensors become that, for messages. */
export const NARROW_TENSORS: Readonly<Record<NarrowType, string>> = {
  f16: 'of more than one axis within the range of f16',
  int8: 'of convolutions or linear layers',
};

/** A file in which weights are stored in fewer bits. */
export interface ConvertedFile {
  /** The whole file. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The names of those tensors that were converted; all others are as they were. */
  readonly converted: readonly string[];
}

/** The smallest normal f16. Below, it has fewer digits the smaller a value is. */
const LEAST_FLOAT16 = 2 ** -14;
const LARGEST_INT8 = 127;

/**
 * A tensor as f16, or undefined where it had better stay as it is: one of a single axis (biases, means and variances,
 * scales of norms), which takes next to nothing and is added to or multiplied with everything, and one whose largest
 * value is not in f16's range.
 */
export function narrowed(shape: Shape, values: Float32Array): Uint16Array | undefined {
  const largest = largestOf(values, 0, values.length);
  const fits = largest >= LEAST_FLOAT16 && largest <= LARGEST_FLOAT16;
  return fits && isLarge(shape) ? float32ToFloat16(values) : undefined;
}

/** Whether a tensor is more than a vector. */
function isLarge(shape: Shape): boolean {
  return shape.filter((extent) => extent > 1).length > 1;
}

/** Integers that stand for floats, which are these times the scale of their place along an axis. */
export interface Quantized {
  readonly integers: Int8Array;
  readonly scales: Float32Array;
}

/**
 * A tensor as int8, symmetric: the largest value of each place along the axis is 127 or -127. Undefined where there are
 * values that are not finite.
 */
export function quantized(shape: Shape, values: Float32Array, axis: number): Quantized | undefined {
  const scales = new Float32Array(shape[axis] ?? 1);
  const inner = elementCount(shape.slice(axis + 1));
  const stride = inner * scales.length;
  for (let i = 0; i < scales.length; i++) {
    let largest = 0;
    for (let begin = i * inner; begin < values.length; begin += stride) {
      largest = Math.max(largest, largestOf(values, begin, begin + inner));
    }
    if (!Number.isFinite(largest)) return undefined;
    scales[i] = largest / LARGEST_INT8;
    // Of nothing but zeros, or nearly so.
    if (scales[i] === 0) scales[i] = 1;
  }
  const integers = new Int8Array(values.length);
  for (let begin = 0, row = 0; begin < values.length; begin += inner, row++) {
    const scale = scales[row % scales.length] ?? 1;
    for (let i = begin; i < begin + inner; i++) {
      const nearest = Math.round((values[i] ?? 0) / scale);
      integers[i] = Math.max(-LARGEST_INT8, Math.min(nearest, LARGEST_INT8));
    }
  }
  return { integers, scales };
}

/** The largest magnitude of some values; NaN where one is. */
function largestOf(values: Float32Array, begin: number, end: number): number {
  let largest = 0;
  for (let i = begin; i < end; i++) largest = Math.max(largest, Math.abs(values[i] ?? 0));
  return largest;
}
