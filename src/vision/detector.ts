/** From a picture to the things in it: preprocessing, network and the best boxes on the GPU, overlaps on the CPU. */
import type { CreateSessionOptions } from '../create_session.ts';
import type { ModelDef } from '../models/model.ts';
import { checkArgument, isObject } from '../runtime/arguments.ts';
import { ShapeError, UnsupportedError } from '../runtime/errors.ts';
import type { Device } from '../runtime/gpu/device.ts';
import { checkKinds } from '../runtime/kinds.ts';
import type { RunOutputs, Session } from '../runtime/session.ts';
import { type Box, firstOfEach, inPicture } from './boxes.ts';
import { extentOf, type Picture } from './browser_image.ts';
import { cocoLabels } from './coco_labels.ts';
import { boxesIn, type Candidates, type Reading } from './detector_boxes.ts';
import { type DetectorFamily, type DetectorFamilyName, familyOption } from './detector_family.ts';
import { buildDetector, DETECTOR_OUTPUTS } from './detector_graph.ts';
import { checkedLabels, type DomainOptions, preprocessingOf } from './domain.ts';
import { PictureSession } from './picture_session.ts';
import type { Preprocessing } from './preprocessing.ts';

/** What `createSession` takes, and what cannot be told by the model alone. */
export interface DetectorOptions extends CreateSessionOptions, DomainOptions {
  /** How its outputs are to be read; what they look like by default, where that is one thing only. */
  readonly family?: DetectorFamilyName | DetectorFamily | undefined;
  /**
   * How many classes there are, where other numbers follow their scores: coefficients of masks, key points. By default
   * as many as the file names, else all.
   */
  readonly classes?: number | undefined;
}

/** What is found, and how `detect` is stopped. */
export interface DetectOptions {
  /** The least score, 0 to 1; 0.25 by default. */
  readonly score?: number | undefined;
  /**
   * How far two boxes of a class may overlap, 0 to 1, before the one with the lower score is left out: intersection
   * over union, 0.45 by default, and 1 where the family finds each thing once.
   */
  readonly overlap?: number | undefined;
  /** At most as many things; 100 by default. */
  readonly most?: number | undefined;
  /** Stops the run: see `Session.run`. */
  readonly signal?: AbortSignal | undefined;
}

/** Something in a picture. */
export interface Detection {
  /** The index of its class. */
  readonly class: number;
  /** The name of its class, or the index where there are no names. */
  readonly label: string;
  /** From 0 to 1. */
  readonly score: number;
  /** Around it, in pixels of the picture. */
  readonly box: Box;
}

/** What sums in f16 may make of a probability. */
const MOST_SCORE = 1.01;

/** Without normalisation. */
const COLOURS: Pick<Preprocessing, 'channels' | 'mean' | 'std'> = {
  channels: 'rgb',
  mean: [0, 0, 0],
  std: [1, 1, 1],
};

/** What is around a picture in its letterbox, as in the training of the YOLO family. */
const GREY = 114;

/**
 * A model that says what is in a picture, and where: a YOLO, DETR or the like of your own. It owns GPU memory: dispose
 * of it, or declare it with `using`.
 *
 * @example
 * const detect = async (file: Uint8Array, frame: VideoFrame) => {
 *   const model = onnxModel(file); // such as yolov8n.onnx, as Ultralytics exports it
 *   using detector = await Detector.create(device, model, { weights: model.weights });
 *   for (const { label, score, box } of await detector.detect(frame)) console.log(label, score, box.left);
 * };
 */
export class Detector {
  /** Names of the classes in index order; empty where neither the model nor the options name them. */
  readonly labels: readonly string[];
  readonly #pictures: PictureSession;
  readonly #reading: Reading;

  private constructor(pictures: PictureSession, labels: readonly string[], reading: Reading) {
    this.#pictures = pictures;
    this.labels = labels;
    this.#reading = reading;
  }

  /**
   * For a model of `onnxModel` or `graphModel` with one output of boxes and scores, or two, [1, anchors, 4] and [1,
   * anchors, scores]; your own has its only output, or the scores, as `logits`. The detector's session has the best
   * boxes in their place: `scores`, `classes`, `boxes` and `anchors`. Of `preprocessing`, `fit` is not `ink`. Classes
   * are named by `labels`, else by the model's file, else, of 80 scores, as in COCO.
   *
   * @param device - Open.
   * @param model - One that detects things.
   * @param options - The weights at least.
   * @throws UnsupportedError for a model that does not detect things, or whose outputs could be read in several ways.
   * @throws ShapeError for labels or preprocessing that do not fit it.
   * @throws What `createSession` throws.
   *
   * @example
   * const open = (model: ModelDef) => Detector.create(device, model, { weights, family: 'rt-detr' });
   */
  static async create(
    device: Device,
    model: ModelDef,
    options: DetectorOptions,
  ): Promise<Detector> {
    const who = 'Detector.create';
    checkKinds(who, { device, model, options });
    const asked = familyOption(who, options.family);
    const { size } = preparedFor(who, model, options, asked);
    const { classes } = options;
    const counts = classes == null || (Number.isSafeInteger(classes) && classes > 0);
    checkArgument(counts, `${who}: options.classes`, 'a positive integer', classes, ShapeError);
    const network = buildDetector(who, model, {
      size,
      family: asked,
      classes: classes ?? undefined,
    });
    const { graph, family } = network;
    const preprocessing = preparedFor(who, model, options, family);
    const labels = labelsOf(who, model, network.classes, options.labels);
    const pictures = { who: 'detector', graph, preprocessing };
    const session = await PictureSession.create(device, pictures, options);
    return new Detector(session, labels, { family, preprocessing });
  }

