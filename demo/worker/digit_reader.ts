import {
  buildClassifier,
  createSession,
  type Device,
  digitsPreprocessing,
  findModel,
  observe,
  openSafetensors,
  Preprocessor,
  type Session,
  type WeightSource,
} from '../../src/index.ts';
import weightsUrl from '../../weights/lenet-mnist.safetensors?url';
import type { DigitReading, Pixels } from '../engine/calls.ts';
import { featureMapsOf } from './feature_maps.ts';
import { tuningOf } from './tuning.ts';

/** What the page shows: the input as prepared, and each layer behind its ReLU. */
const STAGES = ['input', 'conv1', 'relu1', 'conv2', 'relu2', 'relu3'] as const;

/** LeNet with everything that can be seen of it. */
export class DigitReader {
  readonly #preprocessor: Preprocessor;
  readonly #session: Session;

  private constructor(preprocessor: Preprocessor, session: Session) {
    this.#preprocessor = preprocessor;
    this.#session = session;
  }

  static async create(device: Device, weights: WeightSource): Promise<DigitReader> {
    const graph = observe(
      buildClassifier(findModel('lenet'), { outputs: ['probabilities'] }),
      STAGES,
    );
    const [preprocessor, session] = await Promise.all([
      Preprocessor.create(device, digitsPreprocessing),
      createSession(device, graph, { weights, tuning: await tuningOf(device) }),
    ]);
    return new DigitReader(preprocessor, session);
  }

  async read(picture: Pixels): Promise<DigitReading> {
    const begun = performance.now();
    const input = await this.#preprocessor.prepare([picture]);
    const outputs = await this.#session.run(input);
    const ms = performance.now() - begun;
    const maps = this.#session.outputs.flatMap(({ name, shape }) => {
      const data = outputs[name];
      return data ? [featureMapsOf(name, shape, data)] : [];
    });
    const { probabilities = new Float32Array() } = outputs;
    return { probabilities, stages: maps, ms };
  }
}

/** LeNet's, which come with the page. */
export async function fetchDigitWeights(): Promise<WeightSource> {
  const answer = await fetch(weightsUrl);
  if (!answer.ok) throw new Error(`LeNet's weights: the server answered ${answer.status}`);
  return openSafetensors(new Uint8Array(await answer.arrayBuffer()), 'lenet-mnist.safetensors');
}
