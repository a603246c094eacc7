/** Broadcasting, as NumPy and ONNX do it: shapes aligned at their ends, extents of 1 repeated. */
import { denseStrides, type Shape } from './tensor.ts';

/** The shape of the result; undefined where the shapes do not go together. */
export function broadcastShape(a: Shape, b: Shape): Shape | undefined {
  const rank = Math.max(a.length, b.length);
  const [left, right] = [alignedTo(a, rank), alignedTo(b, rank)];
  const shape = left.map((extent, axis) => (extent === 1 ? (right[axis] ?? 1) : extent));
  const fits = (operand: Shape) =>
    operand.every((extent, axis) => extent === 1 || extent === shape[axis]);
  return fits(left) && fits(right) ? shape : undefined;
}

/** With leading extents of 1. */
export function alignedTo(shape: Shape, rank: number): Shape {
  return [...Array<number>(Math.max(0, rank - shape.length)).fill(1), ...shape];
}

/** Elements from one index to the next along each axis; 0 along those that repeat. */
export function broadcastStrides(shape: Shape): readonly number[] {
  return denseStrides(shape).map((stride, axis) => (shape[axis] === 1 ? 0 : stride));
}
