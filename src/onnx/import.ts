/** Reads an ONNX model into a graph and its weights. (https://onnx.ai/onnx/repo-docs/IR.html) */
import { reshapeTo } from '../layers/rearrange.ts';
import {
  ShapeError,
  type TilewiseError,
  UnsupportedError,
  WeightError,
} from '../runtime/errors.ts';
import type { Graph, Value } from '../runtime/graph.ts';
import { GraphBuilder } from '../runtime/graph_builder.ts';
import { elementCount, formatShape, type Shape, shapesEqual } from '../runtime/tensor.ts';
import type { TensorInfo, WeightSource } from '../runtime/weights/weight_source.ts';
import { decodeModel } from './decode.ts';
import { OnnxError, shownName } from './errors.ts';
import { type ReadExternal, readOnce } from './external_data.ts';
import { folded } from './fold.ts';
import {
  type ImportCall,
  type Imported,
  type Importer,
  isValue,
  listed,
  type Operand,
} from './import_node.ts';
import { NodeAttributes } from './node_attributes.ts';
import { importers } from './operators/index.ts';
import { scheduled } from './schedule.ts';
import type { GraphProto, NodeProto, ValueInfoProto } from './schema/onnx_pb.ts';
import { type Constant, constantOf, isFloat, typeName } from './tensor.ts';

export interface OnnxImportOptions {
  /** For messages; `model.onnx` by default. */
  readonly name?: string;
  /** Shapes of inputs, by name, in place of those in the file. */
  readonly shapes?: Readonly<Record<string, Shape>>;
  /** Images at a time, where the file leaves that open; 1 by default. */
  readonly batch?: number;
  /** Inputs of the model that are given once, as weights, by name. */
  readonly constants?: Readonly<
    Record<string, { readonly shape: Shape; readonly data: Float32Array }>
  >;
  /** Reads the files that hold tensors beside the model's; without it, such models are refused. */
  readonly readExternal?: ReadExternal;
}

/** A model that was read. */
export interface OnnxModel {
  readonly graph: Graph;
  /** The weights that the graph reads, under their names in the file. */
  readonly weights: WeightSource;
  /** The version of the operator set that it was written for. */
  readonly opset: number;
}

/** Files of PyTorch's first years are of 6, which differs little from 7. */
const LEAST_OPSET = 6;
/** Unsupported nodes that are named in one error: all of any convnet, and not the 10^5 of a hostile file. */
const LISTED = 100;
/** Elements of all constants that are computed while a model is loaded. */
const MOST_FOLDED = 2 ** 21;
/** Values that one node reads; a large concatenation has dozens. */
const MOST_INPUTS = 2 ** 12;

/**
 * Reads an .onnx file: the convnet part of the operator set, versions 6 and later. Constants are folded, what does
 * nothing at inference is left out. Float16 and bfloat16 tensors are read as f32, inputs of these types too.
 *
 * Throws OnnxError for a file that is broken; UnsupportedError that lists every node that cannot be had;
 * ShapeError where the file leaves an extent open and `shapes` does not give it. `weights` throws WeightError.
 */
export function loadOnnx(bytes: Uint8Array, options: OnnxImportOptions = {}): OnnxModel {
  const { name = 'model.onnx' } = options;
  const file = openOnnx(bytes, name);
  const builder = GraphBuilder.create();
  const { outputs, weights } = importOnnx(file, options, builder);
  for (const [output, value] of outputs) builder.output(output, value);
  return { graph: builder.build(file.graph.name || name), weights, opset: file.opset };
}

/** A file that was decoded, and whose version is one that is read. */
export interface OnnxFile {
  readonly name: string;
  readonly graph: GraphProto;
  readonly opset: number;
}

/** Throws OnnxError, UnsupportedError. */
export function openOnnx(bytes: Uint8Array, name: string): OnnxFile {
  const { graph, opsetImport, functions } = decodeModel(bytes, name);
  if (!graph) throw new OnnxError(`ONNX file "${name}": has no graph`);
  const version = opsetImport.find(({ domain }) => domain === '' || domain === 'ai.onnx')?.version;
  const opset = Number(version ?? 0n);
  if (!Number.isSafeInteger(opset) || opset < LEAST_OPSET) {
    throw new UnsupportedError(
      `ONNX file "${name}": is of operator set ${opset}; ${LEAST_OPSET} and later are read`,
    );
  }
  if (functions.length > 0) {
    throw new UnsupportedError(`ONNX file "${name}": defines functions; inline them first`);
  }
  return { name, graph, opset };
}

export interface ReadGraph {
  readonly outputs: ReadonlyMap<string, Value>;
  readonly weights: WeightSource;
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
  try {
    return new GraphReader(file, options, builder, input).run();
  } catch (error) {
    if (!(error instanceof OnnxError) || error.message.startsWith('ONNX file')) throw error;
    throw new OnnxError(`ONNX file "${file.name}": ${error.message}`, { cause: error });
  }
}

