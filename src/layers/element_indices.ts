import type { OpCall } from '../runtime/graph.ts';
import { inputShape, shapeError } from '../runtime/operator.ts';
import { formatShape } from '../runtime/tensor.ts';

/** Indices beyond it are no f32. */
const MOST_ELEMENTS = 2 ** 24;

/** Throws ShapeError where indices along so many elements of `x` are not exact as numbers. */
export function checkIndices(call: OpCall<object, 'x'>, extent: number): void {
  if (extent < MOST_ELEMENTS) return;
  const shown = formatShape(inputShape(call, 'x'));
  throw shapeError(call, `rows have less than ${MOST_ELEMENTS} elements, got ${shown}`);
}

/** Throws ShapeError where indices of so many elements are not exact as numbers. */
export function checkElements(call: OpCall, count: number): void {
  if (count <= MOST_ELEMENTS) return;
  throw shapeError(
    call,
    `indices of ${count} elements are not exact; at most ${MOST_ELEMENTS} are, so run fewer images at once`,
  );
}
