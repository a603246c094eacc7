import { type Named, shapeError } from '../runtime/operator.ts';

/** Indices beyond it are no f32. */
const MOST_ELEMENTS = 2 ** 24;

/** Throws ShapeError where indices of so many elements are not exact as numbers. */
export function checkIndices(call: Named, count: number): void {
  if (count <= MOST_ELEMENTS) return;
  throw shapeError(
    call,
    `indices of ${count} elements are not exact; at most ${MOST_ELEMENTS} are, so give fewer at once`,
  );
}
