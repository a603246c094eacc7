import { TilewiseError } from '../runtime/errors.ts';
import type { Shape } from '../runtime/tensor.ts';

/** An array in row-major order. Its shape is [] where it is one number; extents may be 0. */
export interface NumpyArray {
  /** Extents; none for a number. */
  readonly shape: Shape;
  /** Row-major, whatever the file's order. */
  readonly data: Float32Array;
}

/**
 * A .npy or .npz file is broken, or holds what is not read.
 *
 * @example
 * try {
 *   readNpy(new Uint8Array(3));
 * } catch (error) {
 *   if (error instanceof NumpyError) console.log(error.message); // NumPy file "array.npy": ...
 * }
 */
export class NumpyError extends TilewiseError {
  /** `NumpyError`. */
  override readonly name = 'NumpyError';
}

/** Throws NumpyError where a file is not as it must be. */
export function demandSound(sound: unknown, problem: string): asserts sound {
  if (!sound) throw new NumpyError(problem);
}
