/** What a model takes, before anything of it is built. */
import { openOnnx } from './import.ts';
import { describeType, type Extents, extentsOf, fedInputs, typeOf } from './model_inputs.ts';

/** An input that is fed at every run. */
export interface OnnxInput {
  /** By which data is given to `run`. */
  readonly name: string;
  /** `float32`, `int64`; or what is not read, as the file says it: `STRING`. */
  readonly type: string;
  /** An extent is undefined where the file leaves it open, and so is the shape where it leaves out all of them. */
  readonly shape: Extents;
}

/**
 * The inputs of an .onnx file, in its order, without those that it has values for: their names and shapes, to be fed
 * and given to `loadOnnx`.
 *
 * @param bytes - The file.
 * @param name - What messages call it.
 * @param outputs - Values that are wanted, where not all of the model's are: what these do not need is left out.
 * @throws OnnxError or UnsupportedError, as `loadOnnx`, for a file that cannot be read at all.
 *
 * @example
 * const [image] = onnxInputs(onnxFile); // { name: 'input', type: 'float32', shape: [1, 1, 28, 28] }
 */
export function onnxInputs(
  bytes: Uint8Array,
  name = 'model.onnx',
  outputs?: readonly string[],
): readonly OnnxInput[] {
  const { graph } = openOnnx(bytes, name, outputs);
  return fedInputs(graph).map((input) => ({
    name: input.name,
    type: typeOf(input) ?? describeType(input),
    shape: extentsOf(input),
  }));
}
