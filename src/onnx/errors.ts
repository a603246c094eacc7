import { TilewiseError, UnsupportedError } from '../runtime/errors.ts';

/**
 * An .onnx file is broken, or larger than is read.
 *
 * @example
 * try {
 *   loadOnnx(new Uint8Array(3));
 * } catch (error) {
 *   if (error instanceof OnnxError) console.log(error.message); // ONNX file "model.onnx": ...
 * }
 */
export class OnnxError extends TilewiseError {
  /** `OnnxError`. */
  override readonly name = 'OnnxError';
}

/** Throws OnnxError where the file is not as it must be. */
export function demandSound(sound: unknown, problem: string): asserts sound {
  if (!sound) throw new OnnxError(problem);
}

/** Throws UnsupportedError for what cannot be had. */
export function demand(supported: unknown, problem: string): asserts supported {
  if (!supported) throw new UnsupportedError(problem);
}

/** What is wrong with a file is said under its name. */
export function ofFile<T>(name: string, read: () => T): T {
  return underName(OnnxError, `ONNX file "${name}"`, read);
}

/** Errors of a kind, and UnsupportedError, begin with whose they are. */
export function underName<T>(
  kind: new (message: string, options: ErrorOptions) => Error,
  who: string,
  read: () => T,
): T {
  try {
    return read();
  } catch (cause) {
    const Kind = [kind, UnsupportedError].find((one) => cause instanceof one);
    if (!Kind || !(cause instanceof Error)) throw cause;
    throw new Kind(`${who}: ${cause.message}`, { cause });
  }
}
