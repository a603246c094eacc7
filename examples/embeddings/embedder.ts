/** Vectors of pictures, and how near they are to one another. */
import {
  buildModel,
  createSession,
  type Device,
  imagenetPreprocessing,
  type ModelDef,
  type Picture,
  Preprocessor,
  type Session,
  type WeightSource,
} from 'tilewise';

/** What ResNets give besides their logits: each channel's mean in the last map, which the last layer reads. */
const FEATURES = 'avgpool';

/** It owns the GPU memory of its session and preprocessing. */
export class Embedder {
  readonly #session: Session;
  readonly #preprocessor: Preprocessor;

  private constructor(session: Session, preprocessor: Preprocessor) {
    this.#session = session;
    this.#preprocessor = preprocessor;
  }

  /** For a ResNet trained on ImageNet. The layer that makes logits is not computed, since nothing asks for it. */
  static async create(
    device: Device,
    model: ModelDef,
    options: { readonly weights: WeightSource },
  ): Promise<Embedder> {
    const graph = buildModel(model, { outputs: [FEATURES] });
    const session = await createSession(device, graph, options);
    return new Embedder(session, await Preprocessor.create(device, imagenetPreprocessing));
  }

  async embed(picture: Picture): Promise<Float32Array> {
    const input = await this.#preprocessor.prepare([picture]);
    const { [FEATURES]: vector = new Float32Array() } = await this.#session.run(input);
    return vector;
  }

  dispose(): void {
    this.#session.dispose();
    this.#preprocessor.dispose();
  }
}

/** The cosine of the angle between two vectors: 1 where they point the same way, 0 where they share nothing. */
export function cosineSimilarity(a: Float32Array, b: Float32Array): number {
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
}
