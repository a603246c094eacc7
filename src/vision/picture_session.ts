/** A network behind a preprocessor: one picture in, its outputs back. */
import { type CreateSessionOptions, createSession } from '../create_session.ts';
import { TilewiseError } from '../runtime/errors.ts';
import type { Device } from '../runtime/gpu/device.ts';
import type { Graph } from '../runtime/graph.ts';
import type { RunOutputs, Session } from '../runtime/session.ts';
import type { Picture } from './browser_image.ts';
import type { Preprocessing } from './preprocessing.ts';
import { Preprocessor } from './preprocessor.ts';

/** What to make, and what messages call it: `classifier`. */
export interface PictureNetwork {
  readonly who: string;
  readonly graph: Graph;
  readonly preprocessing: Preprocessing;
}

/** Owns GPU memory. */
export class PictureSession {
  readonly session: Session;
  readonly #who: string;
  readonly #preprocessor: Preprocessor;
  #disposed = false;

  private constructor(who: string, session: Session, preprocessor: Preprocessor) {
    this.#who = who;
    this.session = session;
    this.#preprocessor = preprocessor;
  }

  /** Throws what `createSession` throws. */
  static async create(
    device: Device,
    { who, graph, preprocessing }: PictureNetwork,
    options: CreateSessionOptions,
  ): Promise<PictureSession> {
    const preprocessor = await Preprocessor.create(device, preprocessing);
    try {
      return new PictureSession(who, await createSession(device, graph, options), preprocessor);
    } catch (error) {
      preprocessor.dispose();
      throw error;
    }
  }

  /** The outputs named. Calls may overlap. Throws what `prepare` and `run` throw. */
  async run(
    picture: Picture,
    outputs: readonly string[],
    signal?: AbortSignal,
  ): Promise<RunOutputs> {
    if (this.#disposed) throw disposedError(this.#who);
    try {
      const input = await this.#preprocessor.prepare([picture]);
      return await this.session.run(input, { outputs, signal });
    } catch (error) {
      // It may have been disposed of meanwhile.
      throw this.#disposed ? disposedError(this.#who) : error;
    }
  }

  dispose(): void {
    this.#disposed = true;
    this.session.dispose();
    this.#preprocessor.dispose();
  }
}

export function disposedError(who: string): TilewiseError {
  return new TilewiseError(`the ${who} was disposed; create a new one`);
}
