import { present } from '../errors.ts';
import { RUNS_IN_FLIGHT } from '../plan/compile.ts';
import { bytesPerElement, copyRowMajor, elementSpan, type TensorDesc } from '../tensor.ts';
import { float16Table, float16ToFloat32 } from '../weights/float_formats.ts';

/** The bytes of a buffer that hold a tensor, in whole words. */
export function rangeOf(desc: TensorDesc): { readonly from: number; readonly bytes: number } {
  const size = bytesPerElement(desc.dtype);
  const first = (desc.view?.offset ?? 0) * size;
  const from = Math.floor(first / 4) * 4;
  return { from, bytes: Math.ceil((first + elementSpan(desc) * size) / 4) * 4 - from };
}

/** Copies a tensor out of that range, row-major and as f32. */
export function copyOut(desc: TensorDesc, range: ArrayBuffer, target: Float32Array): void {
  const size = bytesPerElement(desc.dtype);
  const skipped = ((desc.view?.offset ?? 0) * size - rangeOf(desc).from) / size;
  const span = elementSpan(desc);
  const stored =
    desc.dtype === 'f16'
      ? float16ToFloat32(new Uint16Array(range).subarray(skipped, skipped + span), float16Table())
      : new Float32Array(range).subarray(skipped, skipped + span);
  copyRowMajor(desc, stored, target);
}

/** The staging buffers of one run, one for each output. */
export interface ReadbackSlot {
  readonly buffers: readonly GPUBuffer[];
  /** Settles when the last run that took them has read them. */
  free: Promise<unknown>;
}

/** Staging buffers used in turn, so that a run can be submitted while the one before is still read. */
export class ReadbackRing {
  #slots: readonly ReadbackSlot[] = [];
  #taken = 0;

  /** Makes the buffers, of so many bytes. */
  allocate(device: GPUDevice, bytes: readonly number[]): void {
    this.#slots = Array.from({ length: RUNS_IN_FLIGHT }, (_, i) => ({
      buffers: bytes.map((size) => {
        const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
        return device.createBuffer({ label: `readback ${i}`, size, usage });
      }),
      free: Promise.resolve(),
    }));
  }

  /** Those whose turn it is. Who takes them waits until they are free, and says when they will be again. */
  take(): ReadbackSlot {
    return present(this.#slots[this.#taken++ % RUNS_IN_FLIGHT], 'item');
  }

  dispose(): void {
    for (const slot of this.#slots) for (const buffer of slot.buffers) buffer.destroy();
  }
}
