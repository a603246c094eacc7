import { underName } from '../onnx/errors.ts';
import { TilewiseError, UnsupportedError } from '../runtime/errors.ts';

/**
 * A .tflite file is broken, or larger than is read.
 *
 * @example
 * try {
 *   tfliteToOnnx(new Uint8Array(3));
 * } catch (error) {
 *   if (error instanceof TfliteError) console.log(error.message); // TFLite file "model.tflite": ...
 * }
 */
export class TfliteError extends TilewiseError {
  /** `TfliteError`. */
  override readonly name = 'TfliteError';
}

/** Throws TfliteError where the file is not as it must be. */
export function demandSound(sound: unknown, problem: string): asserts sound {
  if (!sound) throw new TfliteError(problem);
}

/** Throws UnsupportedError for what cannot be had. */
export function demand(supported: unknown, problem: string): asserts supported {
  if (!supported) throw new UnsupportedError(problem);
}

/** What is wrong is said under the name of what it is wrong with. */
export function saying<T>(who: string, read: () => T): T {
  return underName(TfliteError, who, read);
}
