/** ONNX files to smaller ones, of the same network with its weights in fewer bits. */
import { checkArgument, checkOptions } from '../runtime/arguments.ts';
import { elementCount, type Shape } from '../runtime/tensor.ts';
import { quoted } from '../runtime/weights/messages.ts';
import {
  type ConvertedFile,
  isNarrowType,
  NARROW_TENSORS,
  NARROW_TYPES,
  type NarrowType,
  narrowed,
  quantized,
} from '../runtime/weights/narrow.ts';
import { type Attributes, attributeProto } from './attribute.ts';
import { isStandard } from './domain.ts';
import { bitsOf, elementTypeOf } from './element_type.ts';
import { encoded } from './encode.ts';
import { demand, ofFile } from './errors.ts';
import { externalBytes, type ReadExternal, readOnce } from './external_data.ts';
import { openOnnx } from './import.ts';
import { asField, joined, type Part, partsOf } from './parts.ts';
import { DataType, EXTERNAL } from './schema/enums.ts';
import type { GraphProto, NodeProto, TensorProto, Written } from './schema/fields.ts';
import { constantOf } from './tensor.ts';

/** What `convertOnnx` makes of a file. */
export interface ConvertOnnxOptions {
  /** What weights are stored as. */
  readonly to: NarrowType;
  /** For messages. */
  readonly name?: string;
  /** Gives the files beside the model in which it has tensors; the new file has them inside. */
  readonly readExternal?: ReadExternal;
}

/** The first operator set in which DequantizeLinear has a scale for each channel. */
const PER_AXIS_OPSET = 13;
/** The first in which what is multiplied is broadcast as NumPy has it. */
const BROADCAST_OPSET = 7;
/** Numbers of fields. */
const MODEL = { irVersion: 1, graph: 7 };
const GRAPH = { node: 1, initializer: 5, input: 11 };
/** The most that protobuf can hold in one file. */
const MOST_BYTES = 2 ** 31 - 1;
/** The first version of the format in which not all tensors are inputs, too. */
const OWN_TENSORS = 4n;

/**
 * An ONNX file with its weights in fewer bits, which computes in f32 as before: a node after each such weight gives the
 * floats, under the name that the weight had. As f16, with a Cast: tensors of more than one axis whose largest value is
 * in its range. As int8, with a DequantizeLinear: the weights of Conv, ConvTranspose, Gemm and MatMul that nothing else
 * reads, symmetric, a scale for each output channel; in files of operator sets before 13, a Cast and a Mul do the same.
 * All others stay.
 *
 * @param bytes - The whole file.
 * @param options - What to convert to.
 * @returns The new file, and which tensors differ from the old one.
 * @throws OnnxError for a file that is broken.
 * @throws UnsupportedError for one that has nothing to convert.
 *
 * @example
 * const smaller = convertOnnx(onnxFile, { to: 'f16' });
 * const halves = loadOnnx(smaller.bytes);
 */
export function convertOnnx(bytes: Uint8Array, options: ConvertOnnxOptions): ConvertedFile {
  const who = 'convertOnnx';
  checkOptions(who, options);
  const { to, name: file = 'model.onnx', readExternal } = options;
  checkArgument(isNarrowType(to), `${who}: options.to`, NARROW_TYPES, to);
  const { opset, irVersion, graph } = openOnnx(bytes, file);
  return ofFile(file, () => {
    const old = opset < BROADCAST_OPSET;
    demand(!old, `is of operator set ${opset}; ${BROADCAST_OPSET} and later are converted`);
    const parts = partsOf(bytes);
    // One that is given in several fields is these one after the other.
    const inner = parts.flatMap(({ number, content }) =>
      number === MODEL.graph && content ? partsOf(content) : [],
    );
    const read = readExternal && readOnce(readExternal);
    const { converted, pieces } = new Converter(graph, inner, to, opset, read).run();
    const version = irVersion < OWN_TENSORS ? OWN_TENSORS : irVersion;
    const rest = parts.filter(({ number }) => number !== MODEL.graph && number !== MODEL.irVersion);
    const model = [
      encoded('ModelProto', { irVersion: version }),
      ...rest.map((part) => part.bytes),
      ...asField(MODEL.graph, pieces),
    ];
    return { bytes: joined(model), converted };
  });
}

class Converter {
  readonly #graph: GraphProto;
  readonly #parts: readonly Part[];
  readonly #to: NarrowType;
  readonly #opset: number;
  readonly #readExternal: ReadExternal | undefined;
  readonly #axes: ReadonlyMap<string, number | undefined>;
  readonly #taken: Set<string>;
  /** What stands before the nodes of the file. */
  readonly #nodes: (readonly Uint8Array[])[] = [];
  /** As they stand in the new file. */
  readonly #tensors: (readonly Uint8Array[])[] = [];

