import { checkBytes } from '../arguments.ts';
import { WeightError } from '../errors.ts';
import { formatShape, type Shape, shapesEqual } from '../tensor.ts';
import { bfloat16ToFloat32, float16Table, float16ToFloat32 } from './float_formats.ts';
import { clipped, quoted } from './messages.ts';
import { readHeader, type TensorEntry } from './safetensors_header.ts';
import type { WeightSource } from './weight_source.ts';

/**
 * Opens a safetensors file that is in memory. Tensors of every type the format knows are
 * listed; F32, F16 and BF16 can be read, as f32. The source keeps `bytes`, which must not change; each read returns a
 * new array.
 *
 * @param bytes - The whole file.
 * @param name - What messages call it; `weights.safetensors` by default.
 * @throws WeightError when the file is truncated or breaks a rule of the format.
 *
 * @example
 * const bytes = await (await fetch('/lenet-mnist.safetensors')).arrayBuffer();
 * const source = openSafetensors(new Uint8Array(bytes), 'lenet');
 */
export function openSafetensors(bytes: Uint8Array, name = 'weights.safetensors'): WeightSource {
  checkBytes('openSafetensors', bytes);
  const { tensors, dataStart } = readHeader(bytes, (what, options) => fault(name, what, options));
  return new SafetensorsSource(name, tensors, bytes.subarray(dataStart));
}

/** The tensors of a file. */
export class SafetensorsSource implements WeightSource {
  readonly name: string;
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  readonly #data: Uint8Array;
  #float16Table: Float32Array | undefined;

  constructor(name: string, tensors: ReadonlyMap<string, TensorEntry>, data: Uint8Array) {
    this.name = name;
    this.tensors = tensors;
    this.#data = data;
  }

  read(name: string, shape: Shape): Float32Array {
    const bytes = this.bytesOf(name, shape);
    const dtype = this.tensors.get(name)?.dtype;
    switch (dtype) {
      case 'F32':
        return new Float32Array(bytes);
      case 'F16':
        this.#float16Table ??= float16Table();
        return float16ToFloat32(new Uint16Array(bytes), this.#float16Table);
      case 'BF16':
        return bfloat16ToFloat32(new Uint16Array(bytes));
      default: {
        const what = `expected dtype F32, F16 or BF16, got ${dtype}`;
        throw fault(this.name, `tensor ${quoted(name)}: ${what}`);
      }
    }
  }

  /**
   * The tensor's bytes in a buffer of their own: in a file they may start at any address, under a
   * typed array they may not. Typed arrays use the machine's byte order, which is the file's
   * little-endian wherever WebGPU exists.
   */
  bytesOf(name: string, shape: Shape): ArrayBuffer {
    const entry = this.tensors.get(name);
    if (!entry) throw fault(this.name, `there is no tensor ${quoted(name)}`);
    if (!shapesEqual(entry.shape, shape)) {
      const got = clipped(formatShape(entry.shape));
      const what = `expected shape ${formatShape(shape)}, got ${got}`;
      throw fault(this.name, `tensor ${quoted(name)}: ${what}`);
    }
    return new Uint8Array(this.#data.subarray(entry.begin, entry.end)).buffer;
  }
}

function fault(file: string, what: string, options?: ErrorOptions): WeightError {
  return new WeightError(`weights file "${file}": ${what}`, options);
}
