import { TilewiseError } from '../runtime/errors.ts';
import type { Shape } from '../runtime/tensor.ts';

/** An array in row-major order. Its shape is [] where it is one number; extents may be 0. */
export interface NumpyArray {
  readonly shape: Shape;
  readonly data: Float32Array;
}

/** A .npy or .npz file is broken, or holds what is not read. */
export class NumpyError extends TilewiseError {
  override readonly name = 'NumpyError';
}

/** Throws NumpyError where a file is not as it must be. */
export function demandSound(sound: unknown, problem: string): asserts sound {
  if (!sound) throw new NumpyError(problem);
}
