import { MOST_BEST } from '../models/classifier.ts';
import { ShapeError } from '../runtime/errors.ts';
import { checkKinds } from '../runtime/kinds.ts';
import type { RunOutputs } from '../runtime/session.ts';

/** One class that a model considers. */
export interface Classification {
  /** The index in the model's output. */
  readonly class: number;
  /** Its name, or the index where there are no names. */
  readonly label: string;
  /** From 0 to 1. */
  readonly probability: number;
}

/**
 * The `k` most probable classes of one image, the likeliest first, the lower index first among equals; all of them
 * where there are fewer. `values` is one row of a model's `probabilities`.
 *
 * @param values - One row of a model's `probabilities`.
 * @param k - A positive integer.
 * @param labels - Names of the classes, in index order; indices by default.
 * @throws ShapeError when `k` is not a positive integer, labels and values differ in number, or a value is NaN.
 *
 * @example
 * const best = topK(Float32Array.of(0.1, 0.7, 0.2), 2, ['cat', 'dog', 'cow']); // dog, cow
 */
export function topK(
  values: Float32Array,
  k: number,
  labels?: readonly string[],
): readonly Classification[] {
  checkKinds('topK', { values, ...(labels !== undefined && { labels }) });
  checkCount(k);
  if (labels && labels.length !== values.length) {
    throw new ShapeError(`topK: ${labels.length} labels for ${values.length} classes`);
  }
  const bad = values.findIndex(Number.isNaN);
  if (bad >= 0) throw notANumber(bad);
  return Array.from(values, (probability, index) => ({ class: index, probability }))
    .sort((a, b) => b.probability - a.probability || a.class - b.class)
    .slice(0, k)
    .map(({ class: index, probability }) => ({
      class: index,
      label: labels?.[index] ?? String(index),
      probability,
    }));
}

function checkCount(k: number): void {
  if (!Number.isSafeInteger(k) || k < 1) {
    throw new ShapeError(`topK: k is a positive integer, got ${k}`);
  }
}

function notANumber(index: number): ShapeError {
  return new ShapeError(
    `topK: the probability of class ${index} is not a number; the weights or the input hold NaN or infinity`,
  );
}

/** The outputs of a classifying graph: the best few, and all, for callers that want more. */
export const CLASSIFIER_OUTPUTS = ['probabilities', 'best'] as const;

/** Which of them to read back for the `count` best. Throws ShapeError as `topK` does. */
export function outputsFor(count: number): readonly [(typeof CLASSIFIER_OUTPUTS)[number]] {
  checkCount(count);
  return count <= MOST_BEST ? ['best'] : ['probabilities'];
}

/** The `count` most probable classes of one of `images`, as `topK` gives them, from what `outputsFor` names. */
export function bestOf(
  { best, probabilities = new Float32Array() }: RunOutputs,
  image: number,
  count: number,
  labels: readonly string[],
): readonly Classification[] {
  const classes = labels.length;
  if (!best)
    return topK(probabilities.subarray(image * classes, (image + 1) * classes), count, labels);
  const length = 2 * Math.min(MOST_BEST, classes);
  const pairs = best.subarray(image * length, (image + 1) * length);
  return Array.from({ length: Math.min(count, length / 2) }, (_, i) => {
    const [probability = Number.NaN, index = -1] = pairs.subarray(2 * i, 2 * i + 2);
    if (index < 0) throw notANumber(-1 - index);
    return { class: index, label: labels[index] ?? String(index), probability };
  });
}
