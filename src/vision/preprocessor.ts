/** Images in, a model's input out, on the GPU. */

import { gridOf } from '../../shaders/lib/grid.ts';
import {
  RESIZE_THREADS,
  type ResizeGeometry,
  resizeColumns,
  resizeRowsNormalize,
} from '../../shaders/resize_normalize.wgsl.ts';
import { DeviceLostError, ShapeError, TilewiseError, UnsupportedError } from '../runtime/errors.ts';
import type { Device, Opening } from '../runtime/gpu/device.ts';
import { guarded } from '../runtime/gpu/errors.ts';
import type { InputWriter } from '../runtime/gpu/executor.ts';
import { Program, ScratchBuffer } from '../runtime/gpu/program.ts';
import type { Workgroups } from '../runtime/kernel.ts';
import { checkKinds } from '../runtime/kinds.ts';
import { elementCount, formatShape, type Shape } from '../runtime/tensor.ts';
import { BYTES_PER_PIXEL, extentOf, isBrowserImage, type Picture } from './browser_image.ts';
import { checkImage } from './image.ts';
import { TONE_BITS } from './ink.ts';
import { PictureTexture } from './picture_texture.ts';
import { checkPreprocessing, inputShape, type Preprocessing } from './preprocessing.ts';
import { WEIGHT_BITS } from './resampling.ts';
import { pixelsOf, planResize, type ResizePlan } from './resize_plan.ts';

/** The two passes, compiled for one opening of the device. */
interface Passes {
  readonly columns: Program;
  readonly rows: Program;
  readonly opening: Opening;
}

/** One image's work. */
interface Job extends ResizePlan {
  readonly image: Picture;
  /** Size of the part of the image that is needed, in bytes. */
  readonly pixelBytes: number;
  /** Size of the image between the passes, in bytes. */
  readonly betweenBytes: number;
}

/** What one image needs on the device. */
interface Slot {
  /** Empty, except for pictures of the browser. */
  readonly texture: PictureTexture;
  readonly pixels: ScratchBuffer;
  readonly table: ScratchBuffer;
  readonly between: ScratchBuffer;
}

/** A slot's buffers, large enough for a job. */
interface Work {
  readonly job: Job;
  readonly texture: PictureTexture;
  readonly pixels: GPUBuffer;
  readonly table: GPUBuffer;
  readonly between: GPUBuffer;
}

/**
 * Resizes, crops and normalises images as a `Preprocessing` describes, one pipeline for all sizes. It owns GPU memory,
 * as much as the largest batch so far needed: dispose of it, or declare it with `using`.
 *
 * @example
 * using preprocessor = await Preprocessor.create(device, digitsPreprocessing);
 * const { logits } = await session.run(await preprocessor.prepare([picture]));
 */
export class Preprocessor {
  /** As it was given. */
  readonly preprocessing: Preprocessing;
  readonly #device: Device;
  #passes: Passes;
  readonly #slots: Slot[] = [];
  #encoder: GPUCommandEncoder | undefined;
  #taken = 0;
  #reserving: Promise<void> = Promise.resolve();
  #disposed = false;

  private constructor(device: Device, preprocessing: Preprocessing, passes: Passes) {
    this.#device = device;
    this.preprocessing = preprocessing;
    this.#passes = passes;
  }

  /**
   * Compiles the two passes.
   *
   * @param device - That of the sessions which it writes for.
   * @param preprocessing - Size, fit, channels, mean and std.
   * @throws ShapeError for a description that contradicts itself.
   * @throws ShaderError or DeviceLostError when the GPU fails.
   *
   * @example
   * using preprocessor = await Preprocessor.create(device, forInputSize(imagenetPreprocessing, [160, 160]));
   */
  static async create(device: Device, preprocessing: Preprocessing): Promise<Preprocessor> {
    checkKinds('Preprocessor.create', { device, preprocessing });
    checkPreprocessing(preprocessing);
    return device.use(
      async (opening) =>
        new Preprocessor(device, preprocessing, await compilePasses(opening, preprocessing)),
    );
  }

  /** Bytes held on the device. */
  get memory(): number {
    this.#checkUsable();
    return this.#slots.flatMap(Object.values).reduce((sum, { size }) => sum + size, 0);
  }