  /** The model up to its best boxes, one image at a time. */
  get session(): Session {
    return this.#pictures.session;
  }

  /**
   * The things in a picture, the surest first. Calls may overlap. Of all boxes, the 1000 with the highest scores are
   * looked at.
   *
   * @param picture - Of any size: RGBA with its width and height, or what the browser holds.
   * @param options - How sure, how many, and a signal that stops it.
   * @throws ShapeError for a picture whose data does not fit its size, and for scores that are not numbers.
   * @throws UnsupportedError for one too large for the device.
   * @throws DeviceLostError when the device is lost.
   * @throws The signal's reason when it is aborted.
   *
   * @example
   * const count = async (detector: Detector, frame: VideoFrame) => {
   *   const found = await detector.detect(frame, { score: 0.5 });
   *   return found.filter(({ label }) => label === 'person').length;
   * };
   */
  async detect(picture: Picture, options: DetectOptions = {}): Promise<readonly Detection[]> {
    checkKinds('Detector.detect', { options });
    const { score = 0.25, most = 100, signal } = options;
    const { overlap = this.#reading.family.unique ? 1 : 0.45 } = options;
    checkShare('score', score);
    checkShare('overlap', overlap);
    const counts = Number.isSafeInteger(most) && most > 0;
    checkArgument(counts, 'Detector.detect: options.most', 'a positive integer', most, ShapeError);
    // A frame may be closed, and a video have another size, when the result is there.
    const { width, height } = extentOf(picture);
    const outputs = await this.#pictures.run(picture, DETECTOR_OUTPUTS, signal);
    const boxOf = boxesIn({ width, height }, candidatesOf(outputs), this.#reading);
    const found = firstOfEach(detectionsOf(outputs, score, this.labels, boxOf), overlap);
    const inside = found.flatMap((one) => {
      const box = inPicture(one.box, { width, height });
      return box ? [{ ...one, box }] : [];
    });
    return inside.slice(0, most);
  }

  /** Frees the GPU memory; the device stays. Twice is harmless. */
  dispose(): void {
    this.#pictures.dispose();
  }

  /** What `using` calls: `dispose`. */
  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** Throws ShapeError, or UnsupportedError for preprocessing after which the places of things would not be known. */
function preparedFor(
  who: string,
  model: ModelDef,
  { size, preprocessing: own = {} }: DetectorOptions,
  family: DetectorFamily | undefined,
): Preprocessing {
  checkArgument(isObject(own), `${who}: options.preprocessing`, 'an object', own);
  const preprocessing: Partial<Preprocessing> = {
    fit: { mode: 'letterbox', padding: GREY },
    ...COLOURS,
    ...family?.preprocessing,
    // What a family does to colours has no meaning here.
    ...(model.channels === 1 && { channels: 'grey', mean: [0], std: [1] }),
    ...normalizationOf(model),
    ...own,
  };
  const prepared = preprocessingOf(who, model, { ...(size && { size }), preprocessing });
  if (prepared.fit.mode !== 'ink') return prepared;
  throw new UnsupportedError(
    `${who}: options.preprocessing.fit must be letterbox, stretch, or of a side, got ink; leave it out for a letterbox`,
  );
}

/** Where the file says something of its own: values of 0 to 1 are what families say otherwise of. */
function normalizationOf({ normalization }: ModelDef): Partial<Preprocessing> | undefined {
  const { mean = [], std = [] } = normalization ?? {};
  const isUsual = mean.every((value) => value === 0) && std.every((value) => value === 1);
  return isUsual ? undefined : { rescale: 1 / 255, mean, std };
}

function labelsOf(
  who: string,
  { name, labels }: ModelDef,
  classes: number | undefined,
  own: DetectorOptions['labels'],
): readonly string[] {
  if (own != null) return checkedLabels(who, { name, classes: classes ?? own.length }, own);
  if (labels) return labels;
  return classes === cocoLabels.length ? cocoLabels : [];
}

function checkShare(option: 'score' | 'overlap', share: number): void {
  const fits = typeof share === 'number' && share >= 0 && share <= 1;
  checkArgument(fits, `Detector.detect: options.${option}`, 'from 0 to 1', share, ShapeError);
}

function candidatesOf(outputs: RunOutputs): Candidates {
  const { boxes = new Float32Array(), anchors = new Float32Array() } = outputs;
  return { boxes, anchors };
}

/**
 * Those of at least this score, which come first. Throws ShapeError where scores and classes are none: of another
 * family, that is, or of broken weights.
 */
function detectionsOf(
  { scores = new Float32Array(), classes = new Float32Array() }: RunOutputs,
  least: number,
  labels: readonly string[],
  boxOf: (candidate: number) => Box | undefined,
): readonly Detection[] {
  const found: Detection[] = [];
  for (const [candidate, score] of scores.entries()) {
    if (!(score <= MOST_SCORE)) throw notScores(`a score is ${score}`);
    if (score < least) break;
    const index = classes[candidate] ?? Number.NaN;
    if (!Number.isInteger(index) || index < 0) throw notScores(`a class is ${index}`);
    const box = boxOf(candidate);
    const label = labels[index] ?? String(index);
    if (box) found.push({ class: index, label, score, box });
  }
  return found;
}

function notScores(what: string): ShapeError {
  return new ShapeError(
    `Detector.detect: ${what}; say the family whose outputs they are, or look for NaN in the weights and the input`,
  );
}