  /** Of a graph, and the fields of which it was decoded. */
  constructor(
    graph: GraphProto,
    parts: readonly Part[],
    to: NarrowType,
    opset: number,
    readExternal: ReadExternal | undefined,
  ) {
    this.#graph = graph;
    this.#parts = parts;
    this.#to = to;
    this.#opset = opset;
    this.#readExternal = readExternal;
    this.#axes = channelAxes(graph);
    this.#taken = namesIn(graph);
  }

  /** The graph's new fields, and the names of the tensors that were converted. */
  run(): { readonly converted: readonly string[]; readonly pieces: readonly Uint8Array[] } {
    const { node, initializer, input } = this.#graph;
    const converted = new Set<string>();
    const tensors = this.#fields(GRAPH.initializer);
    const hoisted = new Map<NodeProto | undefined, TensorProto>(node.flatMap(hoistedFrom));
    for (const [i, tensor] of [...initializer, ...hoisted.values()].entries()) {
      const whole = this.#inside(tensor);
      if (this.#convert(whole)) converted.add(tensor.name);
      else this.#keep(whole, whole === tensor ? tensors[i] : undefined);
    }
    this.#check(converted.size > 0);
    // In the format's first versions all tensors are inputs, too; what a node gives is none.
    const nodes = this.#fields(GRAPH.node).filter((_, i) => !hoisted.has(node[i]));
    const inputs = this.#fields(GRAPH.input).filter((_, i) => !converted.has(input[i]?.name ?? ''));
    const changed = Object.values(GRAPH);
    const rest = this.#parts.filter(({ number }) => !changed.includes(number));
    return {
      converted: [...converted],
      pieces: [
        ...this.#nodes.flat(),
        ...[...nodes, ...inputs, ...rest].map(({ bytes }) => bytes),
        ...this.#tensors.flat(),
      ],
    };
  }

  /** Those of a number, in the order of the list that they were decoded into. */
  #fields(wanted: number): readonly Part[] {
    return this.#parts.filter(({ number, content }) => number === wanted && content);
  }

  #check(some: boolean): void {
    demand(
      some,
      `expected weights of floats ${NARROW_TENSORS[this.#to]} to store as ${this.#to}, got none among ${this.#tensors.length} tensors${integersIn(this.#graph)}`,
    );
    const size = this.#tensors.flat().reduce((sum, piece) => sum + piece.length, 0);
    demand(
      size <= MOST_BYTES,
      `would have ${size} bytes of tensors; an .onnx file holds at most ${MOST_BYTES}`,
    );
  }

  /** As it stands in the file, if it does. */
  #keep(tensor: Written<TensorProto>, part?: Part): void {
    const pieces = part
      ? [part.bytes]
      : asField(GRAPH.initializer, [encoded('TensorProto', tensor)]);
    this.#tensors.push(pieces);
  }

  /** A tensor whose data is in another file with it, since the new file may be in another folder. */
  #inside(tensor: TensorProto): TensorProto {
    if (tensor.dataLocation !== EXTERNAL) return tensor;
    const who = `tensor ${quoted(tensor.name)}`;
    const type = elementTypeOf(tensor.dataType);
    const length = tensor.externalData.find(({ key }) => key === 'length')?.value;
    const bytes = type ? (elementCount(shapeOf(tensor)) * Math.max(bitsOf(type), 8)) / 8 : length;
    const count = Number(bytes ?? 0);
    const rawData = externalBytes(tensor.externalData, count, who, this.#readExternal);
    return { ...tensor, rawData, externalData: [], dataLocation: 0 };
  }

  /** Whether a tensor is replaced by a smaller one. */
  #convert(tensor: TensorProto): boolean {
    return this.#to === 'int8' ? this.#asIntegers(tensor) : this.#asHalves(tensor);
  }

  #asHalves(tensor: TensorProto): boolean {
    const { FLOAT, FLOAT16 } = DataType;
    const { name, dims } = tensor;
    const halves = isFloat(tensor) && narrowed(shapeOf(tensor), this.#floats(tensor));
    if (!halves) return false;
    const stored = this.#add(`${name}_f16`, dims, FLOAT16, halves);
    this.#node('Cast', [stored], name, { to: { int: FLOAT } });
    return true;
  }

  #asIntegers(tensor: TensorProto): boolean {
    const { FLOAT, INT8 } = DataType;
    const { name, dims } = tensor;
    const shape = shapeOf(tensor);
    const axis = this.#axes.get(name);
    if (axis === undefined || !isFloat(tensor) || shape.length < 2) return false;
    const channels = axis < 0 ? shape.length + axis : axis;
    const made = quantized(shape, this.#floats(tensor), channels);
    if (!made) return false;
    const integers = this.#add(`${name}_int8`, dims, INT8, made.integers);
    const all = [BigInt(made.scales.length)];
    if (this.#opset >= PER_AXIS_OPSET) {
      const scales = this.#add(`${name}_scale`, all, FLOAT, made.scales);
      this.#node('DequantizeLinear', [integers, scales], name, { axis: { int: channels } });
      return true;
    }
    // The scales are repeated along the axes after theirs.
    const inner = shape.slice(channels + 1).map(() => 1n);
    const scales = this.#add(`${name}_scale`, [...all, ...inner], FLOAT, made.scales);
    const floats = this.#unique(`${name}_float`);
    this.#node('Cast', [integers], floats, { to: { int: FLOAT } });
    this.#node('Mul', [floats, scales], name);
    return true;
  }

  #floats(tensor: TensorProto): Float32Array {
    const numbers = constantOf(tensor, tensor.name, undefined).numbers();
    return numbers instanceof Float32Array ? numbers : Float32Array.from(numbers);
  }

  /** Adds a tensor under a name of its own; that. */
  #add(wanted: string, dims: readonly bigint[], dataType: number, data: ArrayBufferView): string {
    const name = this.#unique(wanted);
    const { buffer, byteOffset, byteLength } = data;
    const rawData = new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
    this.#keep({ name, dims, dataType, rawData });
    return name;
  }

  #node(
    opType: string,
    input: readonly string[],
    output: string,
    attributes: Attributes = {},
  ): void {
    const attribute = Object.entries(attributes).map(([key, value]) => attributeProto(key, value));
    const name = this.#unique(`${output}/${opType}`);
    const node = encoded('NodeProto', { opType, name, input, output: [output], attribute });
    this.#nodes.push(asField(GRAPH.node, [node]));
  }

  #unique(wanted: string): string {
    let name = wanted;
    for (let i = 2; this.#taken.has(name); i++) name = `${wanted}#${i}`;
    this.#taken.add(name);
    return name;
  }
}

