import { RUNS_IN_FLIGHT } from '../plan/compile.ts';

/** The staging buffers of one run: one an output. */
export interface ReadbackSlot {
  readonly buffers: readonly GPUBuffer[];
}

/**
 * Staging buffers taken in turn, so that a run can be submitted while the one before is still read.
 * Whoever asks while all are taken waits; the first to ask is the first served.
 */
export class ReadbackRing {
  readonly #slots: readonly ReadbackSlot[];
  readonly #free: ReadbackSlot[];
  readonly #waiting: ((slot: ReadbackSlot) => void)[] = [];

  constructor(device: GPUDevice, bytes: readonly number[]) {
    this.#slots = Array.from({ length: RUNS_IN_FLIGHT }, (_, i) => ({
      buffers: bytes.map((size) => {
        const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
        return device.createBuffer({ label: `readback ${i}`, size, usage });
      }),
    }));
    this.#free = [...this.#slots];
  }

  acquire(): Promise<ReadbackSlot> {
    const slot = this.#free.shift();
    if (slot) return Promise.resolve(slot);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  release(slot: ReadbackSlot): void {
    const next = this.#waiting.shift();
    if (next) next(slot);
    else this.#free.push(slot);
  }

  dispose(): void {
    for (const slot of this.#slots) for (const buffer of slot.buffers) buffer.destroy();
  }
}
