/** Tensors that stay on the GPU. */

import { given } from '../arguments.ts';
import { ShapeError, UnsupportedError } from '../errors.ts';
import { checkKinds } from '../kinds.ts';
import { elementCount, formatShape, type Shape, tensorDesc } from '../tensor.ts';
import type { Device, Opening } from './device.ts';
import { guarded } from './errors.ts';
import type { InputWriter } from './executor.ts';

const BYTES = Float32Array.BYTES_PER_ELEMENT;

/** Where a tensor lies in a buffer. */
export interface GpuTensorOptions {
  /** Where the tensor begins in the buffer, in bytes, a multiple of 4; 0 by default. */
  readonly offset?: number;
}

/**
 * A tensor in a GPUBuffer: row-major, f32. `runOnGpu` and `encodeRun` write outputs into such, and every session on the
 * same device takes one as an input, so that sessions follow one another, and a renderer them, without a value being
 * read back.
 *
 * @example
 * using features = await GpuTensor.allocate(device, [1, 10]);
 * await runOnGpu(session, pixels, features);
 * const logits = await features.read(device);
 */
export class GpuTensor implements InputWriter {
  /** Its extents. */
  readonly shape: Shape;
  /** The memory that it lies in, to be bound by a renderer, say. */
  readonly buffer: GPUBuffer;
  /** In bytes. */
  readonly offset: number;
  /** What its own memory was allocated on, or that of the tensor it is a part of. */
  readonly #opening: Opening | undefined;
  readonly #owned: boolean;

  private constructor(
    shape: Shape,
    buffer: GPUBuffer,
    offset: number,
    opening?: Opening,
    owned = false,
  ) {
    this.shape = shape;
    this.buffer = buffer;
    this.offset = offset;
    this.#opening = opening;
    this.#owned = owned;
  }

  /**
   * A tensor of its own memory, to be freed by `dispose`; what it holds at first is zero. Its buffer has the usages
   * STORAGE, COPY_SRC and COPY_DST, and `usage`.
   *
   * @param device - That of the sessions which use it.
   * @param shape - Positive integers.
   * @param usage - More of `GPUBufferUsage`, such as `GPUBufferUsage.VERTEX`.
   * @throws ShapeError for extents that are no positive integers.
   * @throws UnsupportedError for more than a buffer holds.
   * @throws GpuError when the device is out of memory.
   *
   * @example
   * using boxes = await GpuTensor.allocate(device, [100, 4], GPUBufferUsage.VERTEX);
   */
  static async allocate(device: Device, shape: Shape, usage: number = 0): Promise<GpuTensor> {
    checkKinds('GpuTensor.allocate', { device, usage });
    return device.use(async (opening) => {
      const size = bytesOf(shape);
      const { maxBufferSize } = opening.profile.limits;
      if (size > maxBufferSize) {
        throw new UnsupportedError(
          `a GpuTensor ${formatShape(shape)} takes ${size} bytes, a buffer of this device holds at most ${maxBufferSize}; use a smaller batch`,
        );
      }
      const what = `tensor ${formatShape(shape)}`;
      return guarded(opening.gpu, `${size} bytes for a ${what}`, () => {
        const usages = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
        const buffer = opening.gpu.createBuffer({ label: what, size, usage: usages | usage });
        return new GpuTensor([...shape], buffer, 0, opening, true);
      });
    });
  }

  /**
   * A tensor in a buffer of the caller's, who frees it. As an input the buffer needs the usage COPY_SRC, as an output
   * COPY_DST.
   *
   * @param buffer - The caller's.
   * @param shape - Positive integers.
   * @param options - Where it begins.
   * @throws ShapeError where the buffer does not hold it.
   *
   * @example
   * const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
   * const buffer = device.gpu.createBuffer({ size: 4 * 20, usage });
   * const second = GpuTensor.of(buffer, [1, 10], { offset: 4 * 10 });
   */
  static of(buffer: GPUBuffer, shape: Shape, options: GpuTensorOptions = {}): GpuTensor {
    checkKinds('GpuTensor.of', { options });
    const { offset = 0 } = options;
    const bytes = bytesOf(shape);
    const sound = Number.isSafeInteger(offset) && offset >= 0 && offset % BYTES === 0;
    const isBuffer = typeof buffer?.mapAsync === 'function';
    if (!isBuffer || !sound || !(buffer.size >= offset + bytes)) {
      throw new ShapeError(
        `a GpuTensor ${formatShape(shape)} takes ${bytes} bytes from a multiple of 4 on, got byte ${offset} of ${given(buffer)} of ${buffer?.size} bytes`,
      );
    }
    return new GpuTensor([...shape], buffer, offset);
  }

