import { type PlannedWeight, weightKey } from '../plan/compile.ts';
import type { DType } from '../tensor.ts';
import { float32ToFloat16 } from '../weights/float_formats.ts';
import type { Opening } from './device.ts';
import { guarded } from './errors.ts';
import { filledBuffer } from './filled_buffer.ts';

export interface UploadOptions {
  /** The data of a weight, in the arrangement planned. */
  readonly read: (weight: PlannedWeight) => Float32Array;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A session's constants on the device. They outlive the plans made from them. */
export class WeightBuffers {
  readonly #buffers = new Map<string, GPUBuffer>();
  #opening: Opening | undefined;

  /** The buffers of these weights, in their order; those that this opening has already are not read again. */
  async load(
    opening: Opening,
    weights: readonly PlannedWeight[],
    options: UploadOptions,
  ): Promise<readonly GPUBuffer[]> {
    if (opening !== this.#opening) this.dispose();
    this.#opening = opening;
    const buffers: GPUBuffer[] = [];
    for (const weight of weights) {
      options.signal?.throwIfAborted();
      const key = weightKey(weight);
      const buffer = this.#buffers.get(key) ?? (await upload(opening, weight, options));
      this.#buffers.set(key, buffer);
      buffers.push(buffer);
      options.onProgress?.(buffers.length, weights.length);
    }
    return buffers;
  }

  /** Frees all but these. */
  keepOnly(weights: readonly PlannedWeight[]): void {
    const kept = new Set(weights.map(weightKey));
    for (const [key, buffer] of this.#buffers) {
      if (kept.has(key)) continue;
      buffer.destroy();
      this.#buffers.delete(key);
    }
  }

  dispose(): void {
    this.keepOnly([]);
  }
}

async function upload(
  { gpu }: Opening,
  weight: PlannedWeight,
  { read }: UploadOptions,
): Promise<GPUBuffer> {
  const { name } = weight.constant;
  const data = read(weight);
  const descriptor = { label: name, size: weight.bytes, usage: GPUBufferUsage.STORAGE };
  return guarded(gpu, `weight "${name}"`, () =>
    filledBuffer(gpu, descriptor, (target) => write(target, data, weight.constant.desc.dtype)),
  );
}

function write(target: ArrayBuffer, data: Float32Array, dtype: DType): void {
  if (dtype === 'f16') new Uint16Array(target).set(float32ToFloat16(data));
  else new Float32Array(target).set(data);
}