  /**
   * Plans a batch of images, of any sizes, for one input of as many: `session.run(await prepare(images))`. Whoever
   * calls `encode` directly submits that encoder before calling it with another. The images' pixels are read when the
   * session's run is submitted: leave them alone, and video frames open, until then. Calls may overlap. What the
   * browser holds (ImageBitmap, VideoFrame, a canvas or video) is copied on the GPU.
   *
   * What was prepared before the device was lost is to be prepared again: running it throws DeviceLostError.
   *
   * @param images - As many as the batch of the session's input.
   * @returns What `run`, `runOnGpu` and `encodeRun` take as an input.
   * @throws ShapeError for an image whose data does not fit its size.
   * @throws UnsupportedError for one that is too large for the device or whose ink the browser hides.
   * @throws GpuError when the device is out of memory.
   *
   * @example
   * using preprocessor = await Preprocessor.create(device, digitsPreprocessing);
   * const prepared = await preprocessor.prepare([picture]); // for a session of batch 1
   * const { logits } = await session.run(prepared);
   */
  async prepare(images: readonly Picture[]): Promise<InputWriter> {
    checkKinds('Preprocessor.prepare', { images });
    this.#checkUsable();
    if (images.length === 0) throw new ShapeError('prepare needs one image at least');
    const shape = inputShape(this.preprocessing, images.length);
    return this.#device.use(async (opening) => {
      const jobs = images.map((image, i) => this.#plan(opening, image, i, images.length));
      await this.#reserve(opening, jobs);
      const encode: InputWriter['encode'] = (encoder, target) => {
        this.#checkUsable();
        if (opening.lost) {
          throw new DeviceLostError(
            'the images were prepared on a GPU device that was lost since; prepare them again',
          );
        }
        this.#encode(encoder, target, jobs, shape);
      };
      return { shape, encode };
    });
  }

  /** Frees the GPU memory. Twice is harmless; what was submitted still completes. */
  dispose(): void {
    this.#disposed = true;
    this.#encoder = undefined;
    this.#free();
  }

  /** What `using` calls: `dispose`. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  #checkUsable(): void {
    if (this.#disposed) throw new TilewiseError('the preprocessor was disposed; create a new one');
  }

  #plan({ profile }: Opening, image: Picture, index: number, count: number): Job {
    const who = count === 1 ? 'image' : `image ${index + 1} of ${count}`;
    const { width, height } = extentOf(image);
    if (!isBrowserImage(image)) checkImage(who, image);
    else if (width === 0 || height === 0) {
      throw new ShapeError(`${who} has no pixels; wait until it has loaded`);
    }
    const plan = planResize(this.preprocessing, image, index);
    const pixelBytes = BYTES_PER_PIXEL * plan.rowPixels * plan.region.height;
    const betweenBytes = 4 * this.preprocessing.size[1] * plan.region.height;
    const { maxStorageBufferBindingSize, maxBufferSize } = profile.limits;
    const limit = Math.min(maxStorageBufferBindingSize, maxBufferSize);
    const needed = Math.max(pixelBytes, betweenBytes, plan.table.byteLength);
    if (needed > limit) {
      throw new UnsupportedError(
        `${who} of ${width} x ${height} is too large for this device: its crop needs a buffer of ${needed} bytes, the limit is ${limit}; make the image smaller first`,
      );
    }
    return { ...plan, image, pixelBytes, betweenBytes };
  }

  /** Allocates under error scopes and one after the other, since `encode` could not wait for their results. */
  #reserve(opening: Opening, jobs: readonly Job[]): Promise<void> {
    const turn = this.#reserving.then(() => this.#grow(opening, jobs));
    this.#reserving = turn.catch(() => {});
    return turn;
  }

  async #grow(opening: Opening, jobs: readonly Job[]): Promise<void> {
    if (opening !== this.#passes.opening) {
      this.#free();
      this.#passes = await compilePasses(opening, this.preprocessing);
    }
    this.#checkUsable();
    if (jobs.every((job, i) => fits(this.#slots[i], job))) return;
    try {
      await guarded(opening.gpu, 'images', () => {
        jobs.forEach((job, i) => {
          this.#allot(i, job);
        });
      });
    } catch (error) {
      this.#free();
      throw error;
    }
  }

  /**
   * The next encoder uses a slot again, since queue writes come after what was submitted. The same encoder does not:
   * all writes would come before its submission. So a second input of one run takes further slots, for which nothing
   * has been reserved yet.
   */
  #encode(encoder: GPUCommandEncoder, target: GPUBuffer, jobs: readonly Job[], shape: Shape): void {
    checkTarget(target, shape);
    if (encoder !== this.#encoder) this.#taken = 0;
    this.#encoder = encoder;
    const work = jobs.map((job) => this.#upload(encoder, this.#taken++, job));
    const pass = encoder.beginComputePass({ label: 'resize' });
    // First all columns, then all rows, so that the device need not wait between images.
    for (const { pixels, table, between, job } of work) {
      const grid = this.#workgroups(job.betweenBytes / 4);
      this.#passes.columns.record(pass, [pixels, table, between], grid);
    }
    const [height, width] = this.preprocessing.size;
    const grid = this.#workgroups(height * width);
    for (const { table, between } of work)
      this.#passes.rows.record(pass, [between, table, target], grid);
    pass.end();
  }

  #upload(encoder: GPUCommandEncoder, index: number, job: Job): Work {
    const work = this.#allot(index, job);
    const { image, region } = job;
    const { queue } = this.#passes.opening.gpu;
    if (isBrowserImage(image)) work.texture.record(encoder, image, region, work.pixels);
    else queue.writeBuffer(work.pixels, 0, pixelsOf(image, region));
    queue.writeBuffer(work.table, 0, job.table);
    return work;
  }

  #allot(index: number, job: Job): Work {
    const slot = this.#slots[index] ?? this.#newSlot(index);
    if (isBrowserImage(job.image)) slot.texture.reserve(job.region);
    return {
      job,
      texture: slot.texture,
      pixels: slot.pixels.reserve(job.pixelBytes),
      table: slot.table.reserve(job.table.byteLength),
      between: slot.between.reserve(job.betweenBytes),
    };
  }

  #newSlot(index: number): Slot {
    const { opening } = this.#passes;
    const buffer = (what: string) => new ScratchBuffer(opening, `image ${index} ${what}`);
    const slot = {
      texture: new PictureTexture(opening, `image ${index}`),
      pixels: buffer('pixels'),
      table: buffer('table'),
      between: buffer('between the passes'),
    };
    this.#slots[index] = slot;
    return slot;
  }

  #workgroups(pixels: number): Workgroups {
    const { maxComputeWorkgroupsPerDimension } = this.#passes.opening.profile.limits;
    const grid = gridOf(Math.ceil(pixels / RESIZE_THREADS), maxComputeWorkgroupsPerDimension);
    return [grid.columns, grid.rows, 1];
  }

  #free(): void {
    for (const slot of this.#slots.splice(0)) {
      for (const part of Object.values(slot)) part.dispose();
    }
  }
}

