/** An input of several images that is filled while the batch before it runs. */
import type { Device } from '../runtime/gpu/device.ts';
import { guarded } from '../runtime/gpu/errors.ts';
import type { InputWriter } from '../runtime/gpu/executor.ts';
import { elementCount } from '../runtime/tensor.ts';
import type { Picture } from './browser_image.ts';
import { channelsOf } from './preprocessing.ts';
import type { Preprocessor } from './preprocessor.ts';

/**
 * The most pixels that wait for the GPU, in bytes. The driver copies them when they are written and keeps them
 * until the work before them is done: 32 photos of 12 megapixels would take 1.5 GB.
 */
const MAX_WAITING = 2 ** 28;

/** Owns GPU memory for one batch, and one image. The queue keeps the order, so that one batch is enough. */
export class ImageBatch {
  readonly #device: Device;
  readonly #preprocessor: Preprocessor;
  readonly #size: number;
  readonly #imageBytes: number;
  readonly #image: GPUBuffer;
  readonly #batch: GPUBuffer;
  #count = 0;
  #waiting = 0;

  private constructor(
    device: Device,
    preprocessor: Preprocessor,
    size: number,
    imageBytes: number,
    image: GPUBuffer,
    batch: GPUBuffer,
  ) {
    this.#device = device;
    this.#preprocessor = preprocessor;
    this.#size = size;
    this.#imageBytes = imageBytes;
    this.#image = image;
    this.#batch = batch;
  }

  /** For `size` images, as the preprocessor makes them. Throws GpuError when the device is out of memory. */
  static create(device: Device, preprocessor: Preprocessor, size: number): Promise<ImageBatch> {
    const { channels, size: extents } = preprocessor.preprocessing;
    const bytes = 4 * elementCount([channelsOf(channels), ...extents]);
    const { STORAGE, COPY_SRC, COPY_DST } = GPUBufferUsage;
    return guarded(device.gpu, 'batch of images', () => {
      const image = { label: 'image', size: bytes, usage: STORAGE | COPY_SRC };
      const batch = { label: 'batch', size: size * bytes, usage: COPY_SRC | COPY_DST };
      return new ImageBatch(
        device,
        preprocessor,
        size,
        bytes,
        device.gpu.createBuffer(image),
        device.gpu.createBuffer(batch),
      );
    });
  }

  /** Images added since the last `take`. */
  get count(): number {
    return this.#count;
  }

  get full(): boolean {
    return this.#count === this.#size;
  }

  /** Prepares an image, and waits while too many pixels are in flight. Throws what `prepare` throws. */
  async add(image: Picture): Promise<void> {
    const { gpu } = this.#device;
    const writer = await this.#preprocessor.prepare([image]);
    const encoder = gpu.createCommandEncoder();
    writer.encode(encoder, this.#image);
    const offset = this.#count * this.#imageBytes;
    encoder.copyBufferToBuffer(this.#image, 0, this.#batch, offset, this.#imageBytes);
    gpu.queue.submit([encoder.finish()]);
    this.#count++;
    this.#waiting += pixelBytes(image);
    if (this.#waiting < MAX_WAITING) return;
    await gpu.queue.onSubmittedWorkDone();
    this.#waiting = 0;
  }

  /**
   * What was added, as an input of the whole batch; places that were not filled hold earlier images. It is read
   * when the run is submitted, which `submitted` waits for: add nothing before.
   */
  take(): { readonly input: InputWriter; readonly submitted: Promise<void> } {
    const { channels, size } = this.#preprocessor.preprocessing;
    this.#count = 0;
    const { promise, resolve } = deferred();
    const input: InputWriter = {
      shape: [this.#size, channelsOf(channels), ...size],
      encode: (encoder, target) => {
        encoder.copyBufferToBuffer(this.#batch, 0, target, 0, this.#size * this.#imageBytes);
        resolve();
      },
    };
    return { input, submitted: promise };
  }

  dispose(): void {
    this.#image.destroy();
    this.#batch.destroy();
  }
}

function pixelBytes(image: Picture): number {
  return 'data' in image ? image.data.length : 0;
}

function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
