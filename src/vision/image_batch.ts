/** An input of several images that is filled while the batch before it runs. */
import { DeviceLostError } from '../runtime/errors.ts';
import type { Device, Opening } from '../runtime/gpu/device.ts';
import { guarded } from '../runtime/gpu/errors.ts';
import type { InputWriter } from '../runtime/gpu/executor.ts';
import { elementCount } from '../runtime/tensor.ts';
import type { Picture } from './browser_image.ts';
import { inputShape } from './preprocessing.ts';
import type { Preprocessor } from './preprocessor.ts';

/**
 * The most pixels that wait for the GPU, in bytes. The driver copies them when they are written and keeps them
 * until the work before them is done: 32 photos of 12 megapixels would take 1.5 GB.
 */
const MAX_WAITING = 2 ** 28;

/** Memory for one batch, and one image, on one opening of the device. */
interface Buffers {
  readonly opening: Opening;
  readonly image: GPUBuffer;
  readonly batch: GPUBuffer;
}

/** Owns GPU memory for one batch, and one image. The queue keeps the order, so that one batch is enough. */
export class ImageBatch {
  readonly #device: Device;
  readonly #preprocessor: Preprocessor;
  readonly #size: number;
  #buffers: Buffers;
  #count = 0;
  #waiting = 0;
  #disposed = false;

  private constructor(device: Device, preprocessor: Preprocessor, size: number, buffers: Buffers) {
    this.#device = device;
    this.#preprocessor = preprocessor;
    this.#size = size;
    this.#buffers = buffers;
  }

  /** For `size` images, as the preprocessor makes them. Throws GpuError when the device is out of memory. */
  static create(device: Device, preprocessor: Preprocessor, size: number): Promise<ImageBatch> {
    return device.use(
      async (opening) =>
        new ImageBatch(device, preprocessor, size, await allocate(opening, preprocessor, size)),
    );
  }

  /** Images added since the last `take`. */
  get count(): number {
    return this.#count;
  }

  get full(): boolean {
    return this.#count === this.#size;
  }

  /**
   * Prepares an image, and waits while too many pixels are in flight. Throws what `prepare` throws, and DeviceLostError
   * when the images before it were lost with the device: `take` makes room for others.
   */
  async add(image: Picture): Promise<void> {
    const writer = await this.#preprocessor.prepare([image]);
    await this.#device.use(async (opening) => {
      await this.#renew(opening);
      const { image: one, batch } = this.#buffers;
      const { gpu } = opening;
      const encoder = gpu.createCommandEncoder();
      writer.encode(encoder, one);
      encoder.copyBufferToBuffer(one, 0, batch, this.#count * one.size, one.size);
      gpu.queue.submit([encoder.finish()]);
      this.#count++;
      this.#waiting += pixelBytes(image);
      if (this.#waiting < MAX_WAITING) return;
      await gpu.queue.onSubmittedWorkDone();
      this.#waiting = 0;
    });
  }

  /**
   * What was added, as an input of the whole batch; places that were not filled hold earlier images. It is read
   * when the run is submitted, which `submitted` waits for: add nothing before.
   */
  take(): { readonly input: InputWriter; readonly submitted: Promise<void> } {
    this.#count = 0;
    const { promise, resolve } = deferred();
    const { opening, batch } = this.#buffers;
    const input: InputWriter = {
      shape: inputShape(this.#preprocessor.preprocessing, this.#size),
      encode: (encoder, target) => {
        if (opening.lost) throw lostImages();
        encoder.copyBufferToBuffer(batch, 0, target, 0, batch.size);
        resolve();
      },
    };
    return { input, submitted: promise };
  }

  dispose(): void {
    this.#disposed = true;
    this.#free();
  }

  #free(): void {
    this.#buffers.image.destroy();
    this.#buffers.batch.destroy();
  }

  async #renew(opening: Opening): Promise<void> {
    if (opening === this.#buffers.opening) return;
    if (this.#count > 0) throw lostImages();
    this.#free();
    this.#buffers = await allocate(opening, this.#preprocessor, this.#size);
    this.#waiting = 0;
    // It may have been disposed of meanwhile.
    if (this.#disposed) this.dispose();
  }
}

function lostImages(): DeviceLostError {
  return new DeviceLostError(
    'the images of a batch were lost with the GPU device; begin with the first of them again',
  );
}

function allocate(
  opening: Opening,
  { preprocessing }: Preprocessor,
  size: number,
): Promise<Buffers> {
  const { gpu } = opening;
  const bytes = 4 * elementCount(inputShape(preprocessing, 1));
  const { STORAGE, COPY_SRC, COPY_DST } = GPUBufferUsage;
  const image = { label: 'image', size: bytes, usage: STORAGE | COPY_SRC };
  const batch = { label: 'batch', size: size * bytes, usage: COPY_SRC | COPY_DST };
  return guarded(gpu, 'batch of images', () => ({
    opening,
    image: gpu.createBuffer(image),
    batch: gpu.createBuffer(batch),
  }));
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
