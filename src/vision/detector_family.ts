/** How detectors say what they found: which numbers are boxes, and which say how sure they are. */
import { checkArgument, isObject, ownValue } from '../runtime/arguments.ts';
import type { Preprocessing } from './preprocessing.ts';

/**
 * What the networks of a family have in common. Each of their anchors has four numbers for a box, and a score for each
 * class: in one output, [1, numbers, anchors] or [1, anchors, numbers], where classes follow the box, or in two, of
 * which one has the boxes, [1, anchors, 4], the other the scores.
 *
 * @example
 * // As Ultralytics exports RT-DETR.
 * const family: DetectorFamily = { ...detectorFamilies['rt-detr'], scores: 'probability' };
 */
export interface DetectorFamily {
  /** What the four numbers are: centre x and y, width and height; or the left, upper, right and lower edge. */
  readonly boxes: 'centre' | 'edges';
  /**
   * In what: pixels of the input; shares of its width and height, 0 to 1; or cells of grids of 8, 16 and 32 pixels, one
   * grid after the other, with each centre counted from its anchor's cell, and sizes as logarithms.
   */
  readonly unit: 'pixel' | 'input' | 'cell';
  /**
   * What the scores are: probabilities of the classes; one that there is anything, then those of the classes, which it
   * is multiplied with; numbers that a sigmoid makes probabilities of; numbers for a softmax, whose last class is
   * nothing; or the highest probability, then the index of its class.
   */
  readonly scores: 'probability' | 'objectness' | 'sigmoid' | 'softmax' | 'highest';
  /** Whether the network finds each thing once, so that no boxes are left out for others around the same thing. */
  readonly unique: boolean;
  /** How pictures are prepared: as by a letterbox, rescaled to 0 .. 1, but for what this says. */
  readonly preprocessing?: Partial<Preprocessing>;
}

/** The families by name. */
export type DetectorFamilyName = 'detr' | 'rt-detr' | 'yolov5' | 'yolov8' | 'yolov10' | 'yolox';

/**
 * What is known of published detectors, as they are usually exported.
 *
 * - `yolov5`: YOLOv5, v6 and v7. `yolov8`: YOLOv8, v9, v11 and v12. `yolov10`: YOLOv10, and others without suppression.
 * - `yolox` (Ge et al., 2021).
 * - `detr` (Carion et al., 2020), `rt-detr` (Zhao et al., 2024) and D-FINE, as transformers exports them.
 *
 * @example
 * const { unique } = detectorFamilies.yolov10; // true
 */
export const detectorFamilies: Readonly<Record<DetectorFamilyName, DetectorFamily>> = {
  detr: {
    boxes: 'centre',
    unit: 'input',
    scores: 'softmax',
    unique: true,
    preprocessing: {
      fit: { mode: 'stretch' },
      mean: [0.485, 0.456, 0.406],
      std: [0.229, 0.224, 0.225],
    },
  },
  'rt-detr': {
    boxes: 'centre',
    unit: 'input',
    scores: 'sigmoid',
    unique: true,
    preprocessing: { fit: { mode: 'stretch' } },
  },
  yolov5: { boxes: 'centre', unit: 'pixel', scores: 'objectness', unique: false },
  yolov8: { boxes: 'centre', unit: 'pixel', scores: 'probability', unique: false },
  yolov10: { boxes: 'edges', unit: 'pixel', scores: 'highest', unique: true },
  yolox: {
    boxes: 'centre',
    unit: 'cell',
    scores: 'objectness',
    unique: false,
    preprocessing: { channels: 'bgr', rescale: 1 },
  },
};

const FIELDS = {
  boxes: ['centre', 'edges'],
  unit: ['pixel', 'input', 'cell'],
  scores: ['probability', 'objectness', 'sigmoid', 'softmax', 'highest'],
  unique: [true, false],
} as const;

/** A family by its name or as it is. Throws TilewiseError, in the name of `who`, for what is none, by its field. */
export function familyOption(
  who: string,
  family: DetectorFamilyName | DetectorFamily | undefined,
): DetectorFamily | undefined {
  if (family == null) return undefined;
  const option = `${who}: options.family`;
  const found = typeof family === 'string' ? ownValue(detectorFamilies, family) : family;
  const names = Object.keys(detectorFamilies).join(', ');
  checkArgument(isObject(found) && found, option, `a DetectorFamily, or one of ${names}`, family);
  for (const field of Object.keys(FIELDS) as (keyof typeof FIELDS)[]) {
    const values: readonly unknown[] = FIELDS[field];
    const fits = values.includes(found[field]);
    checkArgument(fits, `${option}.${field}`, `one of ${values.join(', ')}`, found[field]);
  }
  const { boxes, unit, preprocessing = {} } = found;
  checkArgument(isObject(preprocessing), `${option}.preprocessing`, 'an object', preprocessing);
  checkArgument(unit !== 'cell' || boxes === 'centre', `${option}.boxes`, 'centre in cells', boxes);
  return found;
}

/** Pixels of the cells of the grids, the finest first. */
export const STRIDES = [8, 16, 32] as const;

/** The cells of grids over an input. */
export function cellsOf(
  [height, width]: readonly [number, number],
  strides: readonly number[] = STRIDES,
): number {
  return strides.reduce((sum, n) => sum + Math.ceil(height / n) * Math.ceil(width / n), 0);
}
