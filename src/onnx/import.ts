/** Reads an ONNX model into a graph and its weights. (https://onnx.ai/onnx/repo-docs/IR.html) */
import { reshapeTo } from '../layers/rearrange.ts';
import { ShapeError, UnsupportedError, WeightError } from '../runtime/errors.ts';
import type { Graph, Value } from '../runtime/graph.ts';
import { GraphBuilder } from '../runtime/graph_builder.ts';
import { elementCount, formatShape, type Shape, shapesEqual } from '../runtime/tensor.ts';
import { quoted } from '../runtime/weights/messages.ts';
import type { WeightSource } from '../runtime/weights/weight_source.ts';
import { decodeModel } from './decode.ts';
import { demand, demandSound, ofFile } from './errors.ts';
import { type ReadExternal, readOnce } from './external_data.ts';
import { folded } from './fold.ts';
import { ImportCall, type Imported, isValue, listed, type Operand } from './import_node.ts';
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
  return ofFile(name, () => {
    const { graph, opsetImport, functions } = decodeModel(bytes);
    demandSound(graph, 'has no graph');
    const opset = Number(opsetImport.find(isStandard)?.version ?? 0n);
    const read = Number.isSafeInteger(opset) && opset >= LEAST_OPSET;
    demand(read, `is of operator set ${opset}; ${LEAST_OPSET} and later are read`);
    demand(functions.length === 0, 'defines functions; inline them first');
    return { name, graph, opset };
  });
}

function isStandard({ domain }: { readonly domain: string }): boolean {
  return domain === '' || domain === 'ai.onnx';
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
  return ofFile(file.name, () => new GraphReader(file, options, builder, input).run());
}

/** Undefined where the file leaves an extent, or all of them, open. */
type Extents = readonly (number | undefined)[] | undefined;

class GraphReader {
  readonly #file: OnnxFile;
  readonly #options: OnnxImportOptions;
  readonly #builder: GraphBuilder;
  #given: Value | undefined;
  readonly #operands = new Map<string, Operand>();
  readonly #weights = new Map<string, Constant>();
  readonly #nodeNames = new Set<string>();
  /** Values that are not had; who should make them, where that is no problem yet, as nobody may read a mask. */
  readonly #failed = new Map<string, string | undefined>();
  readonly #problems: string[] = [];
  #folded = 0;

  constructor(
    file: OnnxFile,
    options: OnnxImportOptions,
    builder: GraphBuilder,
    given: Value | undefined,
  ) {
    this.#file = file;
    const { readExternal } = options;
    this.#options = { ...options, ...(readExternal && { readExternal: readOnce(readExternal) }) };
    this.#builder = builder;
    this.#given = given;
  }

