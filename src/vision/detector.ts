/** From a picture to the things in it: preprocessing, network and the best boxes on the GPU, overlaps on the CPU. */
import type { CreateSessionOptions } from '../create_session.ts';
import type { ModelDef } from '../models/model.ts';
import { checkArgument, isObject, ownValue } from '../runtime/arguments.ts';
import { ShapeError, UnsupportedError } from '../runtime/errors.ts';
import type { Device } from '../runtime/gpu/device.ts';
import { checkKinds } from '../runtime/kinds.ts';
import type { RunOutputs, Session } from '../runtime/session.ts';
import { type Box, firstOfEach } from './boxes.ts';
import { extentOf, type Picture } from './browser_image.ts';
import { cocoLabels } from './coco_labels.ts';
import { boxesIn, type Candidates, type Reading } from './detector_boxes.ts';
import {
  type DetectorFamily,
  type DetectorFamilyName,
  detectorFamilies,
} from './detector_family.ts';
import { buildDetector, DETECTOR_OUTPUTS, type DetectorNetwork } from './detector_graph.ts';
import { checkedLabels, type DomainOptions, preprocessingOf } from './domain.ts';
import { PictureSession } from './picture_session.ts';
import type { Preprocessing } from './preprocessing.ts';

/** What `createSession` takes, and what cannot be told by the model alone. */
export interface DetectorOptions extends CreateSessionOptions, DomainOptions {
  /** How its outputs are to be read; what they look like by default, where that is one thing only. */
  readonly family?: DetectorFamilyName | DetectorFamily;
}

/** What is found, and how `detect` is stopped. */
export interface DetectOptions {
  /** The least score, 0 to 1; 0.25 by default. */
  readonly score?: number;
  /**
   * How far two boxes of a class may overlap, 0 to 1, before the one with the lower score is left out: intersection
   * over union, 0.45 by default, and 1 where the family finds each thing once.
   */
  readonly overlap?: number;
  /** At most as many things; 100 by default. */
  readonly most?: number;
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
   * For a model of `onnxModel` or `graphModel`, or your own, with one output of boxes and scores, or two. Of
   * `preprocessing`, `fit` is not `ink`. Classes are named by `labels`, else by the model's file, else, if there are 80
   * of them, as in COCO.
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
    const asked = familyNamed(who, options.family);
    const prepared = (family?: DetectorFamily) => preparedFor(who, model, options, family);
    const network = buildDetector(model, prepared(asked).size, asked);
    const { graph, family } = network;
    const preprocessing = prepared(family);
    const labels = labelsOf(who, model, network, options.labels);
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
    const outputs = await this.#pictures.run(picture, DETECTOR_OUTPUTS, signal);
    const boxOf = boxesIn(extentOf(picture), candidatesOf(outputs), this.#reading);
    const found = detectionsOf(outputs, score, this.labels, boxOf);
    return firstOfEach(found, overlap, most);
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

function familyNamed(who: string, family: DetectorOptions['family']): DetectorFamily | undefined {
  if (family === undefined) return undefined;
  const known: Readonly<Record<string, DetectorFamily>> = detectorFamilies;
  const found = typeof family === 'string' ? ownValue(known, family) : family;
  const expected = `a DetectorFamily, or one of ${Object.keys(known).join(', ')}`;
  checkArgument(found?.boxes && found.scores, `${who}: options.family`, expected, family);
  return found;
}

/** Throws ShapeError, or UnsupportedError for preprocessing after which the places of things would not be known. */
function preparedFor(
  who: string,
  model: ModelDef,
  { size, preprocessing: own = {} }: DetectorOptions,
  family: DetectorFamily | undefined,
): Preprocessing {
  checkArgument(isObject(own), `${who}: options.preprocessing`, 'an object', own);
  const grey = model.channels === 1;
  const preprocessing: Partial<Preprocessing> = {
    channels: grey ? 'grey' : 'rgb',
    fit: { mode: 'letterbox', padding: GREY },
    mean: grey ? [0] : [0, 0, 0],
    std: grey ? [1] : [1, 1, 1],
    ...family?.preprocessing,
    ...own,
  };
  const prepared = preprocessingOf(who, model, { ...(size && { size }), preprocessing });
  if (prepared.fit.mode !== 'ink') return prepared;
  throw new UnsupportedError(
    `${who}: options.preprocessing.fit must be letterbox, stretch, or of a side, got ink; leave it out for a letterbox`,
  );
}

function labelsOf(
  who: string,
  model: ModelDef,
  { classes }: DetectorNetwork,
  own: DetectorOptions['labels'],
): readonly string[] {
  const counted = { ...model, classes: classes ?? own?.length ?? 0 };
  if (own !== undefined) return checkedLabels(who, counted, own);
  if (model.labels) return model.labels;
  return classes === cocoLabels.length || classes === undefined ? cocoLabels : [];
}

function checkShare(option: 'score' | 'overlap', share: number): void {
  const fits = share >= 0 && share <= 1;
  checkArgument(fits, `Detector.detect: options.${option}`, 'from 0 to 1', share, ShapeError);
}

function candidatesOf(outputs: RunOutputs): Candidates {
  const { boxes = new Float32Array(), anchors = new Float32Array() } = outputs;
  return { boxes, anchors };
}

/** Those of at least this score, which come first. Throws ShapeError where scores are not numbers. */
function detectionsOf(
  { scores = new Float32Array(), classes = new Float32Array() }: RunOutputs,
  least: number,
  labels: readonly string[],
  boxOf: (candidate: number) => Box | undefined,
): readonly Detection[] {
  const found: Detection[] = [];
  for (const [candidate, score] of scores.entries()) {
    if (Number.isNaN(score)) {
      throw new ShapeError(
        'Detector.detect: scores are not numbers; the weights or the input hold NaN or infinity',
      );
    }
    if (score < least) break;
    const box = boxOf(candidate);
    const index = classes[candidate] ?? 0;
    const label = labels[index] ?? String(index);
    if (box) found.push({ class: index, label, score, box });
  }
  return found;
}
