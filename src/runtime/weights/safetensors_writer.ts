/** Writes safetensors files. https://github.com/huggingface/safetensors#format */
import { MOST_HEADER_BYTES } from '../bounds.ts';
import { WeightError } from '../errors.ts';
import type { TensorInfo } from './weight_source.ts';

/** A tensor of the file, and its bytes, little-endian. */
export interface NamedTensor extends TensorInfo {
  readonly name: string;
  readonly data: Uint8Array;
}

/** Where tensors begin. Readers map the file, and look at its bytes as what they are. */
const ALIGNMENT = 8;

/** The file. Tensors of wide elements come first, as the format's own library has it, so that each is aligned. */
export function writeSafetensors(
  tensors: readonly NamedTensor[],
  metadata: unknown,
): Uint8Array<ArrayBuffer> {
  const ordered = tensors.toSorted((a, b) => widthOf(b) - widthOf(a));
  const entries: [string, unknown][] = metadata === undefined ? [] : [['__metadata__', metadata]];
  let end = 0;
  for (const { name, dtype, shape, data } of ordered) {
    entries.push([name, { dtype, shape, data_offsets: [end, end + data.length] }]);
    end += data.length;
  }
  const header = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  const headerBytes = Math.ceil(header.length / ALIGNMENT) * ALIGNMENT;
  if (headerBytes > MOST_HEADER_BYTES) {
    throw new WeightError(
      `a safetensors file of ${tensors.length} tensors would have a header of ${headerBytes} bytes; at most ${MOST_HEADER_BYTES} are read`,
    );
  }
  const file = new Uint8Array(ALIGNMENT + headerBytes + end);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerBytes), true);
  file.fill(' '.charCodeAt(0), ALIGNMENT, ALIGNMENT + headerBytes);
  file.set(header, ALIGNMENT);
  let at = ALIGNMENT + headerBytes;
  for (const { data } of ordered) {
    file.set(data, at);
    at += data.length;
  }
  return file;
}

/** Bits of an element; of truth values, which are named without, 8. */
function widthOf({ dtype }: TensorInfo): number {
  return Number(/\d+/.exec(dtype)?.[0] ?? 8);
}