/** The axis of a weight that goes along the output channels, by the operator that reads it as its second input. */
function channelAxisOf({ opType, domain, attribute }: NodeProto): number | undefined {
  if (!isStandard(domain)) return undefined;
  if (opType === 'Conv') return 0;
  if (opType === 'ConvTranspose') return 1;
  if (opType === 'MatMul') return -1;
  if (opType !== 'Gemm') return undefined;
  return attribute.some(({ name, i }) => name === 'transB' && i !== 0n) ? 0 : 1;
}

/** By name, of what is read as a weight with one axis of channels; undefined of all else that is read. */
function channelAxes(graph: GraphProto): ReadonlyMap<string, number | undefined> {
  const axes = new Map<string, number | undefined>();
  const read = (name: string, axis?: number): void => {
    axes.set(name, axes.has(name) && axes.get(name) !== axis ? undefined : axis);
  };
  for (const node of graph.node) {
    const axis = channelAxisOf(node);
    for (const [i, name] of node.input.entries()) read(name, i === 1 ? axis : undefined);
  }
  for (const inner of innerGraphs(graph)) {
    for (const { input } of inner.node) for (const name of input) read(name);
    for (const { name } of inner.output) read(name);
  }
  for (const { name } of graph.output) read(name);
  return axes;
}

/** The graphs of branches and loops, all the way down; the importer has bounded how deep that is. */
function innerGraphs({ node }: GraphProto): readonly GraphProto[] {
  const direct = node.flatMap(({ attribute }) => attribute.flatMap(({ g }) => g ?? []));
  return direct.flatMap((inner) => [inner, ...innerGraphs(inner)]);
}

/** All names that the graph has for anything. */
function namesIn(graph: GraphProto): Set<string> {
  const names = [graph, ...innerGraphs(graph)].flatMap(({ node, initializer, input }) => [
    ...node.flatMap((one) => [one.name, ...one.input, ...one.output]),
    ...[...initializer, ...input].map(({ name }) => name),
  ]);
  return new Set(names);
}

/** A Constant node and its tensor, which becomes one of the graph. */
function hoistedFrom(node: NodeProto): readonly [NodeProto, TensorProto][] {
  const { opType, domain, attribute, output } = node;
  const [name] = output;
  const value = attribute.find((one) => one.name === 'value')?.t;
  const isWeight = opType === 'Constant' && isStandard(domain) && isFloat(value);
  return isWeight && value && name !== undefined ? [[node, { ...value, name }]] : [];
}

function isFloat(tensor: TensorProto | undefined): boolean {
  return tensor?.dataType === DataType.FLOAT;
}

/** Where a file has integers for weights, what is to be said of it. */
function integersIn({ initializer, node }: GraphProto): string {
  const { INT8, UINT8 } = DataType;
  const small = initializer.filter(({ dataType }) => dataType === INT8 || dataType === UINT8);
  const names = new Set(small.map(({ name }) => name));
  const found = node.flatMap(({ input }) => input.filter((name) => names.has(name)))[0];
  return found === undefined ? '' : `; ${quoted(found)} and others are integers of 8 bits already`;
}

function shapeOf({ dims }: TensorProto): Shape {
  return dims.map(Number);
}
