/** What a reader of files is told beside the file. */
import type { Shape } from '../runtime/tensor.ts';
import type { ReadExternal } from './external_data.ts';
import type { GivenConstants } from './given_constants.ts';
import type { Importer } from './import_node.ts';

/** What `loadOnnx` is told besides the file. */
export interface OnnxImportOptions {
  /** For messages; `model.onnx` by default. */
  readonly name?: string;
  /** Shapes of inputs, by name, in place of those in the file. */
  readonly shapes?: Readonly<Record<string, Shape>>;
  /** Images at a time, where the file leaves that open; 1 by default. */
  readonly batch?: number;
  /**
   * Inputs of the model that are the same at every run, by name: so a branch is chosen, and a size is known. A number,
   * or a list, has the shape that the file says.
   *
   * @example
   * const loadSpeech = (file: Uint8Array) => loadOnnx(file, { constants: { sr: 16000 } });
   */
  readonly constants?: GivenConstants;
  /**
   * Names of values in the file that become its outputs, in place of those that it says: what only comes after them is
   * not read. So a detector is read that ends in an operator which is not, such as NonMaxSuppression.
   *
   * @example
   * const network = loadOnnx(onnxFile, { outputs: ['conv1'] });
   */
  readonly outputs?: readonly string[];
  /** Reads the files that hold tensors beside the model's; without it, such models are refused. */
  readonly readExternal?: ReadExternal;
  /**
   * Operators of your own, or in place of those that are read, by `OpType`, or `domain.OpType` in another domain than
   * ONNX's: what a node of it is, made of builders. Where all inputs are constants, so is the result, if that is cheap.
   *
   * @example
   * const scale: Importer = (call) => mul(call.g, call.value(0), call.float('by', 1));
   * const network = loadOnnx(onnxFile, { importers: { 'com.example.Scale': scale } });
   */
  readonly importers?: Readonly<Record<string, Importer>>;
}
