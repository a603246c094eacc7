import {
  type Device,
  findModel,
  openSafetensors,
  type Segmentation,
  Segmenter,
  type WeightSource,
} from '../../src/index.ts';
import type {
  Calls,
  PixelShare,
  SegmenterWanted,
  SegmentReading,
  WeightsProgress,
} from '../engine/calls.ts';
import type { CallContext } from '../engine/serve.ts';
import { tuningOf } from './tuning.ts';

const MODEL = findModel('fcn_resnet50');
/** Long submits would keep the page from being drawn. */
const SUBMIT_BUDGET_MS = 60;

/** FCN as soon as there are weights, for the size of pictures that was asked for last. */
export class SegmentDesk {
  readonly #device: () => Promise<Device>;
  #weights: WeightSource | undefined;
  #segmenter: Segmenter | undefined;
  #shorterSide = 0;

  constructor(device: () => Promise<Device>) {
    this.#device = device;
  }

  /** Replaces the weights. When that fails, those from before stay. */
  async load(
    { name, file, shorterSide }: SegmenterWanted,
    context: CallContext<WeightsProgress>,
  ): Promise<undefined> {
    const weights = openSafetensors(new Uint8Array(await file.arrayBuffer()), name);
    await this.#build(weights, shorterSide, context);
  }

  async segment(
    { picture, shorterSide }: Calls['segment']['argument'],
    context: CallContext<WeightsProgress>,
  ): Promise<SegmentReading> {
    try {
      if (!this.#weights) throw new Error('the network has no weights yet: load them first');
      if (!this.#segmenter || shorterSide !== this.#shorterSide) {
        await this.#build(this.#weights, shorterSide, context);
      }
      return await this.#read(picture);
    } finally {
      picture.close();
    }
  }

  async #read(picture: ImageBitmap): Promise<SegmentReading> {
    if (!this.#segmenter) throw new Error('the network could not be built');
    const begun = performance.now();
    const segmentation = await this.#segmenter.segment(picture);
    const ms = performance.now() - begun;
    const { width, height } = segmentation;
    return { width, height, mask: coloured(segmentation), found: sharesOf(segmentation), ms };
  }

  async #build(
    weights: WeightSource,
    shorterSide: number,
    { onProgress, signal }: CallContext<WeightsProgress>,
  ): Promise<void> {
    const device = await this.#device();
    const segmenter = await Segmenter.create(device, MODEL, {
      weights,
      tuning: await tuningOf(device),
      shorterSide,
      signal,
      onProgress,
      submitBudgetMs: SUBMIT_BUDGET_MS,
    });
    this.#segmenter?.dispose();
    this.#segmenter = segmenter;
    this.#weights = weights;
    this.#shorterSide = shorterSide;
  }
}

/** Class 0 is what belongs to nothing. */
function coloured({ indices, classes }: Segmentation): Uint8ClampedArray<ArrayBuffer> {
  const mask = new Uint8ClampedArray(4 * indices.length);
  for (const [i, index] of indices.entries()) {
    if (index > 0) mask.set([...(classes[index]?.colour ?? []), 255], 4 * i);
  }
  return mask;
}

function sharesOf({ indices, classes }: Segmentation): readonly PixelShare[] {
  const counts = classes.map(() => 0);
  for (const index of indices) counts[index] = (counts[index] ?? 0) + 1;
  return classes
    .map((pixels, index) => ({ ...pixels, share: (counts[index] ?? 0) / indices.length }))
    .filter(({ share }) => share > 0)
    .sort((a, b) => b.share - a.share);
}
