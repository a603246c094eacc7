/** Many pictures to their classes: uploads, preprocessing, network and readback overlap. */
import { buildClassifier } from '../models/classifier.ts';
import type { ModelDef } from '../models/model.ts';
import type { Device } from '../runtime/gpu/device.ts';
import { checkKinds } from '../runtime/kinds.ts';
import type { Session } from '../runtime/session.ts';
import type { ClassifierOptions } from './classifier.ts';
import { preparedDomain } from './domain.ts';
import {
  checkBatch,
  type KeyedPictures,
  type ManyPicturesOptions,
  PictureBatches,
} from './picture_batches.ts';
import { bestOf, CLASSIFIER_OUTPUTS, type Classification, outputsFor } from './top_k.ts';

/** What `createSession` takes, the batch, and the size. */
export interface BatchClassifierOptions extends ClassifierOptions {
  /** Pictures a run. */
  readonly batch: number;
}

/** How many classes, and what callers hear meanwhile. */
export interface ClassifyManyOptions<K> extends ManyPicturesOptions<K> {
  /** Classes for each picture; 5 by default. */
  readonly count?: number;
}

/**
 * A model that classifies many pictures. It owns GPU memory: dispose of it, or declare it with `using`.
 *
 * @example
 * using classifier = await BatchClassifier.create(device, lenet, { weights, batch: 2 });
 * for await (const [name, [best]] of classifier.classify([['a.png', picture]])) console.log(name, best?.label);
 */
export class BatchClassifier {
  /** Names of the classes in index order. */
  readonly labels: readonly string[];
  readonly #batches: PictureBatches;

  private constructor(batches: PictureBatches, labels: readonly string[]) {
    this.#batches = batches;
    this.labels = labels;
  }

  /**
   * A model that classifies pictures, `batch` at a time: see `Classifier.create`.
   *
   * @param device - Open.
   * @param model - One that classifies pictures.
   * @param options - The weights and the batch at least.
   * @throws What `Classifier.create` throws.
   *
   * @example
   * using classifier = await BatchClassifier.create(device, lenet, { weights, batch: 16 });
   */
  static async create(
    device: Device,
    model: ModelDef,
    options: BatchClassifierOptions,
  ): Promise<BatchClassifier> {
    checkKinds('BatchClassifier.create', { device, model, options });
    const { batch } = options;
    checkBatch('BatchClassifier.create', batch);
    const { preprocessing, labels } = preparedDomain('BatchClassifier.create', model, options);
    const { size } = preprocessing;
    const graph = buildClassifier(model, { batch, size, outputs: CLASSIFIER_OUTPUTS });
    const network = { who: 'classifier', graph, preprocessing };
    return new BatchClassifier(
      await PictureBatches.create(device, network, batch, options),
      labels,
    );
  }

  /** The model with its softmax. */
  get session(): Session {
    return this.#batches.session;
  }

  /**
   * The likeliest classes of each picture, in order, each with the key that the picture came with. Pictures are taken
   * as they are needed: while a batch computes, those of the next are uploaded, and `pictures` makes further ones. A
   * last batch that is not full takes as long as one that is. One call at a time.
   *
   * @param pictures - Each with a key, such as its name.
   * @param options - How many classes, who hears of pictures that are left out, a signal that stops it.
   * @throws What `session.run` throws, what `pictures` throws, and the signal's reason when it is aborted.
   *
   * @example
   * using classifier = await BatchClassifier.create(device, lenet, { weights, batch: 2 });
   * for await (const [name, classes] of classifier.classify([['a.png', picture]], { count: 3 })) {
   *   console.log(name, classes.map(({ label }) => label));
   * }
   */
  async *classify<K>(
    pictures: KeyedPictures<K>,
    options: ClassifyManyOptions<K> = {},
  ): AsyncGenerator<readonly [K, readonly Classification[]]> {
    const caller = 'BatchClassifier.classify';
    checkKinds(caller, { pictures, options });
    const { count = 5 } = options;
    const wanted = outputsFor(count);
    for await (const result of this.#batches.run(caller, pictures, wanted, options)) {
      const [key, outputs, index] = result;
      yield [key, bestOf(outputs, index, count, this.labels)];
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
