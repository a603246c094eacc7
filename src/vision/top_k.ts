import { ShapeError } from '../runtime/errors.ts';

/** One class that a model considers. */
export interface Classification {
  /** The index in the model's output. */
  readonly class: number;
  /** Its name, or the index where there are no names. */
  readonly label: string;
  readonly probability: number;
}

/**
 * The `k` most probable classes of one image, the likeliest first, the lower index first among equals;
 * all of them where there are fewer. `values` is one row of a model's `probabilities`.
 *
 * Throws ShapeError when `k` is no positive integer, labels and values differ in number, or a value is NaN.
 */
export function topK(
  values: Float32Array,
  k: number,
  labels?: readonly string[],
): readonly Classification[] {
  if (!Number.isSafeInteger(k) || k < 1) {
    throw new ShapeError(`topK: k is a positive integer, got ${k}`);
  }
  if (labels && labels.length !== values.length) {
    throw new ShapeError(`topK: ${labels.length} labels for ${values.length} classes`);
  }
  const bad = values.findIndex(Number.isNaN);
  if (bad >= 0) {
    throw new ShapeError(
      `topK: the probability of class ${bad} is not a number; the weights or the input hold NaN or infinity`,
    );
  }
  return Array.from(values, (probability, index) => ({ class: index, probability }))
    .sort((a, b) => b.probability - a.probability || a.class - b.class)
    .slice(0, k)
    .map(({ class: index, probability }) => ({
      class: index,
      label: labels?.[index] ?? String(index),
      probability,
    }));
}
