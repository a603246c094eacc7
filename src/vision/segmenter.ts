/** From a picture to the class of each of its pixels. */

import { type CreateSessionOptions, createSession } from '../create_session.ts';
import { sub } from '../layers/arithmetic.ts';
import { concat } from '../layers/concat.ts';
import { resize2d } from '../layers/resize2d.ts';
import { buildModel, type ModelDef } from '../models/model.ts';
import { isObject } from '../runtime/arguments.ts';
import { ShapeError, TilewiseError, UnsupportedError } from '../runtime/errors.ts';
import type { Device } from '../runtime/gpu/device.ts';
import type { Graph, Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import { checkKinds } from '../runtime/kinds.ts';
import type { Session } from '../runtime/session.ts';
import { untilAborted } from '../runtime/until_aborted.ts';
import { extentOf, type Picture } from './browser_image.ts';
import { checkedLabels, type DomainOptions, preprocessingOf } from './domain.ts';
import type { Extent, Preprocessing } from './preprocessing.ts';
import { Preprocessor } from './preprocessor.ts';
import { type PixelClass, pixelClasses, vocClasses } from './voc_classes.ts';

/** Pixels of the shorter side at which torchvision's models were trained and are evaluated. */
const SHORTER_SIDE = 520;

/** The classes of a model that only says where something is. */
const BACKGROUND = 'background';
const FOREGROUND: readonly string[] = ['foreground'];

/** What a byte tells apart. */
const MOST_CLASSES = 256;

/** What `createSession` takes, what replaces the model's domain, and how large pictures are for the network. */
export interface SegmenterOptions
  extends CreateSessionOptions,
    Pick<DomainOptions, 'labels' | 'preprocessing'> {
  /**
   * Pixels of the shorter side of what the network sees; 520 by default, or what `preprocessing` says, or the file, to
   * whose size pictures are stretched. Less is faster and coarser.
   */
  readonly shorterSide?: number;
  /** The size of the pictures to come, so that the first one need not wait for another plan; square by default. */
  readonly picture?: Extent;
}

/** How `segment` is stopped. */
export interface SegmentOptions {
  /** Stops it: it is rejected with the signal's reason at once, and the next picture need not wait for it. */
  readonly signal?: AbortSignal | undefined;
}

/** The class of each pixel of a picture, row-major: an index in `classes`. */
export interface Segmentation extends Extent {
  /** One for each pixel. */
  readonly indices: Uint8Array;
  /** Names and colours, in index order. */
  readonly classes: readonly PixelClass[];
}

/** [height, width] of what the network sees of a picture. */
type Sight = (picture: Extent) => readonly [number, number];

/**
 * A model that says what each pixel of a picture belongs to. Pictures of any size and shape: the network runs
 * at the picture's aspect ratio, and is planned anew where that changes; or at one size, to which pictures are
 * stretched, where `preprocessing` says so. It owns GPU memory: dispose of it, or declare it with `using`.
 *
 * @example
 * const source = await fetchSafetensors('/fcn_resnet50.safetensors');
 * using segmenter = await Segmenter.create(device, fcnResnet50, { weights: source, shorterSide: 256 });
 * const { indices, classes } = await segmenter.segment(picture);
 * console.log(new Set([...indices].map((index) => classes[index]?.label))); // what is in the picture
 */
export class Segmenter {
  /** Names and colours of the classes in index order. */
  readonly classes: readonly PixelClass[];
  readonly #device: Device;
  readonly #sight: Sight;
  readonly #preprocessing: Preprocessing;
  readonly #session: Session;
  #preprocessor: Preprocessor;
  #last: Promise<unknown> = Promise.resolve();
  #disposed = false;

  private constructor(
    device: Device,
    { sight, preprocessing }: Seeing,
    classes: readonly PixelClass[],
    session: Session,
    preprocessor: Preprocessor,
  ) {
    this.#device = device;
    this.#sight = sight;
    this.#preprocessing = preprocessing;
    this.classes = classes;
    this.#session = session;
    this.#preprocessor = preprocessor;
  }

  /**
   * For a built-in model, or one of your own whose logits are a map, with the names of its classes as `labels`. One
   * that gives a single number for each pixel, a probability or a logit, tells what is there from the background. Of
   * `preprocessing`, `fit` may be `stretch`, to its `size`, or `shorter-side`, of which nothing is cut.
   *
   * @param device - Open.
   * @param model - One that segments pictures.
   * @param options - The weights at least.
   * @throws UnsupportedError for a model that does not segment pictures, or whose classes have no names.
   * @throws ShapeError for labels or preprocessing that do not fit it.
   * @throws What `createSession` throws.
   *
   * @example
   * const source = await fetchSafetensors('/fcn_resnet50.safetensors');
   * using segmenter = await Segmenter.create(device, fcnResnet50, { weights: source, shorterSide: 256 });
   */
  static async create(
    device: Device,
    model: ModelDef,
    options: SegmenterOptions,
  ): Promise<Segmenter> {
    checkKinds('Segmenter.create', { device, model, options });
    const { picture = { width: 1, height: 1 } } = options;
    const classes = classesOf(model, options);
    const seeing = seeingOf(model, options);
    const size = seeing.sight(picture);
    const graph = graphOf(model, size);
    const preprocessor = await Preprocessor.create(device, sized(seeing.preprocessing, size));
    try {
      const session = await createSession(device, graph, options);
      return new Segmenter(device, seeing, classes, session, preprocessor);
    } catch (error) {
      preprocessor.dispose();
      throw error;
    }
  }

  /**
   * The class of each pixel, as many as the picture has. Calls run in order.
   *
   * @param picture - Of any size.
   * @param options - A signal that stops it.
   * @throws ShapeError for a picture whose data does not fit its size.
   * @throws UnsupportedError for one too large for the device.
   * @throws The signal's reason when it is aborted.
   *
   * @example
   * const source = await fetchSafetensors('/fcn_resnet50.safetensors');
   * using segmenter = await Segmenter.create(device, fcnResnet50, { weights: source });
   * const { width, indices, classes } = await segmenter.segment(picture);
   * console.log(classes[indices[0] ?? 0]?.label); // of the first pixel
   */
  async segment(picture: Picture, options: SegmentOptions = {}): Promise<Segmentation> {
    checkKinds('Segmenter.segment', { options });
    const result = this.#last.then(() => this.#segment(picture, options.signal));
    this.#last = result.catch(() => {});
    return untilAborted(result, options.signal);
  }

  /** Frees the GPU memory; the device stays. Twice is harmless. */
  dispose(): void {
    this.#disposed = true;
    this.#session.dispose();
    this.#preprocessor.dispose();
  }

  /** What `using` calls: `dispose`. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  async #segment(picture: Picture, signal: AbortSignal | undefined): Promise<Segmentation> {
    this.#checkUsable();
    signal?.throwIfAborted();
    const image = extentOf(picture);
    const [height, width] = this.#sight(image);
    await this.#resize(height, width, signal);
    this.#checkUsable();
    const input = await this.#preprocessor.prepare([picture]);
    const { logits = new Float32Array() } = await this.#session.run(input, { signal });
    const [output] = this.#session.outputs;
    const [, , mapHeight = height, mapWidth = width] = output?.shape ?? [];
    const map = { width: mapWidth, height: mapHeight };
    const indices = enlarged(largestOf(logits, mapWidth * mapHeight), map, image);
    return { width: image.width, height: image.height, indices, classes: this.classes };
  }

  #checkUsable(): void {
    if (this.#disposed) throw new TilewiseError('the segmenter was disposed; create a new one');
  }

  async #resize(height: number, width: number, signal: AbortSignal | undefined): Promise<void> {
    const [input] = this.#session.inputs;
    const [, , sessionHeight, sessionWidth] = input?.shape ?? [];
    if (sessionHeight === height && sessionWidth === width) return;
    const preprocessing = sized(this.#preprocessing, [height, width]);
    const preprocessor = await Preprocessor.create(this.#device, preprocessing);
    try {
      await this.#session.resize({ size: [height, width] }, { signal });
    } catch (error) {
      preprocessor.dispose();
      throw error;
    }
    this.#preprocessor.dispose();
    this.#preprocessor = preprocessor;
    // It may have been disposed of meanwhile.
    if (this.#disposed) this.dispose();
  }
}

/** What is decided of what the network sees. */
interface Seeing {
  readonly sight: Sight;
  /** For any size. */
  readonly preprocessing: Preprocessing;
}

/** Throws UnsupportedError where there are no names, or more than a mask can hold. */
function classesOf(model: ModelDef, { labels }: SegmenterOptions): readonly PixelClass[] {
  const isOne = model.domain === 'masks' && model.classes === 1;
  const known = model.labels?.length === model.classes ? model.labels : isOne && FOREGROUND;
  const own = labels ?? (known || undefined);
  if (own !== undefined) {
    const names = checkedLabels('Segmenter.create', model, own);
    const all = isOne ? [BACKGROUND, ...names] : names;
    if (all.length > 1 && all.length <= MOST_CLASSES) return pixelClasses(all);
    throw new UnsupportedError(
      `model "${model.name}" has ${names.length} classes, of which each pixel gets one: 2 to ${MOST_CLASSES} can be told apart; run it by createSession`,
    );
  }
  if (model.domain === 'voc') return vocClasses;
  const remedy =
    model.domain === 'masks'
      ? 'has no names for its classes; give them as "labels", or use fcn_resnet50'
      : 'does not say what is in each pixel; use fcn_resnet50, or a Classifier';
  throw new UnsupportedError(`model "${model.name}" ${remedy}`);
}

/** Throws ShapeError, or UnsupportedError for preprocessing after which a pixel's place would not be known. */
function seeingOf(model: ModelDef, options: SegmenterOptions): Seeing {
  const { preprocessing: own = {}, shorterSide } = options;
  const given = Object(own) as Partial<Preprocessing>;
  const { size = model.fixedSize ? model.size : undefined, fit = { mode: 'stretch' } } = given;
  const stretch: Preprocessing['fit'] = { mode: 'stretch' };
  const stretched = isObject(own) ? { ...own, fit: stretch } : own;
  const preprocessing = preprocessingOf('Segmenter.create', model, { preprocessing: stretched });
  if (fit?.mode !== 'stretch' && fit?.mode !== 'shorter-side') {
    throw new UnsupportedError(
      `segmenter: preprocessing.fit must be stretch or shorter-side, got ${fit?.mode}; leave it out to see whole pictures`,
    );
  }
  if (shorterSide === undefined && fit.mode === 'stretch' && size) {
    const whole = fit.size ?? size;
    return { sight: () => whole, preprocessing };
  }
  const side = shorterSide ?? (fit.mode === 'stretch' ? SHORTER_SIDE : fit.length);
  if (!Number.isSafeInteger(side) || side < 1) {
    throw new ShapeError(`segmenter: the shorter side is a positive integer, got ${side}`);
  }
  return { sight: (picture) => networkSize(picture, side), preprocessing };
}

function sized(preprocessing: Preprocessing, size: readonly [number, number]): Preprocessing {
  return { ...preprocessing, size };
}

/** With logits as large as the input, between which they are interpolated where the model's map is smaller. */
function graphOf(model: ModelDef, size: readonly [number, number]): Graph {
  const build: ModelDef['build'] = (g, x) => {
    const { logits: made, probabilities } = model.build(g, x);
    const [, classes, ...map] = made.desc.shape;
    if (map.length !== 2) {
      throw new UnsupportedError(
        `model "${model.name}" does not say what is in each pixel; use fcn_resnet50, or a Classifier`,
      );
    }
    const logits = classes === 1 ? besideBackground(g, made, probabilities !== undefined) : made;
    const isWhole = map.every((extent, i) => extent === size[i]);
    return { logits: isWhole ? logits : resize2d(g.at('to_input'), logits, { like: x }) };
  };
  return buildModel({ ...model, build }, { size });
}

/** Two classes of one: what is more probable than not is there. */
function besideBackground(g: GraphBuilder, x: Value, isProbability: boolean): Value {
  const background = sub(g.at('background'), isProbability ? 1 : 0, x);
  return concat(g.at('classes'), [background, x]);
}

/** [height, width] at the picture's aspect ratio, rounded down as by torchvision's `Resize`. */
function networkSize({ width, height }: Extent, shorterSide: number): readonly [number, number] {
  return width <= height
    ? [Math.floor((shorterSide * height) / width), shorterSide]
    : [shorterSide, Math.floor((shorterSide * width) / height)];
}

/** The class with the largest logit for each pixel; the lower one of equals. */
function largestOf(logits: Float32Array, pixels: number): Uint8Array {
  const indices = new Uint8Array(pixels);
  const best = logits.slice(0, pixels);
  for (let c = 1; c < logits.length / pixels; c++) {
    for (let i = 0; i < pixels; i++) {
      const value = logits[c * pixels + i] ?? 0;
      if (value > (best[i] ?? 0)) {
        best[i] = value;
        indices[i] = c;
      }
    }
  }
  return indices;
}

/** Each pixel of the picture gets the class of the pixel of the mask that its centre lies in. */
function enlarged(mask: Uint8Array, from: Extent, to: Extent): Uint8Array {
  const indices = new Uint8Array(to.width * to.height);
  for (let row = 0; row < to.height; row++) {
    const maskRow = Math.floor(((row + 0.5) * from.height) / to.height);
    for (let column = 0; column < to.width; column++) {
      const maskColumn = Math.floor(((column + 0.5) * from.width) / to.width);
      indices[row * to.width + column] = mask[maskRow * from.width + maskColumn] ?? 0;
    }
  }
  return indices;
}
