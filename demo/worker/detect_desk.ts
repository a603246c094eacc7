import { Detector } from '../../src/index.ts';
import type { DetectorWanted, DetectReading, WeightsProgress } from '../engine/calls.ts';
import type { CallContext } from '../engine/serve.ts';
import type { Gpu } from './gpu.ts';
import { openModelFile } from './model_file.ts';
import { Queue } from './queue.ts';
import { tuningOf } from './tuning.ts';

/** Long submits would keep the page from being drawn. */
const SUBMIT_BUDGET_MS = 60;
/** What is less sure is not shown, whatever is chosen. */
const LEAST_SCORE = 0.05;
const MOST_THINGS = 300;

/** A detector as soon as there is a file of one. */
export class DetectDesk {
  readonly #gpu: Gpu;
  readonly #queue = new Queue();
  #detector: Detector | undefined;

  constructor(gpu: Gpu) {
    this.#gpu = gpu;
  }

  /** Replaces the detector. When that fails, the one from before stays. */
  async load(
    { name, file, family }: DetectorWanted,
    context: CallContext<WeightsProgress>,
  ): Promise<undefined> {
    const bytes = new Uint8Array(await file.arrayBuffer());
    const model = await openModelFile(bytes, name);
    const { weights } = model;
    const { onProgress, signal } = context;
    await this.#queue.run(signal, () =>
      this.#gpu.run(async (device) => {
        const tuning = await tuningOf(device);
        const how = { tuning, signal, onProgress, submitBudgetMs: SUBMIT_BUDGET_MS };
        const made = { weights, ...how, ...(family && { family }) };
        const detector = await Detector.create(device, model, made);
        this.#detector?.dispose();
        this.#detector = detector;
      }, context),
    );
    return undefined;
  }

  async detect(picture: ImageBitmap, context: CallContext<never>): Promise<DetectReading> {
    const wanted = { score: LEAST_SCORE, most: MOST_THINGS, signal: context.signal };
    try {
      return await this.#queue.run(context.signal, () =>
        this.#gpu.run(async () => {
          if (!this.#detector) throw new Error('there is no detector yet: load one first');
          const begun = performance.now();
          const found = await this.#detector.detect(picture, wanted);
          return { found, leastScore: LEAST_SCORE, ms: performance.now() - begun };
        }, context),
      );
    } finally {
      picture.close();
    }
  }
}
