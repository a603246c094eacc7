/** From a picture to its classes: preprocessing, network and softmax on the GPU, the best few back. */

import { type CreateSessionOptions, createSession } from '../create_session.ts';
import { buildClassifier } from '../models/classifier.ts';
import type { ModelDef } from '../models/model.ts';
import { TilewiseError } from '../runtime/errors.ts';
import type { Device } from '../runtime/gpu/device.ts';
import { checkKinds } from '../runtime/kinds.ts';
import type { Session } from '../runtime/session.ts';
import type { Picture } from './browser_image.ts';
import { domainOf } from './domain.ts';
import { forInputSize } from './preprocessing.ts';
import { Preprocessor } from './preprocessor.ts';
import { bestOf, CLASSIFIER_OUTPUTS, type Classification, outputsFor } from './top_k.ts';

/** What `createSession` takes, and the size of the network's input. */
export interface ClassifierOptions extends CreateSessionOptions {
  /** [height, width] of the network's input; the model's own by default. */
  readonly size?: readonly [number, number];
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
  /** The model with its softmax, one image at a time. */
  readonly session: Session;
  /** Names of the classes, in index order. */
  readonly labels: readonly string[];
  readonly #preprocessor: Preprocessor;
  #disposed = false;

  private constructor(session: Session, preprocessor: Preprocessor, labels: readonly string[]) {
    this.session = session;
    this.labels = labels;
    this.#preprocessor = preprocessor;
  }

  /**
   *
   *
   * @param device - Open.
   * @param model - One that classifies pictures.
   * @param options - The weights at least.
   * @throws What `createSession` throws.
   * @throws UnsupportedError for a model that does not classify pictures.
   *
   * @example
   * using classifier = await Classifier.create(device, lenet, { weights });
   */
  static async create(
    device: Device,
    model: ModelDef,
    options: ClassifierOptions,
  ): Promise<Classifier> {
    checkKinds('Classifier.create', { device, model, options });
    const { size = model.size } = options;
    const { preprocessing, labels } = domainOf(model);
    const graph = buildClassifier(model, { size, outputs: CLASSIFIER_OUTPUTS });
    const preprocessor = await Preprocessor.create(device, forInputSize(preprocessing, size));
    try {
      const session = await createSession(device, graph, options);
      return new Classifier(session, preprocessor, labels);
    } catch (error) {
      preprocessor.dispose();
      throw error;
    }
  }

  /**
   * The `count` likeliest classes of a picture, the best first. Calls may overlap. Digits are looked for on the CPU:
   * they come as ImageData.
   *
   * @param image - Of any size: RGBA with its width and height, or what the browser holds.
   * @param count - 5 by default; all where there are fewer.
   * @throws ShapeError for a picture whose data does not fit its size.
   * @throws UnsupportedError for one too large for the device.
   * @throws DeviceLostError when the device is lost.
   *
   * @example
   * using classifier = await Classifier.create(device, lenet, { weights });
   * for (const { label, probability } of await classifier.classify(picture, 3)) console.log(label, probability);
   */
  async classify(image: Picture, count = 5): Promise<readonly Classification[]> {
    if (this.#disposed) throw new TilewiseError('the classifier was disposed; create a new one');
    const input = await this.#preprocessor.prepare([image]);
    const outputs = await this.session.run(input, { outputs: outputsFor(count) });
    return bestOf(outputs, 0, count, this.labels);
  }

  /** Frees the GPU memory; the device stays. Twice is harmless. */
  dispose(): void {
    this.#disposed = true;
    this.session.dispose();
    this.#preprocessor.dispose();
  }

  /** What `using` calls: `dispose`. */
  [Symbol.dispose](): void {
    this.dispose();
  }
}
