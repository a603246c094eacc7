/** Reads an ONNX model into a graph and its weights. (https://onnx.ai/onnx/repo-docs/IR.html) */
import { checkBytes, checkOptions } from '../runtime/arguments.ts';
import { UnsupportedError } from '../runtime/errors.ts';
import { type Graph, type Value, weightsOf } from '../runtime/graph.ts';
import { GraphBuilder } from '../runtime/graph_builder.ts';
import { removeUnread } from '../runtime/passes/remove_unread.ts';
import type { WeightSource } from '../runtime/weights/weight_source.ts';
import { MOST_IN_NAME, MOST_READ } from './bounds.ts';
import { decodeModel } from './decode.ts';
import { isStandard } from './domain.ts';
import { endingIn } from './ending_in.ts';
import { demand, demandSound, ofFile } from './errors.ts';
import { GraphReader, type OnnxFile, type ReadGraph } from './graph_reader.ts';
import type { OnnxImportOptions } from './import_options.ts';
import { fedInputs } from './model_inputs.ts';

/** A model that was read. */
export interface OnnxModel {
  /** To be given to `createSession`; its inputs and outputs have the file's names. */
  readonly graph: Graph;
  /** The weights that the graph reads, under their names in the file. */
  readonly weights: WeightSource;
  /** The version of the operator set that it was written for. */
  readonly opset: number;
}

/** Files of PyTorch's first years are of 6, which differs little from 7. */
const LEAST_OPSET = 6;

/**
 * Reads an .onnx file: the convnet part of the operator set, versions 6 and later. What constants are computed of is
 * constant itself, of the branches of a known condition the one that it chooses stays, loops are written out turn by
 * turn where it is known how many there are, and what does nothing at inference is left out.
 *
 * Everything is f32 on the device. Float16, bfloat16 and double are read as f32, also as inputs and outputs; a cast to
 * bfloat16 rounds, one to float16 or double does not. Integers are floats without a fraction, exact up to 2^24, true
 * and false are 1 and 0: inputs of these types are fed as such. An input with an extent of 0 is not fed. Quantised
 * values are computed as the file says, as floats that hold integers; quantised weights are f32 once they are read.
 *
 * `weights` throws WeightError.
 *
 * @param bytes - The file.
 * @param options - Shapes that the file leaves open, inputs that are constant, files beside it, operators of your own.
 * @returns The graph, and the weights that it reads.
 * @throws OnnxError for a file that is broken.
 * @throws UnsupportedError that lists all that cannot be had, by operator.
 * @throws ShapeError where the file leaves an extent open and `shapes` does not give it.
 *
 * @example
 * const network = loadOnnx(onnxFile, { batch: 1 });
 * using running = await createSession(device, network.graph, { weights: network.weights });
 */
export function loadOnnx(bytes: Uint8Array, options: OnnxImportOptions = {}): OnnxModel {
  checkOptions('loadOnnx', options);
  const { name = 'model.onnx' } = options;
  const file = openOnnx(bytes, name, options.outputs);
  const builder = GraphBuilder.create();
  const { outputs, weights } = importOnnx(file, options, builder);
  for (const [output, value] of outputs) builder.output(output, value);
  const graph = builder.build(`${file.graph.name || name}`.slice(0, MOST_IN_NAME));
  return { ...neededOf(graph, weights, name), opset: file.opset };
}

/**
 * What the outputs need of a file's graph, of whose nodes some do what others did, and of its weights. Throws
 * UnsupportedError for more than is planned.
 */
export function neededOf(
  graph: Graph,
  weights: WeightSource,
  file: string,
): Pick<OnnxModel, 'graph' | 'weights'> {
  const needed = removeUnread(graph);
  const read = needed.nodes.flatMap(({ inputs }) => Object.keys(inputs)).length;
  if (read > MOST_READ) {
    throw new UnsupportedError(
      `ONNX file "${file}" reads ${read} values; at most ${MOST_READ} are planned`,
    );
  }
  const names = new Set(weightsOf(needed).map((weight) => weight.name));
  const tensors = [...(weights.tensors ?? [])].filter(([weight]) => names.has(weight));
  return { graph: needed, weights: { ...weights, tensors: new Map(tensors) } };
}

/** A file, up to these values where they are given. Throws OnnxError, UnsupportedError. */
export function openOnnx(
  bytes: Uint8Array,
  name: string,
  outputs?: readonly string[] | null,
): OnnxFile {
  checkBytes('ONNX file', bytes);
  return ofFile(name, () => {
    const { irVersion, graph, opsetImport, functions, metadataProps } = decodeModel(bytes);
    demandSound(graph, 'has no graph');
    const opset = Number(opsetImport.find(({ domain }) => isStandard(domain))?.version ?? 0n);
    const read = Number.isSafeInteger(opset) && opset >= LEAST_OPSET;
    demand(read, `is of operator set ${opset}; ${LEAST_OPSET} and later are read`);
    demand(functions.length === 0, 'defines functions; inline them first');
    const metadata = new Map(metadataProps.map(({ key, value }) => [key, value]));
    const wanted = outputs == null ? graph : endingIn(graph, outputs);
    return { name, irVersion, graph: wanted, inputs: fedInputs(graph), opset, metadata };
  });
}

/**
 * Adds the layers of a file to a graph. `input` takes the place of the model's only input, if given. Throws what
 * `loadOnnx` throws.
 */
export function importOnnx(
  file: OnnxFile,
  options: OnnxImportOptions,
  builder: GraphBuilder,
  input?: Value,
): ReadGraph {
  return ofFile(file.name, () => new GraphReader(file, options, builder, input).run());
}
