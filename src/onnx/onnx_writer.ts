/** An ONNX model while it is being written: nodes, tensors, and a name for every value. */
import { type Graph, isConstant, type Node, type Value } from '../runtime/graph.ts';
import type { Shape, TensorDesc } from '../runtime/tensor.ts';
import { ConstantReader } from '../runtime/weights/constant_reader.ts';
import type { WeightSource } from '../runtime/weights/weight_source.ts';
import { type Attributes, attributeProto } from './attribute.ts';
import { DataType } from './schema/enums.ts';
import type {
  ModelProto,
  NodeProto,
  TensorProto,
  ValueInfoProto,
  Written,
} from './schema/fields.ts';

/** What every runtime of the last years reads. */
const OPSET = 17;

/** Collects nodes and tensors, and gives every value a name of its own. */
export class OnnxWriter {
  readonly #graph: Graph;
  readonly #reader: ConstantReader;
  readonly #nodes: Written<NodeProto>[] = [];
  readonly #initializers: Written<TensorProto>[] = [];
  readonly #names = new Map<Value, string>();
  readonly #taken = new Set<string>();
  /** Names of nodes are apart from those of values. */
  readonly #nodeNames = new Set<string>();
  #opset = OPSET;

  constructor(graph: Graph, weights: WeightSource) {
    this.#graph = graph;
    this.#reader = new ConstantReader(weights, () => {});
    for (const input of graph.inputs) this.#names.set(input, this.#unique(input.name));
    // An output that has two names gets the second by an Identity node.
    for (const [name, value] of graph.outputs) {
      const unique = this.#unique(name);
      if (!this.#names.has(value)) this.#names.set(value, unique);
    }
  }

  /** The name of a value; a constant is written into the model when it is first asked for. */
  nameOf(value: Value): string {
    const known = this.#names.get(value);
    if (known !== undefined) return known;
    const name = this.#unique(value.name);
    this.#names.set(value, name);
    if (isConstant(value)) this.#tensor(name, value.desc.shape, this.#reader.read(value));
    return name;
  }

  /** A name for a value that the graph does not have: one between the nodes that make one layer. */
  between(node: Node, part: string): string {
    return this.#unique(`${node.name}/${part}`);
  }

  /** Adds the node that makes a node's output, under its name. */
  layer(node: Node, opType: string, inputs: readonly string[], attributes?: Attributes): void {
    this.node(opType, node.name, inputs, this.nameOf(node.output), attributes);
  }

  /** Adds a node that makes something on the way to a node's output; the name of that. */
  step(node: Node, opType: string, inputs: readonly string[], attributes?: Attributes): string {
    const name = this.between(node, opType);
    this.node(opType, name, inputs, name, attributes);
    return name;
  }

  /** Adds a node that reads and writes values by name; a missing optional input is the empty name. */
  node(
    opType: string,
    name: string,
    inputs: readonly string[],
    output: string | readonly string[],
    attributes: Attributes = {},
  ): void {
    this.#nodes.push({
      opType,
      name: unusedIn(this.#nodeNames, name),
      input: [...inputs],
      output: [output].flat(),
      attribute: Object.entries(attributes).map(([key, value]) => attributeProto(key, value)),
    });
  }

  /** Adds a tensor of f32 that no weight source has; its name. */
  floats(name: string, shape: Shape, data: Float32Array): string {
    return this.#tensor(this.#unique(name), shape, data);
  }

  /** Adds a number that a node reads; its name. */
  scalar(node: Node, part: string, value: number): string {
    return this.floats(`${node.name}/${part}`, [], Float32Array.of(value));
  }

  /** Adds a vector of 64-bit integers that a node reads, as shapes are given; its name. */
  integers(node: Node, part: string, values: readonly number[]): string {
    const data = BigInt64Array.from(values, BigInt);
    return this.#tensor(this.between(node, part), [values.length], data);
  }

  /** For operators whose meaning came with a later operator set. */
  requireOpset(version: number): void {
    this.#opset = Math.max(this.#opset, version);
  }

  finish(dynamicBatch: boolean): Written<ModelProto> {
    for (const [name, value] of this.#graph.outputs) {
      const written = this.nameOf(value);
      if (written !== name) this.node('Identity', name, [written], name);
    }
    return {
      // The versions of the file format that came with operator sets 19 and 20, and with 17 and 18.
      irVersion: this.#opset > 18 ? 9n : 8n,
      producerName: 'tilewise',
      opsetImport: [{ domain: '', version: BigInt(this.#opset) }],
      graph: {
        name: this.#graph.name,
        node: this.#nodes,
        initializer: this.#initializers,
        input: this.#graph.inputs.map(({ name, desc }) => port(name, desc, dynamicBatch)),
        output: [...this.#graph.outputs].map(([name, { desc }]) => port(name, desc, dynamicBatch)),
      },
    };
  }

  /** ONNX wants little-endian, which every machine with WebGPU is. */
  #tensor(name: string, shape: Shape, data: Float32Array | BigInt64Array): string {
    const { FLOAT, INT64 } = DataType;
    this.#initializers.push({
      name,
      dims: shape.map(BigInt),
      dataType: data instanceof Float32Array ? FLOAT : INT64,
      rawData: new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength),
    });
    return name;
  }

  #unique(wanted: string): string {
    return unusedIn(this.#taken, wanted);
  }
}

/** The name, with a number after it where it is taken; it is from then on. */
function unusedIn(taken: Set<string>, wanted: string): string {
  let name = wanted;
  for (let i = 2; taken.has(name); i++) name = `${wanted}#${i}`;
  taken.add(name);
  return name;
}

/** An input or output of the model. */
function port(name: string, { shape }: TensorDesc, dynamicBatch: boolean): Written<ValueInfoProto> {
  const dim = shape.map((extent, axis) =>
    axis === 0 && dynamicBatch
      ? { value: { case: 'dimParam' as const, value: 'batch' } }
      : { value: { case: 'dimValue' as const, value: BigInt(extent) } },
  );
  const elemType = DataType.FLOAT;
  const type = { value: { case: 'tensorType' as const, value: { elemType, shape: { dim } } } };
  return { name, type };
}
