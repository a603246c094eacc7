/** How long one run takes on the GPU, from the start of its first pass to the end of its last. */
const BYTES = 2 * BigUint64Array.BYTES_PER_ELEMENT;

/** Tells how long one run takes on the GPU, of a device that has timestamp queries. */
export class RunClock {
  readonly #querySet: GPUQuerySet;
  readonly #resolved: GPUBuffer;
  readonly #staging: GPUBuffer;

  constructor(gpu: GPUDevice) {
    const { QUERY_RESOLVE, COPY_SRC, MAP_READ, COPY_DST } = GPUBufferUsage;
    const usage = { resolved: QUERY_RESOLVE | COPY_SRC, staging: MAP_READ | COPY_DST };
    this.#querySet = gpu.createQuerySet({ type: 'timestamp', count: 2 });
    this.#resolved = gpu.createBuffer({ label: 'run clock', size: BYTES, usage: usage.resolved });
    this.#staging = gpu.createBuffer({ label: 'run time', size: BYTES, usage: usage.staging });
  }

  /**
   * What a pass of the run begins with; nothing for those in the middle.
   *
   * @param first - Whether it is the run's first pass.
   * @param last - Whether it is its last.
   */
  passDescriptor(first: boolean, last: boolean): GPUComputePassDescriptor {
    if (!first && !last) return {};
    return {
      timestampWrites: {
        querySet: this.#querySet,
        ...(first && { beginningOfPassWriteIndex: 0 }),
        ...(last && { endOfPassWriteIndex: 1 }),
      },
    };
  }

  /**
   * Records what makes the times readable, after the last pass.
   *
   * @param encoder - That of the last pass.
   */
  resolve(encoder: GPUCommandEncoder): void {
    encoder.resolveQuerySet(this.#querySet, 0, 2, this.#resolved, 0);
    encoder.copyBufferToBuffer(this.#resolved, 0, this.#staging, 0, BYTES);
  }

  /** The time in milliseconds, once the run is done. */
  async read(): Promise<number> {
    await this.#staging.mapAsync(GPUMapMode.READ);
    const [begin = 0n, end = 0n] = new BigUint64Array(this.#staging.getMappedRange());
    return Number(end - begin) / 1e6;
  }

  /** Frees its GPU memory. */
  dispose(): void {
    this.#querySet.destroy();
    this.#resolved.destroy();
    this.#staging.destroy();
  }
}
