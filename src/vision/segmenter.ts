/** From a picture to the class of each of its pixels. */

import { type CreateSessionOptions, createSession } from '../create_session.ts';
import { buildModel, type ModelDef } from '../models/model.ts';
import { ShapeError, TilewiseError, UnsupportedError } from '../runtime/errors.ts';
import type { Device } from '../runtime/gpu/device.ts';
import { checkKinds } from '../runtime/kinds.ts';
import type { Session } from '../runtime/session.ts';
import { extentOf, type Picture } from './browser_image.ts';
import { type Extent, imagenetPreprocessing } from './preprocessing.ts';
import { Preprocessor } from './preprocessor.ts';
import { type PixelClass, vocClasses } from './voc_classes.ts';

/** Pixels of the shorter side at which torchvision's models were trained and are evaluated. */
const SHORTER_SIDE = 520;

/** What `createSession` takes, and the sizes. */
export interface SegmenterOptions extends CreateSessionOptions {
  /** Pixels of the shorter side of what the network sees; 520 by default. Less is faster and coarser. */
  readonly shorterSide?: number;
  /** The size of the pictures to come, so that the first one need not wait for another plan; square by default. */
  readonly picture?: Extent;
}

/** The class of each pixel of a picture, row-major: an index in `classes`. */
export interface Segmentation extends Extent {
  /** One for each pixel. */
  readonly indices: Uint8Array;
  /** Names and colours, in index order. */
  readonly classes: readonly PixelClass[];
}

/**
 * A model that says what each pixel of a picture belongs to. Pictures of any size and shape: the network runs at the
 * picture's aspect ratio, and is planned anew where that changes. It owns GPU memory: dispose of it, or declare it with
 * `using`.
 *
 * @example
 * const source = await fetchSafetensors('/fcn_resnet50.safetensors');
 * using segmenter = await Segmenter.create(device, fcnResnet50, { weights: source, shorterSide: 256 });
 * const { indices, classes } = await segmenter.segment(picture);
 */
export class Segmenter {
  readonly #device: Device;
  readonly #shorterSide: number;
  readonly #session: Session;
  #preprocessor: Preprocessor;
  #last: Promise<unknown> = Promise.resolve();
  #disposed = false;

  private constructor(
    device: Device,
    shorterSide: number,
    session: Session,
    preprocessor: Preprocessor,
  ) {
    this.#device = device;
    this.#shorterSide = shorterSide;
    this.#session = session;
    this.#preprocessor = preprocessor;
  }

  /**
   *
   *
   * @param device - Open.
   * @param model - One that segments pictures.
   * @param options - The weights at least.
   * @throws What `createSession` throws.
   * @throws UnsupportedError for a model that does not segment pictures.
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
    const { shorterSide = SHORTER_SIDE, picture = { width: 1, height: 1 } } = options;
    if (model.domain === 'masks') {
      throw new UnsupportedError(
        `model "${model.name}" has no names for its classes; run it by createSession, or use fcn_resnet50`,
      );
    }
    if (model.domain !== 'voc') {
      throw new UnsupportedError(
        `model "${model.name}" does not say what is in each pixel; use fcn_resnet50, or a Classifier`,
      );
    }
    if (!Number.isSafeInteger(shorterSide) || shorterSide < 1) {
      throw new ShapeError(`segmenter: the shorter side is a positive integer, got ${shorterSide}`);
    }
    const size = networkSize(picture, shorterSide);
    const preprocessor = await Preprocessor.create(device, preprocessingFor(size));
    try {
      const session = await createSession(device, buildModel(model, { size }), options);
      return new Segmenter(device, shorterSide, session, preprocessor);
    } catch (error) {
      preprocessor.dispose();
      throw error;
    }
  }

  /**
   * The class of each pixel, as many as the picture has. Calls run in order.
   *
   * @param picture - Of any size.
   * @throws ShapeError for a picture whose data does not fit its size.
   * @throws UnsupportedError for one too large for the device.
   *
   * @example
   * const source = await fetchSafetensors('/fcn_resnet50.safetensors');
   * using segmenter = await Segmenter.create(device, fcnResnet50, { weights: source });
   * const { width, indices, classes } = await segmenter.segment(picture);
   * console.log(classes[indices[0] ?? 0]?.label); // of the first pixel
   */
  segment(picture: Picture): Promise<Segmentation> {
    const result = this.#last.then(() => this.#segment(picture));
    this.#last = result.catch(() => {});
    return result;
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

  async #segment(picture: Picture): Promise<Segmentation> {
    this.#checkUsable();
    const image = extentOf(picture);
    const [height, width] = networkSize(image, this.#shorterSide);
    await this.#resize(height, width);
    this.#checkUsable();
    const input = await this.#preprocessor.prepare([picture]);
    const { logits = new Float32Array() } = await this.#session.run(input);
    const coarse = largestOf(logits, width * height);
    const indices = enlarged(coarse, { width, height }, image);
    return { width: image.width, height: image.height, indices, classes: vocClasses };
  }

  #checkUsable(): void {
    if (this.#disposed) throw new TilewiseError('the segmenter was disposed; create a new one');
  }

  async #resize(height: number, width: number): Promise<void> {
    const [input] = this.#session.inputs;
    const [, , sessionHeight, sessionWidth] = input?.shape ?? [];
    if (sessionHeight === height && sessionWidth === width) return;
    const preprocessor = await Preprocessor.create(this.#device, preprocessingFor([height, width]));
    try {
      await this.#session.resize({ input: [1, 3, height, width] });
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

function preprocessingFor(size: readonly [number, number]) {
  return { ...imagenetPreprocessing, size, fit: { mode: 'stretch' } } as const;
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
