/** Many pictures to their classes: uploads, preprocessing, network and readback overlap. */

import { createSession } from '../create_session.ts';
import { buildClassifier } from '../models/classifier.ts';
import type { ModelDef } from '../models/model.ts';
import { checkArgument } from '../runtime/arguments.ts';
import { DeviceLostError, TilewiseError } from '../runtime/errors.ts';
import type { Device } from '../runtime/gpu/device.ts';
import { checkKinds } from '../runtime/kinds.ts';
import { RUNS_IN_FLIGHT } from '../runtime/plan/compile.ts';
import type { RunOutputs, Session } from '../runtime/session.ts';
import type { Picture } from './browser_image.ts';
import type { ClassifierOptions } from './classifier.ts';
import { domainOf } from './domain.ts';
import { ImageBatch } from './image_batch.ts';
import { forInputSize } from './preprocessing.ts';
import { Preprocessor } from './preprocessor.ts';
import { bestOf, CLASSIFIER_OUTPUTS, type Classification, outputsFor } from './top_k.ts';

/** What `createSession` takes, the batch, and the size. */
export interface BatchClassifierOptions extends ClassifierOptions {
  /** Pictures a run. */
  readonly batch: number;
}

/** How many classes, and who hears of what. */
export interface ClassifyManyOptions<K> {
  /** Classes for each picture; 5 by default. */
  readonly count?: number;
  /** Hears of pictures that cannot be prepared, such as those too large for the device; they are left out. */
  readonly onRefused?: (key: K, error: TilewiseError) => void;
  /** Hears what each run took on the GPU, in milliseconds, where the device can tell. */
  readonly onGpuTime?: (ms: number) => void;
}

/** A run that was submitted: whose pictures it holds, and what it says of them, row by row. */
interface Run<K> {
  readonly keys: readonly K[];
  readonly outputs: Promise<RunOutputs>;
}

/**
 * A model that classifies many pictures. It owns GPU memory: dispose of it, or declare it with `using`.
 *
 * @example
 * using classifier = await BatchClassifier.create(device, lenet, { weights, batch: 2 });
 * for await (const [name, [best]] of classifier.classify([['a.png', picture]])) console.log(name, best?.label);
 */
export class BatchClassifier {
  /** The model with its softmax. */
  readonly session: Session;
  /** Names of the classes, in index order. */
  readonly labels: readonly string[];
  readonly #preprocessor: Preprocessor;
  readonly #batch: ImageBatch;
  #busy = false;
  #disposed = false;

  private constructor(
    session: Session,
    preprocessor: Preprocessor,
    batch: ImageBatch,
    labels: readonly string[],
  ) {
    this.session = session;
    this.#preprocessor = preprocessor;
    this.#batch = batch;
    this.labels = labels;
  }

  /**
   *
   *
   * @param device - Open.
   * @param model - One that classifies pictures.
   * @param options - The weights and the batch at least.
   * @throws What `createSession` throws.
   * @throws UnsupportedError for a model that does not classify pictures.
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
    const { size = model.size, batch } = options;
    const fits = Number.isSafeInteger(batch) && batch >= 1;
    checkArgument(fits, 'BatchClassifier.create: options.batch', 'a positive integer', batch);
    const { preprocessing, labels } = domainOf(model);
    const graph = buildClassifier(model, { batch, size, outputs: CLASSIFIER_OUTPUTS });
    const preprocessor = await Preprocessor.create(device, forInputSize(preprocessing, size));
    let images: ImageBatch | undefined;
    try {
      images = await ImageBatch.create(device, preprocessor, batch);
      const session = await createSession(device, graph, options);
      return new BatchClassifier(session, preprocessor, images, labels);
    } catch (error) {
      preprocessor.dispose();
      images?.dispose();
      throw error;
    }
  }

  /**
   * The likeliest classes of each picture, in order, each with the key that the picture came with. Pictures are taken
   * as they are needed: while a batch computes, those of the next are uploaded, and `pictures` makes further ones. A
   * last batch that is not full takes as long as one that is. One call at a time.
   *
   * @param pictures - Each with a key, such as its name.
   * @param options - How many classes, and who hears of pictures that are left out.
   * @throws What `session.run` throws, and what `pictures` throws.
   *
   * @example
   * using classifier = await BatchClassifier.create(device, lenet, { weights, batch: 2 });
   * for await (const [name, classes] of classifier.classify([['a.png', picture]], { count: 3 })) {
   *   console.log(name, classes.map(({ label }) => label));
   * }
   */
  async *classify<K>(
    pictures: AsyncIterable<readonly [K, Picture]> | Iterable<readonly [K, Picture]>,
    options: ClassifyManyOptions<K> = {},
  ): AsyncGenerator<readonly [K, readonly Classification[]]> {
    checkKinds('BatchClassifier.classify', { pictures, options });
    this.#checkUsable();
    if (this.#busy) throw new TilewiseError('the classifier is busy; wait for the call before');
    this.#busy = true;
    const runs: Run<K>[] = [];
    let keys: K[] = [];
    try {
      for await (const pair of pictures) {
        const fits = Array.isArray(pair);
        checkArgument(fits, 'BatchClassifier.classify: pictures', 'pairs of key and picture', pair);
        const [key, picture] = pair;
        if (!(await this.#add(key, picture, options))) continue;
        keys.push(key);
        if (!this.#batch.full) continue;
        runs.push(await this.#start(keys, options));
        keys = [];
        if (runs.length === RUNS_IN_FLIGHT) yield* this.#finish(runs.shift(), options);
      }
      if (keys.length > 0) runs.push(await this.#start(keys, options));
      while (runs.length > 0) yield* this.#finish(runs.shift(), options);
    } finally {
      await Promise.allSettled(runs.map(({ outputs }) => outputs));
      this.#batch.take();
      this.#busy = false;
    }
  }

  /** Frees the GPU memory; the device stays. Twice is harmless. */
  dispose(): void {
    this.#disposed = true;
    this.session.dispose();
    this.#preprocessor.dispose();
    this.#batch.dispose();
  }

  /** What `using` calls: `dispose`. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  #checkUsable(): void {
    if (this.#disposed) throw new TilewiseError('the classifier was disposed; create a new one');
  }

  /** Whether the picture is in the batch now. */
  async #add<K>(key: K, picture: Picture, { onRefused }: ClassifyManyOptions<K>): Promise<boolean> {
    try {
      await this.#batch.add(picture);
      return true;
    } catch (error) {
      this.#checkUsable();
      const itsFault = error instanceof TilewiseError && !(error instanceof DeviceLostError);
      if (!onRefused || !itsFault) throw error;
      onRefused(key, error);
      return false;
    }
  }

  async #start<K>(
    keys: readonly K[],
    { count = 5, onGpuTime }: ClassifyManyOptions<K>,
  ): Promise<Run<K>> {
    const { input, submitted } = this.#batch.take();
    const outputs = this.session.run(input, { onGpuTime, outputs: outputsFor(count) });
    await Promise.race([submitted, outputs]);
    return { keys, outputs };
  }

  async *#finish<K>(
    run: Run<K> | undefined,
    { count = 5 }: ClassifyManyOptions<K>,
  ): AsyncGenerator<readonly [K, readonly Classification[]]> {
    if (!run) return;
    const outputs = await run.outputs;
    for (const [i, key] of run.keys.entries()) {
      yield [key, bestOf(outputs, i, count, this.labels)];
    }
  }
}
