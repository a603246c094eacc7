/** From a picture to a vector that is near to those of similar pictures. */
import type { CreateSessionOptions } from '../create_session.ts';
import { buildEmbedder } from '../models/embedder.ts';
import type { ModelDef } from '../models/model.ts';
import type { Device } from '../runtime/gpu/device.ts';
import { checkKinds } from '../runtime/kinds.ts';
import type { RunOutputs, Session } from '../runtime/session.ts';
import type { Picture } from './browser_image.ts';
import { type DomainOptions, preprocessingOf } from './domain.ts';
import {
  checkBatch,
  type KeyedPictures,
  type ManyPicturesOptions,
  PictureBatches,
} from './picture_batches.ts';
import { type PictureNetwork, PictureSession } from './picture_session.ts';
import { normalized } from './similarity.ts';

/** What `createSession` takes, the pictures' preprocessing, and which vectors are made of them. */
export interface EmbedderOptions extends CreateSessionOptions, Omit<DomainOptions, 'labels'> {
  /** Which of the model's values is the embedding; by default what its last layer reads: see `buildEmbedder`. */
  readonly output?: string;
  /** Whether vectors are made one long (L2), so that their dot product is the cosine similarity; true by default. */
  readonly normalize?: boolean;
}

/** The same, and the batch. */
export interface BatchEmbedderOptions extends EmbedderOptions {
  /** Pictures a run. */
  readonly batch: number;
}

const OUTPUTS = ['embedding'] as const;

/**
 * A model that makes a vector of each picture, one at a time; `BatchEmbedder` is for many. It owns GPU memory: dispose
 * of it, or declare it with `using`.
 *
 * @example
 * using embedder = await Embedder.create(device, lenet, { weights });
 * const vector = await embedder.embed(picture);
 * console.log(embedder.features, vector.length); // 200 200, of LeNet
 */
export class Embedder {
  /** Elements of a vector. */
  readonly features: number;
  readonly #pictures: PictureSession;
  readonly #normalize: boolean;

  private constructor(pictures: PictureSession, normalize: boolean) {
    this.#pictures = pictures;
    this.#normalize = normalize;
    this.features = featuresOf(pictures.session);
  }

  /**
   * For a built-in model, one of `onnxModel` or `graphModel`, or your own.
   *
   * @param device - Open.
   * @param model - One whose last layer reads features, or with an `output` that has them.
   * @param options - The weights at least.
   * @throws UnsupportedError for an output that the model does not have, or where no last layer can be told.
   * @throws ShapeError for preprocessing that does not fit it.
   * @throws What `createSession` throws.
   *
   * @example
   * const model = onnxModel(onnxFile);
   * using embedder = await Embedder.create(device, model, { weights: model.weights });
   */
  static async create(
    device: Device,
    model: ModelDef,
    options: EmbedderOptions,
  ): Promise<Embedder> {
    checkKinds('Embedder.create', { device, model, options });
    const network = networkOf('Embedder.create', model, 1, options);
    const { normalize = true } = options;
    return new Embedder(await PictureSession.create(device, network, options), normalize);
  }

  /** The model up to its features, one image at a time. */
  get session(): Session {
    return this.#pictures.session;
  }

