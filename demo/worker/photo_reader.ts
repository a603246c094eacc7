import {
  createSession,
  type Device,
  imagenetLabels,
  imagenetPreprocessing,
  observe,
  Preprocessor,
  type Session,
  type SessionProgress,
  ShapeError,
  topK,
  UnsupportedError,
} from '../../src/index.ts';
import type { FeatureMaps, PhotoReading } from '../engine/calls.ts';
import { featureMapsOf } from './feature_maps.ts';
import type { PhotoNetwork } from './photo_network.ts';
import { tuningOf } from './tuning.ts';

/** What the classifier averages: the heat maps are made of it. */
const FEATURES = 'layer4.2.relu';
const CLASSES_SHOWN = 5;
/** Long submits would keep the page from being drawn. */
const SUBMIT_BUDGET_MS = 60;

export interface PhotoReaderOptions {
  readonly onProgress: (progress: SessionProgress) => void;
  readonly signal: AbortSignal;
}

/** ResNet-50 with what its blocks put out. */
export class PhotoReader {
  readonly #preprocessor: Preprocessor;
  readonly #session: Session;
  readonly #network: PhotoNetwork;
  #blocks: Readonly<Record<string, Float32Array>> = {};

  private constructor(preprocessor: Preprocessor, session: Session, network: PhotoNetwork) {
    this.#preprocessor = preprocessor;
    this.#session = session;
    this.#network = network;
  }

  static async create(
    device: Device,
    network: PhotoNetwork,
    options: PhotoReaderOptions,
  ): Promise<PhotoReader> {
    const { graph, weights, layers } = network;
    const session = await createSession(device, observe(graph, layers.values()), {
      ...options,
      weights,
      tuning: await tuningOf(device),
      submitBudgetMs: SUBMIT_BUDGET_MS,
    });
    try {
      const preprocessor = await Preprocessor.create(device, imagenetPreprocessing);
      return new PhotoReader(preprocessor, session, network);
    } catch (error) {
      session.dispose();
      throw error;
    }
  }

  /** Classifies a picture. What its blocks put out is kept for `channels`, unless it is one of many frames. */
  async read(
    picture: ImageBitmap | VideoFrame,
    { live, signal }: { readonly live: boolean; readonly signal: AbortSignal },
  ): Promise<PhotoReading> {
    const begun = performance.now();
    const input = await this.#preprocessor.prepare([picture]);
    signal.throwIfAborted();
    const featureLayer = this.#network.layers.get(FEATURES) ?? FEATURES;
    const only = live && { outputs: ['logits', 'probabilities', featureLayer] };
    const outputs = await this.#session.run(input, { signal, ...only });
    const ms = performance.now() - begun;
    if (!live) this.#blocks = outputs;
    const { probabilities = new Float32Array(), logits = new Float32Array() } = outputs;
    const features = outputs[featureLayer] ?? new Float32Array();
    const top = topK(probabilities, CLASSES_SHOWN, imagenetLabels).map((found) => ({
      ...found,
      heat: this.#heatOf(found.class, features),
    }));
    return { top, logits, ms };
  }

  /** What a block made of the last picture. */
  channels(layer: string): FeatureMaps {
    const known = this.#network.layers.get(layer);
    const port = this.#session.outputs.find(({ name }) => name === known);
    const data = known === undefined ? undefined : this.#blocks[known];
    if (!port) throw new UnsupportedError(`ResNet-50 has no block "${layer}"`);
    if (!data) throw new ShapeError('no picture has been classified yet');
    return featureMapsOf(layer, port.shape, data);
  }

  dispose(): void {
    this.#session.dispose();
    this.#preprocessor.dispose();
  }

  /**
   * Class activation map: the features weighted as the class weighs their averages. Zhou, Khosla, Lapedriza, Oliva and
   * Torralba, "Learning deep features for discriminative localization" (2016).
   */
  #heatOf(classIndex: number, features: Float32Array): Float32Array {
    const { classWeights } = this.#network;
    const channels = classWeights.length / imagenetLabels.length;
    const area = features.length / channels;
    const heat = new Float32Array(area);
    for (let k = 0; k < channels; k++) {
      const weight = classWeights[classIndex * channels + k] ?? 0;
      for (let i = 0; i < area; i++)
        heat[i] = (heat[i] ?? 0) + weight * (features[k * area + i] ?? 0);
    }
    return heat;
  }
}