class GraphReader {
  readonly #proto: GraphProto;
  readonly #opset: number;
  readonly #options: OnnxImportOptions;
  readonly #file: string;
  readonly #builder: GraphBuilder;
  #given: Value | undefined;
  readonly #operands = new Map<string, Operand>();
  readonly #weights = new Map<string, Constant>();
  readonly #nodeNames = new Set<string>();
  /** Values that some node failed to make. */
  readonly #failed = new Set<string>();
  /** Outputs that nobody gives, as masks are: who should. */
  readonly #further = new Map<string, string>();
  readonly #problems: string[] = [];
  #folded = 0;

  constructor(
    { graph, opset, name }: OnnxFile,
    options: OnnxImportOptions,
    builder: GraphBuilder,
    given: Value | undefined,
  ) {
    this.#proto = graph;
    this.#opset = opset;
    const { readExternal } = options;
    this.#options = { ...options, ...(readExternal && { readExternal: readOnce(readExternal) }) };
    this.#file = name;
    this.#builder = builder;
    this.#given = given;
  }

  run(): ReadGraph {
    this.#readInitializers();
    const nodes = scheduled(this.#proto, new Set(this.#proto.input.map(({ name }) => name)));
    for (const input of this.#proto.input) this.#readInput(input);
    for (const [i, node] of nodes.entries()) this.#readNode(node, i);
    for (const { name } of this.#proto.output) this.#refuseFurther(name, 'the model');
    this.#refuseProblems();
    const outputs = new Map(this.#proto.output.map(({ name }) => [name, this.#output(name)]));
    return { outputs, weights: this.#weightSource() };
  }

  #readInitializers(): void {
    if (this.#proto.sparseInitializer.length > 0) {
      throw new UnsupportedError(`ONNX file "${this.#file}": has sparse tensors`);
    }
    for (const tensor of this.#proto.initializer) {
      this.#define(tensor.name, {
        constant: constantOf(tensor, tensor.name, this.#options.readExternal),
      });
    }
    for (const [name, { shape, data }] of Object.entries(this.#options.constants ?? {})) {
      if (elementCount(shape) !== data.length) {
        throw new ShapeError(
          `constant "${name}" ${formatShape(shape)} has ${data.length} elements`,
        );
      }
      this.#define(name, { constant: { name, shape, float: true, numbers: () => data } });
    }
  }

  /** Files of the first versions list initializers as inputs too. */
  #readInput({ name, type }: ValueInfoProto): void {
    if (this.#operands.has(name)) return;
    if (type?.value.case !== 'tensorType') {
      this.#problems.push(`input ${shownName(name)} is no tensor`);
      return;
    }
    const { elemType, shape } = type.value.value;
    if (!isFloat(elemType)) {
      this.#problems.push(
        `input ${shownName(name)} is ${typeName(elemType)}; only floats are read`,
      );
      this.#failed.add(name);
      return;
    }
    const extents = shape?.dim.map(({ value }) =>
      value.case === 'dimValue' && value.value > 0n ? Number(value.value) : undefined,
    );
    this.#define(name, { value: this.#takeGiven() ?? this.#newInput(name, extents) });
  }

  /** What stands for the model's only input. */
  #takeGiven(): Value | undefined {
    const given = this.#given;
    this.#given = undefined;
    return given;
  }

  #newInput(name: string, extents: readonly (number | undefined)[] | undefined): Value {
    return this.#builder.input(name, this.#inputShape(name, extents));
  }

  #inputShape(name: string, extents: readonly (number | undefined)[] | undefined): Shape {
    const { shapes = {} } = this.#options;
    const given = Object.hasOwn(shapes, name) ? shapes[name] : undefined;
    if (given) {
      // Channels are what the weights are for; batch, height and width may be others than in the file.
      const [, channels] = extents ?? [];
      const alike = given.length === (extents?.length ?? given.length);
      if (!alike || (channels !== undefined && channels !== given[1])) {
        throw new ShapeError(
          `input "${name}" of "${this.#file}" is [${shownExtents(extents ?? [])}], got ${formatShape(given)}`,
        );
      }
      return given;
    }
    const shape = extents?.map(
      (extent, axis) => extent ?? (axis === 0 ? (this.#options.batch ?? 1) : 0),
    );
    if (!shape || shape.includes(0)) {
      throw new ShapeError(
        `input "${name}" of "${this.#file}" leaves its shape open [${shownExtents(extents ?? [])}]; give its shape by the option "shapes"`,
      );
    }
    return shape;
  }

  #readNode(node: NodeProto, index: number): void {
    const label = `${node.opType || '?'} ${shownName(node.name || `node ${index}`)}`;
    if (node.input.length > MOST_INPUTS) {
      throw new OnnxError(
        `${label} reads ${node.input.length} values; at most ${MOST_INPUTS} are read`,
      );
    }
    const standard = node.domain === '' || node.domain === 'ai.onnx';
    const importer = standard ? importers.get(node.opType) : undefined;
    const fail = (problem: string): void => {
      this.#problems.push(problem);
      for (const name of node.output) this.#failed.add(name);
    };
    if (!importer) {
      fail(`${standard ? '' : `${node.domain}.`}${label}: no such operator here`);
      return;
    }
    for (const name of node.input) this.#refuseFurther(name, label);
    // What hangs on a node that failed is not wrong by itself.
    if (node.input.some((name) => this.#failed.has(name))) {
      for (const name of node.output) this.#failed.add(name);
      return;
    }
    try {
      const made = this.#outputsOf(node, index, importer);
      for (const [i, name] of node.output.entries()) {
        const output = made[i];
        if (output) this.#define(name, asOperand(name, output));
        else if (name) {
          this.#failed.add(name);
          this.#further.set(name, label);
        }
      }
    } catch (error) {
      if (!(error instanceof UnsupportedError || error instanceof ShapeError)) throw error;
      fail(`${label}: ${withoutName(error)}`);
    }
  }

  #refuseFurther(name: string, reader: string): void {
    const maker = this.#further.get(name);
    if (maker === undefined) return;
    this.#problems.push(`${reader}: reads ${shownName(name)} of ${maker}, which is not had`);
  }

  #outputsOf(node: NodeProto, index: number, importer: Importer): readonly Imported[] {
    let name = node.name || node.output[0] || node.opType;
    if (this.#nodeNames.has(name)) name = `${name} (node ${index})`;
    this.#nodeNames.add(name);
    const call: ImportCall = {
      opset: this.#opset,
      g: this.#builder.at(name),
      attributes: new NodeAttributes(node.attribute),
      inputs: node.input.map((input) => this.#input(input)),
      outputs: node.output.length,
      weight: (known) => this.#weight(known),
      tensor: (tensor) => constantOf(tensor, name, this.#options.readExternal),
    };
    const constants = call.inputs.every((input) => !input?.value);
    const known = constants && folded(call, importer, (elements) => this.#spend(elements));
    return known || listed(importer(call));
  }

  /** Whether so many more numbers may be computed while the model is loaded. */
  #spend(elements: number): boolean {
    const affordable = this.#folded + elements <= MOST_FOLDED;
    if (affordable) this.#folded += elements;
    return affordable;
  }

  #input(name: string): Operand | undefined {
    if (name === '') return undefined;
    const found = this.#operands.get(name);
    if (!found) throw new OnnxError(`value ${shownName(name)} is read, and nothing makes it`);
    return found;
  }

  #weight(known: Constant): Value {
    this.#weights.set(known.name, known);
    return this.#builder.weight(known.name, known.shape);
  }

  #define(name: string, found: Operand): void {
    if (name === '') return;
    if (this.#operands.has(name)) throw new OnnxError(`value ${shownName(name)} is made twice`);
    this.#operands.set(name, found);
  }

  #refuseProblems(): void {
    const count = this.#problems.length;
    if (count === 0) return;
    const lines = this.#problems.slice(0, LISTED).map((problem) => `\n  ${problem}`);
    const rest = count > LISTED ? `\n  ... and ${count - LISTED} more` : '';
    throw new UnsupportedError(
      `ONNX file "${this.#file}": ${count} of its parts are not supported:${lines.join('')}${rest}`,
    );
  }