  /**
   * Records that the tensor becomes an input: row-major, f32.
   *
   * @param encoder - Into which it records.
   * @param target - The plan's buffer.
   * @throws DeviceLostError once its device was lost.
   *
   * @example
   * using digit = await GpuTensor.allocate(device, [1, 1, 28, 28]);
   * using copy = await GpuTensor.allocate(device, [1, 1, 28, 28]);
   * const encoder = device.gpu.createCommandEncoder();
   * digit.encode(encoder, copy.buffer);
   * device.gpu.queue.submit([encoder.finish()]);
   */
  encode(encoder: GPUCommandEncoder, target: GPUBuffer): void {
    checkKinds('GpuTensor.encode', { encoder, target });
    this.#checkHeld();
    encoder.copyBufferToBuffer(this.buffer, this.offset, target, 0, this.#bytes);
  }

  /**
   * Records that it becomes what lies in another buffer, from a byte on: row-major, f32.
   *
   * @param encoder - Into which it records.
   * @param buffer - That which holds the data.
   * @param from - A byte, a multiple of 4; 0 by default.
   * @throws DeviceLostError once its device was lost.
   *
   * @example
   * using digit = await GpuTensor.allocate(device, [1, 1, 28, 28]);
   * using all = await GpuTensor.allocate(device, [8, 1, 28, 28]);
   * const encoder = device.gpu.createCommandEncoder();
   * digit.take(encoder, all.buffer, 3 * 4 * 28 * 28); // the fourth
   * device.gpu.queue.submit([encoder.finish()]);
   */
  take(encoder: GPUCommandEncoder, buffer: GPUBuffer, from = 0): void {
    checkKinds('GpuTensor.take', { encoder, buffer, from });
    this.#checkHeld();
    encoder.copyBufferToBuffer(buffer, from, this.buffer, this.offset, this.#bytes);
  }

  /**
   * One of `count` equal parts of it along the first axis, in the same memory, which it does not free.
   *
   * @param index - Of the part, from 0.
   * @param count - Of all parts; a divisor of the first extent.
   * @throws ShapeError where there is no such part.
   * @throws TilewiseError for what are no numbers.
   *
   * @example
   * using batch = await GpuTensor.allocate(device, [8, 10]);
   * const lastFour = batch.part(1, 2); // [4, 10]
   */
  part(index: number, count: number): GpuTensor {
    checkKinds('GpuTensor.part', { index, count });
    const [first = 1, ...rest] = this.shape;
    const shape = [first / count, ...rest];
    if (first % count !== 0 || !Number.isInteger(index) || index < 0 || index >= count) {
      throw new ShapeError(
        `a GpuTensor ${formatShape(this.shape)} has no part ${index} of ${count}`,
      );
    }
    const offset = this.offset + index * BYTES * elementCount(shape);
    return new GpuTensor(shape, this.buffer, offset, this.#opening);
  }

  /**
   * Whether it has memory in common with another.
   *
   * @param other - Any.
   * @throws TilewiseError for what is no GpuTensor.
   *
   * @example
   * using batch = await GpuTensor.allocate(device, [8, 10]);
   * batch.overlaps(batch.part(1, 2)); // true
   */
  overlaps(other: GpuTensor): boolean {
    checkKinds('GpuTensor.overlaps', { other });
    return (
      this.buffer === other.buffer &&
      this.offset < other.offset + other.#bytes &&
      other.offset < this.offset + this.#bytes
    );
  }

  /**
   * Whether it has the very memory of another.
   *
   * @param other - Any.
   * @throws TilewiseError for what is no GpuTensor.
   *
   * @example
   * using batch = await GpuTensor.allocate(device, [8, 10]);
   * batch.covers(batch.part(0, 1)); // true
   */
  covers(other: GpuTensor): boolean {
    checkKinds('GpuTensor.covers', { other });
    return (
      this.buffer === other.buffer && this.offset === other.offset && this.#bytes === other.#bytes
    );
  }

  /**
   * Reads it back: the one thing here that waits for the GPU.
   *
   * @param device - That which it lies on.
   * @throws GpuError or DeviceLostError when the GPU fails.
   *
   * @example
   * using zeros = await GpuTensor.allocate(device, [2, 2]);
   * const values = await zeros.read(device); // Float32Array of 0, 0, 0, 0
   */
  async read(device: Device): Promise<Float32Array> {
    checkKinds('GpuTensor.read', { device });
    return device.use(async ({ gpu }) => {
      const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
      const who = `reading a tensor ${formatShape(this.shape)}`;
      let staging: GPUBuffer | undefined;
      try {
        const read = await guarded(gpu, who, () => {
          staging = gpu.createBuffer({ label: 'read tensor', size: this.#bytes, usage });
          const encoder = gpu.createCommandEncoder();
          this.encode(encoder, staging);
          gpu.queue.submit([encoder.finish()]);
          return staging;
        });
        await read.mapAsync(GPUMapMode.READ);
        return new Float32Array(read.getMappedRange().slice(0));
      } finally {
        staging?.destroy();
      }
    });
  }

  /**
   * Frees the memory, where it is its own. Twice is harmless; what was submitted still completes.
   *
   * @example
   * const tensor = await GpuTensor.allocate(device, [2, 2]);
   * tensor.dispose(); // or: using tensor = ...
   */
  dispose(): void {
    if (this.#owned) this.buffer.destroy();
  }

  /** What `using` calls: `dispose`. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  /** What messages call it: `GpuTensor`. */
  get [Symbol.toStringTag](): string {
    return 'GpuTensor';
  }

  get #bytes(): number {
    return bytesOf(this.shape);
  }

  #checkHeld(): void {
    if (this.#opening?.lost) throw this.#opening.lost;
  }
}

function bytesOf(shape: Shape): number {
  return BYTES * elementCount(tensorDesc(shape, 'a GpuTensor').shape);
}