  /**
   * The vector of a picture. Calls may overlap.
   *
   * @param image - Of any size: RGBA with its width and height, or what the browser holds.
   * @throws ShapeError for a picture whose data does not fit its size.
   * @throws UnsupportedError for one too large for the device.
   * @throws DeviceLostError when the device is lost.
   *
   * @example
   * using embedder = await Embedder.create(device, lenet, { weights });
   * const vector = await embedder.embed(picture);
   * console.log(cosineSimilarity(vector, await embedder.embed(picture))); // 1: it is the same picture
   */
  async embed(image: Picture): Promise<Float32Array> {
    const outputs = await this.#pictures.run(image, OUTPUTS);
    return vectorOf(outputs, 0, this.features, this.#normalize);
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

/**
 * A model that makes vectors of many pictures. It owns GPU memory: dispose of it, or declare it with `using`.
 *
 * @example
 * using embedder = await BatchEmbedder.create(device, lenet, { weights, batch: 2 });
 * for await (const [name, vector] of embedder.embed([['a.png', picture]])) console.log(name, vector.length);
 */
export class BatchEmbedder {
  /** Elements of a vector. */
  readonly features: number;
  readonly #batches: PictureBatches;
  readonly #normalize: boolean;

  private constructor(batches: PictureBatches, normalize: boolean) {
    this.#batches = batches;
    this.#normalize = normalize;
    this.features = featuresOf(batches.session);
  }

  /**
   * As `Embedder.create`, for `batch` pictures a run.
   *
   * @param device - Open.
   * @param model - As there.
   * @param options - The weights and the batch at least.
   * @throws What `Embedder.create` throws.
   *
   * @example
   * using embedder = await BatchEmbedder.create(device, lenet, { weights, batch: 16 });
   */
  static async create(
    device: Device,
    model: ModelDef,
    options: BatchEmbedderOptions,
  ): Promise<BatchEmbedder> {
    checkKinds('BatchEmbedder.create', { device, model, options });
    const { batch, normalize = true } = options;
    checkBatch('BatchEmbedder.create', batch);
    const network = networkOf('BatchEmbedder.create', model, batch, options);
    return new BatchEmbedder(
      await PictureBatches.create(device, network, batch, options),
      normalize,
    );
  }

  /** The model up to its features. */
  get session(): Session {
    return this.#batches.session;
  }

  /**
   * The vector of each picture, in order, with the key that the picture came with. Pictures are taken as they are
   * needed, as by `BatchClassifier.classify`. One call at a time.
   *
   * @param pictures - Each with a key, such as its name.
   * @param options - Who hears of pictures that are left out, a signal that stops it.
   * @throws What `session.run` throws, what `pictures` throws, and the signal's reason when it is aborted.
   *
   * @example
   * using embedder = await BatchEmbedder.create(device, lenet, { weights, batch: 2 });
   * const vectors = new Map<string, Float32Array>();
   * for await (const [name, vector] of embedder.embed([['a.png', picture]])) vectors.set(name, vector);
   */
  async *embed<K>(
    pictures: KeyedPictures<K>,
    options: ManyPicturesOptions<K> = {},
  ): AsyncGenerator<readonly [K, Float32Array]> {
    const caller = 'BatchEmbedder.embed';
    checkKinds(caller, { pictures, options });
    for await (const result of this.#batches.run(caller, pictures, OUTPUTS, options)) {
      const [key, outputs, index] = result;
      yield [key, vectorOf(outputs, index, this.features, this.#normalize)];
    }
  }

  /** Frees the GPU memory; the device stays. Twice is harmless. */
  dispose(): void {
    this.#batches.dispose();
  }

  /** What `using` calls: `dispose`. */
  [Symbol.dispose](): void {
    this.dispose();
  }
}

function networkOf(
  caller: string,
  model: ModelDef,
  batch: number,
  options: EmbedderOptions,
): PictureNetwork {
  const { output } = options;
  const preprocessing = preprocessingOf(caller, model, options);
  const { size } = preprocessing;
  const graph = buildEmbedder(model, { batch, size, ...(output !== undefined && { output }) });
  return { who: 'embedder', graph, preprocessing };
}

function featuresOf({ outputs: [output] }: Session): number {
  return output?.shape[1] ?? 0;
}

/** A copy of its own: a view would hold the whole batch. */
function vectorOf(
  { embedding = new Float32Array() }: RunOutputs,
  index: number,
  features: number,
  normalize: boolean,
): Float32Array {
  const vector = embedding.slice(index * features, (index + 1) * features);
  return normalize ? normalized(vector) : vector;
}