  #output(name: string): Value {
    const found = this.#input(name);
    if (!found?.value) {
      throw new UnsupportedError(
        `ONNX file "${this.#file}": its output ${shownName(name)} is a constant`,
      );
    }
    const { value } = found;
    // A graph gives back results of nodes: what is an input as it came in is seen through a view.
    if (value.kind === 'activation') return value;
    return reshapeTo(this.#builder.at(name), value, value.desc.shape);
  }

  #weightSource(): WeightSource {
    const weights = this.#weights;
    const file = this.#file;
    const tensors = new Map<string, TensorInfo>(
      [...weights].map(([name, { shape, float }]) => [
        name,
        { shape, dtype: float ? 'float' : 'integer' },
      ]),
    );
    return {
      name: file,
      tensors,
      read(name, shape) {
        const found = weights.get(name);
        if (!found || !shapesEqual(found.shape, shape)) {
          throw new WeightError(
            `ONNX file "${file}": has no weight "${name}" ${formatShape(shape)}`,
          );
        }
        return Float32Array.from(found.numbers());
      },
    };
  }
}

function asOperand(name: string, made: Imported): Operand {
  return isValue(made) ? { value: made } : { constant: { ...made, name } };
}

/** `batch, 3, ?, ?` */
function shownExtents(extents: readonly (number | undefined)[]): string {
  return extents.map((extent) => extent ?? '?').join(', ');
}

/** Layers put their name before what is wrong; the list has it already. */
function withoutName(error: TilewiseError): string {
  return error.message.replace(/^\w+ "[^"]*": /, '');
}
