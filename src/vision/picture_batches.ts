/** A network behind a preprocessor, for many pictures: uploads, preprocessing, network and readback overlap. */
import { type CreateSessionOptions, createSession } from '../create_session.ts';
import { checkArgument } from '../runtime/arguments.ts';
import { DeviceLostError, TilewiseError } from '../runtime/errors.ts';
import type { Device } from '../runtime/gpu/device.ts';
import { RUNS_IN_FLIGHT } from '../runtime/plan/compile.ts';
import type { RunOutputs, Session } from '../runtime/session.ts';
import type { Picture } from './browser_image.ts';
import { ImageBatch } from './image_batch.ts';
import { disposedError, type PictureNetwork } from './picture_session.ts';
import { Preprocessor } from './preprocessor.ts';

/** What callers hear of while many pictures are done. */
export interface ManyPicturesOptions<K> {
  /** Hears of pictures that cannot be prepared, such as those too large for the device; they are left out. */
  readonly onRefused?: (key: K, error: TilewiseError) => void;
  /** Hears what each run took on the GPU, in milliseconds, where the device can tell. */
  readonly onGpuTime?: (ms: number) => void;
  /** Stops it before the next picture, and the runs that were begun: see `Session.run`. */
  readonly signal?: AbortSignal | undefined;
}

/** Pictures, each with the key that its result comes with. */
export type KeyedPictures<K> =
  | AsyncIterable<readonly [K, Picture]>
  | Iterable<readonly [K, Picture]>;

/** A picture's place in the outputs of the run that it was in. */
export type PictureOutputs<K> = readonly [key: K, outputs: RunOutputs, index: number];

/** A run that was submitted: whose pictures it holds, and what it says of them, row by row. */
interface Run<K> {
  readonly keys: readonly K[];
  readonly outputs: Promise<RunOutputs>;
}

/** Owns GPU memory. */
export class PictureBatches {
  readonly session: Session;
  readonly #who: string;
  readonly #preprocessor: Preprocessor;
  readonly #batch: ImageBatch;
  #busy = false;
  #disposed = false;

  private constructor(
    who: string,
    session: Session,
    preprocessor: Preprocessor,
    batch: ImageBatch,
  ) {
    this.#who = who;
    this.session = session;
    this.#preprocessor = preprocessor;
    this.#batch = batch;
  }

  /** For `batch` pictures a run, as many as the graph takes. Throws what `createSession` throws. */
  static async create(
    device: Device,
    { who, graph, preprocessing }: PictureNetwork,
    batch: number,
    options: CreateSessionOptions,
  ): Promise<PictureBatches> {
    const preprocessor = await Preprocessor.create(device, preprocessing);
    let images: ImageBatch | undefined;
    try {
      images = await ImageBatch.create(device, preprocessor, batch);
      const session = await createSession(device, graph, options);
      return new PictureBatches(who, session, preprocessor, images);
    } catch (error) {
      preprocessor.dispose();
      images?.dispose();
      throw error;
    }
  }

  /**
   * The outputs named, of each picture in order. Pictures are taken as they are needed: while a batch computes, those
   * of the next are uploaded, and `pictures` makes further ones. One call at a time, which messages call `caller`.
   */
  async *run<K>(
    caller: string,
    pictures: KeyedPictures<K>,
    outputs: readonly string[],
    options: ManyPicturesOptions<K>,
  ): AsyncGenerator<PictureOutputs<K>> {
    this.#checkUsable();
    if (this.#busy) throw new TilewiseError(`the ${this.#who} is busy; wait for the call before`);
    this.#busy = true;
    const runs: Run<K>[] = [];
    let keys: K[] = [];
    try {
      for await (const pair of pictures) {
        options.signal?.throwIfAborted();
        const fits = Array.isArray(pair);
        checkArgument(fits, `${caller}: pictures`, 'pairs of key and picture', pair);
        const [key, picture] = pair;
        if (!(await this.#add(key, picture, options))) continue;
        keys.push(key);
        if (!this.#batch.full) continue;
        runs.push(await this.#start(keys, outputs, options));
        keys = [];
        if (runs.length === RUNS_IN_FLIGHT) yield* this.#finish(runs.shift());
      }
      if (keys.length > 0) runs.push(await this.#start(keys, outputs, options));
      while (runs.length > 0) yield* this.#finish(runs.shift());
    } finally {
      await Promise.allSettled(runs.map((run) => run.outputs));
      this.#batch.take();
      this.#busy = false;
    }
  }

  dispose(): void {
    this.#disposed = true;
    this.session.dispose();
    this.#preprocessor.dispose();
    this.#batch.dispose();
  }

  #checkUsable(): void {
    if (this.#disposed) throw disposedError(this.#who);
  }

  /** Whether the picture is in the batch now. */
  async #add<K>(key: K, picture: Picture, { onRefused }: ManyPicturesOptions<K>): Promise<boolean> {
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
    wanted: readonly string[],
    { onGpuTime, signal }: ManyPicturesOptions<K>,
  ): Promise<Run<K>> {
    const { input, submitted } = this.#batch.take();
    const outputs = this.session.run(input, { onGpuTime, signal, outputs: wanted });
    await Promise.race([submitted, outputs]);
    return { keys, outputs };
  }

  async *#finish<K>(run: Run<K> | undefined): AsyncGenerator<PictureOutputs<K>> {
    if (!run) return;
    const outputs = await run.outputs;
    for (const [i, key] of run.keys.entries()) yield [key, outputs, i];
  }
}

/** Throws TilewiseError unless it is a number of pictures a run. */
export function checkBatch(who: string, batch: unknown): void {
  const fits = Number.isSafeInteger(batch) && Number(batch) >= 1;
  checkArgument(fits, `${who}: options.batch`, 'a positive integer', batch);
}
