import { TilewiseError } from '../runtime/errors.ts';
import { elementCount, formatShape, type Shape } from '../runtime/tensor.ts';

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

/** Throws NumpyError where an array has not as many elements as its shape. */
export function checkLength({ shape, data }: NumpyArray, who: string): void {
  const count = elementCount(shape);
  const shown = `${formatShape(shape)} takes ${count} elements, the data has ${data.length}`;
  demandSound(count === data.length, `${who}: ${shown}`);
}
