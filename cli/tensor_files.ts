/** Tensors in files: NumPy's .npy and .npz by their names, and raw little-endian f32 under any other. */
import { readFileSync } from 'node:fs';
import { basename, extname } from 'node:path';
import { type Shape, ShapeError, TilewiseError } from '../src/index.ts';
import { readNpy, readNpz, writeNpy, writeNpz } from '../src/numpy/index.ts';
import { writeOutput } from './output_file.ts';

/** A tensor of a file. */
export interface StoredTensor {
  /** Its name in the file; only in .npz files there are some. */
  readonly name?: string;
  /** Undefined in raw files, which do not say it. */
  readonly shape?: Shape;
  readonly data: Float32Array;
}

/** A tensor with the name and the shape that a model has for it. */
export interface NamedTensor {
  readonly name: string;
  readonly shape: Shape;
  readonly data: Float32Array;
}

/** Whether a file holds tensors under names. */
export function holdsNames(path: string): boolean {
  return extensionOf(path) === '.npz';
}

/** All tensors of a file. Throws TilewiseError for what cannot be read. */
export function readTensors(path: string): readonly StoredTensor[] {
  const bytes = readInput(path);
  switch (extensionOf(path)) {
    case '.npy':
      return [readNpy(bytes, basename(path))];
    case '.npz':
      return [...readNpz(bytes, basename(path))].map(([name, array]) => ({ name, ...array }));
    default:
      return [{ data: rawFloats(path, bytes) }];
  }
}

/** Writes tensors: all of them into a .npz file, else the only one. Throws TilewiseError where that fails. */
export async function writeTensors(path: string, tensors: readonly NamedTensor[]): Promise<void> {
  await writeOutput('output file', path, encoded(path, tensors));
}

function encoded(path: string, tensors: readonly NamedTensor[]): Uint8Array {
  const [{ data, shape } = { data: new Float32Array(), shape: [0] }] = tensors;
  switch (extensionOf(path)) {
    case '.npy':
      return writeNpy({ shape, data });
    case '.npz':
      return writeNpz(Object.fromEntries(tensors.map((tensor) => [tensor.name, tensor])));
    default:
      return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  }
}

function extensionOf(path: string): string {
  return extname(path).toLowerCase();
}

function rawFloats(path: string, bytes: Uint8Array): Float32Array {
  if (bytes.length % Float32Array.BYTES_PER_ELEMENT !== 0) {
    throw new ShapeError(
      `input file "${path}" has ${bytes.length} bytes, which are no whole number of f32 values; give raw little-endian f32, .npy or .npz`,
    );
  }
  // Copied, since a small file's buffer may begin at any offset.
  return new Float32Array(Uint8Array.from(bytes).buffer);
}

function readInput(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new TilewiseError(`input file "${path}" cannot be read: ${reasonOf(cause)}`, { cause });
  }
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
