/**
 * Steps that move data and compute nothing. They are symbolic: a list of steps means the same for a batch of 1 and of
 * 8. A step carries its rules as a node carries its operator, so that a page holds those that its models use.
 */
import { elementCount, formatShape, type Shape, tensorDesc } from '../tensor.ts';
import type { StridedElements } from './strided_elements.ts';

/** Axes count from 0; amounts are in elements. */
export interface Movement {
  /** `transpose`, for people, and to tell steps apart. */
  readonly kind: string;
  /**
   * What becomes of a shape. Throws Error, which names no node, where the step does not fit.
   *
   * @param shape - Before the step.
   * @throws Error, which names no node, where the step does not fit.
   */
  shapeAfter(shape: Shape): Shape;
  /**
   * The f64 reference: element by element, without strides. `to` is the shape after it.
   *
   * @param data - Row-major.
   * @param from - The shape before.
   * @param to - The shape after.
   */
  move(data: Float64Array, from: Shape, to: Shape): Float64Array;
  /**
   * Takes the step in memory, without moving anything; whether that could be done.
   *
   * @param elements - What is known so far, and becomes what is known after the step.
   * @param from - The shape before.
   * @param to - The shape after.
   */
  lower(elements: StridedElements, from: Shape, to: Shape): boolean;
  /**
   * Whether an image of the result, axis 0, may hold what was in another, given that their number stays.
   *
   * @param from - The shape before.
   * @param to - The shape after.
   */
  mixesImages(from: Shape, to: Shape): boolean;
  /** `[0, 2, 3, 1]`: its parameters, for people. */
  describe(): string;
}

const MOST_AXES = 8;
/** Kernels count elements in 32 bits with a sign. */
const MOST_ELEMENTS = 2 ** 31 - 1;

/** The shape of what was moved. Throws Error, which names no node, where a step does not fit. */
export function movedShape(steps: readonly Movement[], shape: Shape): Shape {
  return steps.reduce((from, step) => checked(step.shapeAfter(from)), checked(shape));
}

/**
 * The elements after all steps, row-major as before: what kernels are compared with. Throws Error where a step does
 * not fit the shape, and RangeError where the data does not.
 */
export function moved(steps: readonly Movement[], shape: Shape, data: Float64Array): Float64Array {
  if (data.length !== elementCount(shape)) {
    throw new RangeError(`${formatShape(shape)} does not hold ${data.length} elements`);
  }
  let [from, elements] = [shape, data];
  for (const step of steps) {
    const to = movedShape([step], from);
    elements = step.move(elements, from, to);
    from = to;
  }
  return elements;
}

/** Whether one image of the result, axis 0, may hold what was in another image, or their number changes. */
export function mixesBatch(steps: readonly Movement[], shape: Shape): boolean {
  let from = shape;
  return steps.some((step) => {
    const before = from;
    from = movedShape([step], before);
    return before[0] !== from[0] || step.mixesImages(before, from);
  });
}

/** `transpose [0, 2, 3, 1], reshape [1, -1]` */
export function describeMovement(steps: readonly Movement[]): string {
  return steps.map((step) => `${step.kind} ${step.describe()}`).join(', ') || 'copy';
}

function checked(shape: Shape): Shape {
  demand(shape.length <= MOST_AXES, `${formatShape(shape)} has more than ${MOST_AXES} axes`);
  tensorDesc(shape, 'the result');
  const fits = elementCount(shape) <= MOST_ELEMENTS;
  demand(fits, `${formatShape(shape)} has more than ${MOST_ELEMENTS} elements`);
  return shape;
}

export function demand(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message);
}

/** Positive, as extents are. */
export function isExtent(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0;
}
