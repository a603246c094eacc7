/** What a .tflite file holds of tensors, as ONNX wants it: every element, in whole bytes, in the order of its axes. */
import { MOST_AXES, MOST_ELEMENTS } from '../onnx/bounds.ts';
import { elementCount, formatShape, type Shape } from '../runtime/tensor.ts';
import { quoted } from '../runtime/weights/messages.ts';
import { demandSound } from './errors.ts';
import type { Tensor } from './model.ts';
import { dense } from './sparsity.ts';
import { type TensorType, tensorType, unpacked } from './tensor_type.ts';

/** Bytes that all tensors may take, of which some may stand in the file but once, beside 16 times its size. */
const MOST_MADE = 2 ** 24;
const MOST_TIMES = 16;

/** The elements of constant tensors, which are bounded in all. */
export class Constants {
  #left: number;

  constructor(fileBytes: number) {
    this.#left = MOST_TIMES * fileBytes + MOST_MADE;
  }

  /** The elements of a tensor, in the order that axes have after a permutation. */
  bytes({ name, shape, type, data, sparsity }: Tensor, order?: readonly number[]): Uint8Array {
    const who = `tensor ${quoted(name)}`;
    const known = tensorType(type);
    demandSound(data && known, `${who} has no values, or of type ${type}, which is not read`);
    checkShape(shape, who);
    const count = elementCount(shape);
    const size = bytesOf(known);
    this.spend(count * size);
    let bytes = data;
    if (sparsity) {
      bytes = dense(data, sparsity, shape, size);
    } else if (known.bits < 8) {
      bytes = unpacked(data, count, known);
    }
    const expected = `${formatShape(shape)} takes ${count * size} bytes, ${bytes.length} are stored`;
    demandSound(bytes.length === count * size, `${who}: ${expected}`);
    if (!order || order.every((axis, i) => axis === i)) return bytes;
    return transposed(bytes, shape, order, size);
  }

  /** Counts bytes that the ONNX file gets. */
  spend(bytes: number): void {
    this.#left -= bytes;
    demandSound(this.#left >= 0, 'holds far more values than it has bytes');
  }
}

/** In memory. */
function bytesOf({ bits }: TensorType): number {
  return Math.max(bits / 8, 1);
}

export function checkShape(shape: readonly number[], who: string): void {
  const valid = shape.length <= MOST_AXES && shape.every((extent) => extent >= 0);
  const small = valid && elementCount(shape) <= MOST_ELEMENTS;
  demandSound(small, `${who} is [${shape.slice(0, MOST_AXES).join(', ')}], which no tensor is`);
}

/** Elements of `size` bytes with their axes in another order. */
function transposed(
  bytes: Uint8Array,
  shape: Shape,
  order: readonly number[],
  size: number,
): Uint8Array {
  // Those of 8 bytes are moved as pairs of words.
  const words = size === 8;
  const extents = words ? [...shape, 2] : shape;
  const axes = words ? [...order, shape.length] : order;
  const Elements = size === 1 ? Uint8Array : size === 2 ? Uint16Array : Uint32Array;
  // A copy begins where such elements may.
  const from = new Elements(Uint8Array.from(bytes).buffer);
  const to = new Elements(from.length);
  const outer = axes.slice(0, -1).map((axis) => extents[axis] ?? 1);
  const steps = axes.map((axis) => elementCount(extents.slice(axis + 1)));
  const run = extents[axes.at(-1) ?? 0] ?? 1;
  const step = steps.at(-1) ?? 1;
  const index = outer.map(() => 0);
  let start = 0;
  for (let at = 0; at < to.length; at += run) {
    for (let i = 0; i < run; i++) to[at + i] = from[start + i * step] ?? 0;
    // The next index, as an odometer counts.
    for (let axis = outer.length - 1; axis >= 0; axis--) {
      const [place = 0, stride = 0] = [index[axis], steps[axis]];
      const turns = place + 1 === outer[axis];
      start += turns ? -place * stride : stride;
      index[axis] = turns ? 0 : place + 1;
      if (!turns) break;
    }
  }
  return new Uint8Array(to.buffer);
}
