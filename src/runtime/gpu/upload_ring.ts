import { MOST_WRITTEN, RUNS_IN_FLIGHT } from '../plan/compile.ts';

/**
 * Takes arrays to the device: those beyond MOST_WRITTEN through staging buffers that are mapped again as soon as the
 * device has read them. These are made when they are first needed, since inputs may also come from the GPU; where there
 * is none, the queue writes.
 */
export class UploadRing {
  readonly #gpu: GPUDevice;
  /** Bytes of what may be in flight at once. */
  readonly #sizes: readonly number[];
  readonly #staging: GPUBuffer[] = [];
  /** Filled, and not submitted yet. */
  #filled: GPUBuffer[] = [];

  /** For inputs of so many bytes. */
  constructor(gpu: GPUDevice, inputs: readonly number[]) {
    this.#gpu = gpu;
    this.#sizes = Array.from({ length: RUNS_IN_FLIGHT }, () => inputs).flat();
  }

  /** Reads `data`, and brings it to `target` before what is recorded next. */
  write(encoder: GPUCommandEncoder, target: GPUBuffer, data: Float32Array): void {
    const size = data.byteLength;
    const staging = size > MOST_WRITTEN && this.#mapped(size);
    if (!staging) {
      this.#gpu.queue.writeBuffer(target, 0, data);
      return;
    }
    new Float32Array(staging.getMappedRange()).set(data);
    staging.unmap();
    this.#filled.push(staging);
    encoder.copyBufferToBuffer(staging, 0, target, 0, size);
  }

  /** Maps again what was filled, when the device is done with it. To be called once the encoder was submitted. */
  submitted(): void {
    for (const buffer of this.#filled) buffer.mapAsync(GPUMapMode.WRITE).catch(() => {});
    this.#filled = [];
  }

  /** Frees the buffers; others are made when they are needed. */
  dispose(): void {
    for (const buffer of this.#staging.splice(0)) buffer.destroy();
    this.#filled = [];
  }

  /** Undefined where the device still reads all that there may be, and where there is no memory for another. */
  #mapped(size: number): GPUBuffer | undefined {
    const alike = this.#staging.filter((buffer) => buffer.size === size);
    const ready = alike.find((buffer) => buffer.mapState === 'mapped');
    if (ready || alike.length === this.#sizes.filter((bytes) => bytes === size).length)
      return ready;
    const usage = GPUBufferUsage.MAP_WRITE | GPUBufferUsage.COPY_SRC;
    try {
      const buffer = this.#gpu.createBuffer({
        label: 'upload',
        size,
        usage,
        mappedAtCreation: true,
      });
      this.#staging.push(buffer);
      return buffer;
    } catch {
      return undefined;
    }
  }
}
