/** How far a device's result is from the CPU's. */
import { type DType, positionOf, type Shape } from '../runtime/tensor.ts';

export interface Deviation {
  /** The largest difference, as a share of the largest expected value. */
  readonly error: number;
  /** Where that is: an index for each axis of the output. */
  readonly index: Shape;
  readonly expected: number;
  readonly actual: number;
  readonly ok: boolean;
}

/**
 * What sums of thousands of terms may lose in f32, as a share of the largest result: rounding errors of
 * 2^-24 each add up like a random walk, to 4e-6 for the 4608 terms of ResNet's longest; a kernel that
 * reads one wrong element is off by far more than this.
 */
const F32_TOLERANCE = 1e-4;

/**
 * What is stored as f16 is rounded to 11 bits once, at the end, to either neighbour, as WGSL has it: by less than
 * 2^-10 of it.
 */
const TOLERANCES: Readonly<Record<DType, number>> = {
  f32: F32_TOLERANCE,
  f16: F32_TOLERANCE + 2 ** -10,
};

/**
 * Compares the result of one layer with the reference, both row-major, of this shape. `precision` is f16 where the
 * layer reads or writes tensors that are stored so.
 */
export function deviation(
  expected: Float64Array,
  actual: Float32Array,
  shape: Shape,
  precision: DType = 'f32',
): Deviation {
  let largest = Number.MIN_VALUE;
  let worst = -1;
  let at = 0;
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs((expected[i] ?? 0) - (actual[i] ?? Number.NaN));
    largest = Math.max(largest, Math.abs(expected[i] ?? 0));
    // NaN compares with nothing, and is the worst of all.
    if (difference > worst || Number.isNaN(difference)) {
      worst = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
      at = i;
    }
  }
  const error = worst / largest;
  return {
    error,
    index: positionOf(at, shape),
    expected: expected[at] ?? Number.NaN,
    actual: actual[at] ?? Number.NaN,
    ok: error <= TOLERANCES[precision],
  };
}
