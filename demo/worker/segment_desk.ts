import {
  type Device,
  findModel,
  fromInt8,
  type ModelDef,
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
import type { Gpu } from './gpu.ts';
import { isModelFile, openModelFile } from './model_file.ts';
import { Queue } from './queue.ts';
import { tuningOf } from './tuning.ts';

/** Long submits would keep the page from being drawn. */
const SUBMIT_BUDGET_MS = 60;

/** A network for pictures of one size, on one opening of the device. */
interface Built {
  readonly segmenter: Segmenter;
  readonly shorterSide: number;
  readonly gpu: GPUDevice;
}

/** A network of a file, or FCN with the weights of one. */
interface Network {
  readonly model: ModelDef;
  readonly weights: WeightSource;
}

/** A network as soon as there is a file, for the size of pictures that was asked for last. */
export class SegmentDesk {
  readonly #gpu: Gpu;
  readonly #queue = new Queue();
  #network: Network | undefined;
  #built: Built | undefined;

  constructor(gpu: Gpu) {
    this.#gpu = gpu;
  }

  /** Replaces the network. When that fails, the one from before stays. */
  async load(
    { name, file, shorterSide }: SegmenterWanted,
    context: CallContext<WeightsProgress>,
  ): Promise<undefined> {
    const bytes = new Uint8Array(await file.arrayBuffer());
    const network = await openNetwork(bytes, name);
    await this.#queue.run(context.signal, () =>
      this.#gpu.run((device) => this.#build(device, network, shorterSide, context), context),
    );
    return undefined;
  }

  async segment(
    { picture, shorterSide }: Calls['segment']['argument'],
    context: CallContext<WeightsProgress>,
  ): Promise<SegmentReading> {
    try {
      return await this.#queue.run(context.signal, () =>
        this.#gpu.run((device) => this.#read(device, picture, shorterSide, context), context),
      );
    } finally {
      picture.close();
    }
  }

  async #read(
    device: Device,
    picture: ImageBitmap,
    shorterSide: number,
    context: CallContext<WeightsProgress>,
  ): Promise<SegmentReading> {
    if (!this.#network) throw new Error('the network has no weights yet: load them first');
    const known = this.#built;
    const fits = known?.shorterSide === shorterSide && known.gpu === device.gpu;
    const { segmenter } = fits
      ? known
      : await this.#build(device, this.#network, shorterSide, context);
    context.signal.throwIfAborted();
    const begun = performance.now();
    const segmentation = await segmenter.segment(picture, { signal: context.signal });
    const ms = performance.now() - begun;
    const { width, height } = segmentation;
    const { model } = this.#network;
    return {
      ...{ width, height, mask: coloured(segmentation), found: sharesOf(segmentation), ms },
      network: model.domain === 'voc' ? 'FCN' : model.name,
      fixedSize: model.fixedSize ? model.size : undefined,
    };
  }

  async #build(
    device: Device,
    network: Network,
    shorterSide: number,
    { onProgress, signal }: CallContext<WeightsProgress>,
  ): Promise<Built> {
    const { gpu } = device;
    const { model, weights } = network;
    const numbered = Array.from({ length: model.classes }, (_, i) => `class ${i}`);
    const labels = model.labels?.length === model.classes ? model.labels : numbered;
    const segmenter = await Segmenter.create(device, model, {
      weights,
      tuning: await tuningOf(device),
      // A file may be for one size.
      ...(!model.fixedSize && { shorterSide }),
      ...(model.domain === 'masks' && model.classes > 1 && { labels }),
      signal,
      onProgress,
      submitBudgetMs: SUBMIT_BUDGET_MS,
    });
    this.#built?.segmenter.dispose();
    this.#network = network;
    this.#built = { segmenter, shorterSide, gpu };
    return this.#built;
  }
}

async function openNetwork(bytes: Uint8Array, name: string): Promise<Network> {
  if (!isModelFile(name)) {
    return { model: findModel('fcn_resnet50'), weights: fromInt8(openSafetensors(bytes, name)) };
  }
  const model = await openModelFile(bytes, name);
  return { model, weights: model.weights };
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