  run(): ReadGraph {
    const { graph, name } = this.#file;
    this.#readInitializers(graph);
    const nodes = scheduled(graph, new Set(graph.input.map((input) => input.name)));
    for (const input of graph.input) this.#readInput(input);
    for (const [i, node] of nodes.entries()) this.#readNode(node, i);
    const names = graph.output.map((output) => output.name);
    this.#readsFailed(names, 'the model');
    this.#refuseProblems();
    const outputs = new Map(names.map((output) => [output, this.#output(output)]));
    return { outputs, weights: weightSource(name, this.#weights) };
  }

  #readInitializers({ initializer, sparseInitializer }: GraphProto): void {
    demand(sparseInitializer.length === 0, 'has sparse tensors');
    for (const tensor of initializer) {
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
    const tensor = type?.value.case === 'tensorType' ? type.value.value : undefined;
    if (!tensor || !isFloat(tensor.elemType)) {
      const found = tensor ? `${typeName(tensor.elemType)}; only floats are read` : 'no tensor';
      this.#fail(`input ${quoted(name)} is ${found}`, [name]);
      return;
    }
    const extents = tensor.shape?.dim.map(({ value }) =>
      value.case === 'dimValue' && value.value > 0n ? Number(value.value) : undefined,
    );
    const value = this.#given ?? this.#builder.input(name, this.#inputShape(name, extents));
    // It stands for the model's only input.
    this.#given = undefined;
    this.#define(name, { value });
  }

  #inputShape(name: string, extents: Extents): Shape {
    const { shapes = {}, batch = 1 } = this.#options;
    const given = Object.hasOwn(shapes, name) ? shapes[name] : undefined;
    const who = `input "${name}" of "${this.#file.name}"`;
    const shown = `[${extents?.map((extent) => extent ?? '?').join(', ') ?? ''}]`;
    if (given) {
      // Channels are what the weights are for; batch, height and width may be others than in the file.
      const channels = extents?.[1] ?? given[1];
      if (given.length !== (extents?.length ?? given.length) || channels !== given[1]) {
        throw new ShapeError(`${who} is ${shown}, got ${formatShape(given)}`);
      }
      return given;
    }
    const shape = extents?.map((extent, axis) => extent ?? (axis === 0 ? batch : 0));
    if (!shape || shape.includes(0)) {
      throw new ShapeError(
        `${who} leaves its shape open ${shown}; give its shape by the option "shapes"`,
      );
    }
    return shape;
  }

  #readNode(node: NodeProto, index: number): void {
    const { input, output, domain, opType } = node;
    const standard = isStandard(node);
    const label = `${standard ? '' : `${domain}.`}${opType || '?'} ${quoted(node.name || `node ${index}`)}`;
    const few = input.length <= MOST_INPUTS;
    demandSound(few, `${label} reads ${input.length} values; at most ${MOST_INPUTS} are read`);
    const importer = standard ? importers.get(opType) : undefined;
    // What hangs on a node that failed is not wrong by itself.
    if (importer && this.#readsFailed(input, label)) {
      for (const name of output) this.#failed.set(name, undefined);
      return;
    }
    try {
      demand(importer, 'no such operator here');
      const call = this.#callOf(node, index);
      const constants = call.inputs.every((found) => !found?.value);
      const known = constants && folded(call, importer, (elements) => this.#spend(elements));
      const made = known || listed(importer(call));
      for (const [i, name] of output.entries()) {
        const result = made[i];
        if (result) this.#define(name, asOperand(name, result));
        else if (name) this.#failed.set(name, label);
      }
    } catch (error) {
      if (!(error instanceof UnsupportedError || error instanceof ShapeError)) throw error;
      // Layers put their name before what is wrong; the list has it already.
      this.#fail(`${label}: ${error.message.replace(/^\w+ "[^"]*": /, '')}`, output);
    }
  }

  #fail(problem: string, values: readonly string[]): void {
    this.#problems.push(problem);
    for (const name of values) this.#failed.set(name, undefined);
  }

  #readsFailed(names: readonly string[], reader: string): boolean {
    const failed = names.filter((name) => this.#failed.has(name));
    for (const name of failed) {
      const maker = this.#failed.get(name);
      if (maker === undefined) continue;
      this.#problems.push(`${reader}: reads ${quoted(name)} of ${maker}, which is not had`);
    }
    return failed.length > 0;
  }

  #callOf(node: NodeProto, index: number): ImportCall {
    let name = node.name || node.output[0] || node.opType;
    if (this.#nodeNames.has(name)) name = `${name} (node ${index})`;
    this.#nodeNames.add(name);
    return new ImportCall(node, {
      opset: this.#file.opset,
      g: this.#builder.at(name),
      inputs: node.input.map((input) => (input === '' ? undefined : this.#operand(input))),
      weight: (known) => {
        this.#weights.set(known.name, known);
        return this.#builder.weight(known.name, known.shape);
      },
      tensor: (tensor) => constantOf(tensor, name, this.#options.readExternal),
    });
  }

  /** Whether so many more numbers may be computed while the model is loaded. */
  #spend(elements: number): boolean {
    const affordable = this.#folded + elements <= MOST_FOLDED;
    if (affordable) this.#folded += elements;
    return affordable;
  }

  #operand(name: string): Operand {
    const found = this.#operands.get(name);
    demandSound(found, `value ${quoted(name)} is read, and nothing makes it`);
    return found;
  }

  #define(name: string, found: Operand): void {
    if (name === '') return;
    demandSound(!this.#operands.has(name), `value ${quoted(name)} is made twice`);
    this.#operands.set(name, found);
  }

  #refuseProblems(): void {
    const count = this.#problems.length;
    const lines = this.#problems.slice(0, LISTED).map((problem) => `\n  ${problem}`);
    const rest = count > LISTED ? `\n  ... and ${count - LISTED} more` : '';
    demand(count === 0, `${count} of its parts are not supported:${lines.join('')}${rest}`);
  }

  #output(name: string): Value {
    const { value } = this.#operand(name);
    demand(value, `its output ${quoted(name)} is a constant`);
    // A graph gives back results of nodes: what is an input as it came in is seen through a view.
    if (value.kind === 'activation') return value;
    return reshapeTo(this.#builder.at(name), value, value.desc.shape);
  }
}

function weightSource(file: string, weights: ReadonlyMap<string, Constant>): WeightSource {
  const tensors = [...weights].map(([name, { shape, float }]) => {
    return [name, { shape, dtype: float ? 'float' : 'integer' }] as const;
  });
  return {
    name: file,
    tensors: new Map(tensors),
    read(name, shape) {
      const found = weights.get(name);
      if (!found || !shapesEqual(found.shape, shape)) {
        throw new WeightError(`ONNX file "${file}": has no weight "${name}" ${formatShape(shape)}`);
      }
      return Float32Array.from(found.numbers());
    },
  };
}

function asOperand(name: string, made: Imported): Operand {
  return isValue(made) ? { value: made } : { constant: { ...made, name } };
}
