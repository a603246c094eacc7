/** From a picture to its classes: preprocessing, network and softmax on the GPU, the best few back. */
import type { CreateSessionOptions } from '../create_session.ts';
import { buildClassifier } from '../models/classifier.ts';
import type { ModelDef } from '../models/model.ts';
import type { Device } from '../runtime/gpu/device.ts';
import { checkKinds } from '../runtime/kinds.ts';
import type { Session } from '../runtime/session.ts';
import type { Picture } from './browser_image.ts';
import { type DomainOptions, preparedDomain } from './domain.ts';
import { PictureSession } from './picture_session.ts';
import { bestOf, CLASSIFIER_OUTPUTS, type Classification, outputsFor } from './top_k.ts';

/** What `createSession` takes, and what replaces the model's domain. */
export interface ClassifierOptions extends CreateSessionOptions, DomainOptions {}

/** How `classify` is stopped. */
export interface ClassifyOptions {
  /** Stops the run: see `Session.run`. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * A model that classifies pictures one at a time; `BatchClassifier` is for many. It owns GPU memory: dispose of it, or
 * declare it with `using`.
 *
 * @example
 * using classifier = await Classifier.create(device, lenet, { weights });
 * const [best] = await classifier.classify(picture);
 */
export class Classifier {
  /** Names of the classes in index order. */
  readonly labels: readonly string[];
  readonly #pictures: PictureSession;

  private constructor(pictures: PictureSession, labels: readonly string[]) {
    this.#pictures = pictures;
    this.labels = labels;
  }

  /**
   * For a built-in model, one of `onnxModel` or `graphModel`, or your own, with `labels` and `preprocessing` where they
   * are others than its domain's.
   *
   * @param device - Open.
   * @param model - One that classifies pictures.
   * @param options - The weights at least.
   * @throws UnsupportedError for a model that does not classify pictures.
   * @throws ShapeError for labels or preprocessing that do not fit it.
   * @throws What `createSession` throws.
   *
   * @example
   * const model = onnxModel(onnxFile);
   * const labels = 'zero one two three four five six seven eight nine'.split(' ');
   * const options = { weights: model.weights, labels };
   * using classifier = await Classifier.create(device, model, options);
   */
  static async create(
    device: Device,
    model: ModelDef,
    options: ClassifierOptions,
  ): Promise<Classifier> {
    checkKinds('Classifier.create', { device, model, options });
    const { preprocessing, labels } = preparedDomain('Classifier.create', model, options);
    const { size } = preprocessing;
    const graph = buildClassifier(model, { size, outputs: CLASSIFIER_OUTPUTS });
    const network = { who: 'classifier', graph, preprocessing };
    return new Classifier(await PictureSession.create(device, network, options), labels);
  }

  /** The model with its softmax, one image at a time. */
  get session(): Session {
    return this.#pictures.session;
  }

  /**
   * The `count` likeliest classes of a picture, the best first. Calls may overlap. Digits are looked for on the CPU:
   * they come as ImageData.
   *
   * @param image - Of any size: RGBA with its width and height, or what the browser holds.
   * @param count - 5 by default; all where there are fewer.
   * @param options - A signal that stops it.
   * @throws ShapeError for a picture whose data does not fit its size.
   * @throws UnsupportedError for one too large for the device.
   * @throws DeviceLostError when the device is lost.
   * @throws The signal's reason when it is aborted.
   *
   * @example
   * using classifier = await Classifier.create(device, lenet, { weights });
   * for (const { label, probability } of await classifier.classify(picture, 3)) console.log(label, probability);
   */
  async classify(
    image: Picture,
    count = 5,
    options: ClassifyOptions = {},
  ): Promise<readonly Classification[]> {
    checkKinds('Classifier.classify', { options });
    const outputs = await this.#pictures.run(image, outputsFor(count), options.signal);
    return bestOf(outputs, 0, count, this.labels);
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
