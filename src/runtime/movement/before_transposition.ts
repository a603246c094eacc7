/** Steps and shapes before a transposition: axis a of what it makes is axis `order[a]` of what it reads. */
import type { Shape } from '../tensor.ts';
import type { Movement } from './movement.ts';
import { Pad, Slice, Transpose } from './primitives.ts';

/** Of what has this shape once it is transposed. */
export function shapeBefore(shape: Shape, order: readonly number[]): Shape {
  return inverse(order).map((axis) => shape[axis] ?? 1);
}

export function inverse(order: readonly number[]): readonly number[] {
  return order.map((_, axis) => order.indexOf(axis));
}

export function isAscending(axes: readonly number[]): boolean {
  return axes.every((axis, i) => i === 0 || axis > (axes[i - 1] ?? 0));
}

interface Before {
  /** To be done before the transposition. */
  readonly steps: readonly Movement[];
  /** Of the transposition that is then left; undefined where some steps can only come after it. */
  readonly order?: readonly number[];
}

/** Steps that come after a transposition, as they are before it. */
export function beforeTransposition(after: readonly Movement[], first: readonly number[]): Before {
  let order = first;
  const steps: Movement[] = [];
  for (const step of after) {
    if (step instanceof Transpose) {
      order = step.order.map((axis) => order[axis] ?? axis);
    } else if (step instanceof Slice) {
      steps.push(new Slice({ ...step, axis: order[step.axis] ?? step.axis }));
    } else if (step instanceof Pad) {
      const { before, after: behind, value } = step;
      const along = (amounts: readonly number[]) =>
        inverse(order).map((axis) => amounts[axis] ?? 0);
      steps.push(new Pad({ before: along(before), after: along(behind), value }));
    } else {
      return { steps };
    }
  }
  return { steps, order };
}
