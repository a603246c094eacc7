/** How far a device's result is from the CPU's. */

import { ShapeError } from '../runtime/errors.ts';
import { checkKinds } from '../runtime/kinds.ts';
import {
  type DType,
  elementCount,
  formatShape,
  positionOf,
  type Shape,
} from '../runtime/tensor.ts';

/** How far a result is from what was expected. */
export interface Deviation {
  /** The largest difference, as a share of the largest finite value expected. */
  readonly error: number;
  /** Where that is: an index for each axis of the output. */
  readonly index: Shape;
  /** The reference's value there. */
  readonly expected: number;
  /** The device's value there. */
  readonly actual: number;
  /** Whether the error is within what rounding explains. */
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

/** Below this, the type's smallest normal number, WGSL allows a device to put 0 in place of a number. */
const SMALLEST_NORMAL: Readonly<Record<DType, number>> = { f32: 2 ** -126, f16: 2 ** -14 };

/**
 * Compares the result of one layer with the reference, both row-major, of this shape. `precision` is f16 where the
 * layer reads or writes tensors that are stored so. Equal infinities agree, as two NaN do.
 *
 * @param expected - Of the reference.
 * @param actual - Of the device.
 * @param shape - Of both.
 * @param precision - f32 by default.
 * @throws ShapeError where either does not have as many values as the shape.
 *
 * @example
 * const { ok, error } = deviation(Float64Array.of(1, 2), Float32Array.of(1, 2), [2]); // true, 0
 */
export function deviation(
  expected: Float64Array,
  actual: Float32Array,
  shape: Shape,
  precision: DType = 'f32',
): Deviation {
  checkKinds('deviation', { expected, actual, shape, precision });
  checkLength('expected', expected, shape);
  checkLength('actual', actual, shape);
  let largest = Number.MIN_VALUE;
  let worst = -1;
  let at = 0;
  for (let i = 0; i < expected.length; i++) {
    const value = inRange(expected[i] ?? 0);
    const difference = differenceOf(value, actual[i] ?? 0, SMALLEST_NORMAL[precision]);
    if (Number.isFinite(value)) largest = Math.max(largest, Math.abs(value));
    if (difference > worst) {
      worst = difference;
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

function checkLength(what: string, { length }: ArrayLike<number>, shape: Shape): void {
  if (length === elementCount(shape)) return;
  throw new ShapeError(
    `deviation: ${what} must hold ${elementCount(shape)} values ${formatShape(shape)}, got ${length}`,
  );
}

/** The value, or the infinity that it is in f32. */
function inRange(value: number): number {
  const rounded = Math.fround(value);
  return Number.isFinite(rounded) ? value : rounded;
}

/** Infinite where one is NaN and the other is not, and none between numbers that may be 0. */
function differenceOf(expected: number, actual: number, smallestNormal: number): number {
  if (Object.is(expected, actual) || expected === actual) return 0;
  const difference = Math.abs(expected - actual);
  if (Number.isNaN(difference)) return Number.POSITIVE_INFINITY;
  return Math.max(Math.abs(expected), Math.abs(actual)) <= smallestNormal ? 0 : difference;
}