async function compilePasses(opening: Opening, preprocessing: Preprocessing): Promise<Passes> {
  const geometry = resizeGeometry(preprocessing);
  const accesses = ['read', 'read', 'read_write'] as const;
  const [columns, rows] = await Promise.all([
    Program.compile(opening, 'resize columns', resizeColumns(geometry), accesses),
    Program.compile(opening, 'resize rows', resizeRowsNormalize(geometry), accesses),
  ]);
  return { columns, rows, opening };
}

function resizeGeometry(preprocessing: Preprocessing): ResizeGeometry {
  const { channels, fit, layout = 'nchw', rescale = 1 / 255, mean, std } = preprocessing;
  const [height, width] = preprocessing.size;
  const ofColours = (value: (mean: number, std: number) => number) => {
    const [first = 0, second = first, third = first] = std.map((deviation, i) =>
      value(mean[i] ?? 0, deviation),
    );
    return channels === 'bgr'
      ? ([third, second, first] as const)
      : ([first, second, third] as const);
  };
  return {
    channels,
    layout,
    height,
    width,
    weightBits: WEIGHT_BITS,
    toneBits: TONE_BITS,
    padding: (fit.mode === 'letterbox' && fit.padding) || 0,
    scale: ofColours((_, deviation) => rescale / deviation),
    offset: ofColours((average, deviation) => -average / deviation),
  };
}

function fits(slot: Slot | undefined, job: Job): boolean {
  return (
    slot !== undefined &&
    (!isBrowserImage(job.image) || slot.texture.fits(job.region)) &&
    slot.pixels.size >= job.pixelBytes &&
    slot.table.size >= job.table.byteLength &&
    slot.between.size >= job.betweenBytes
  );
}

function checkTarget(target: GPUBuffer, shape: Shape): void {
  const bytes = 4 * elementCount(shape);
  if (target.size < bytes) {
    throw new ShapeError(
      `images for ${formatShape(shape)} take ${bytes} bytes, the input has only ${target.size}`,
    );
  }
}
