/**
 * Stores a network in f16 between edges that stay f32.
 *
 * Activations and matrices of weights become f16; what callers write and read stays f32. An input is converted by
 * a node of its own; an output that nothing else reads is stored as f32 by whatever computes it, and any other
 * is converted. Where no pointwise operator can convert them, inputs are read as they are, and outputs stored as f32.
 * Vectors (biases, running statistics, factors of channels) stay f32: they are a thousandth of
 * the weights, their rounding would shift whole channels, and statistics leave f16's range. Exact operators, which make
 * or take indices, read inputs and constants as they are. So do nodes that compute, join or move `indices` for them;
 * and what these make of f32 alone, as exact operators give it, stays f32.
 */

import { operand } from '../../../shaders/lib/expression.ts';
import {
  isConcat,
  isPointwise,
  isRearrange,
  isReduce,
  type PointwiseAttributes,
} from '../builtins.ts';
import {
  type Activation,
  type Constant,
  consumers,
  type Graph,
  type Input,
  isConstant,
  type Node,
  type OpDef,
  type Value,
} from '../graph.ts';
import type { DType, TensorDesc } from '../tensor.ts';

/** The graph with its tensors stored so. Tensors that are f16 already stay so; only the edges become f32. */
export function assignPrecision(
  graph: Graph,
  pointwise: OpDef<PointwiseAttributes> | undefined,
  precision: DType,
): Graph {
  const edges: readonly Value[] = [...graph.inputs, ...graph.outputs.values()];
  if (precision === 'f32' && edges.every(({ desc }) => desc.dtype === 'f32')) return graph;
  return new Assignment(graph, pointwise, precision).run();
}

class Assignment {
  readonly #graph: Graph;
  readonly #pointwise: OpDef<PointwiseAttributes> | undefined;
  readonly #precision: DType;
  readonly #readers: ReadonlyMap<Value, readonly Node[]>;
  readonly #outputs: ReadonlySet<Value>;
  readonly #ofIndices: ReadonlySet<Node>;
  /** What nodes read in place of a value. */
  readonly #stored = new Map<Value, Value>();
  /** What callers read in place of a value. */
  readonly #returned = new Map<Value, Value>();
  readonly #nodes: Node[] = [];

  constructor(graph: Graph, pointwise: OpDef<PointwiseAttributes> | undefined, precision: DType) {
    this.#graph = graph;
    this.#pointwise = pointwise;
    this.#precision = precision;
    this.#readers = consumers(graph);
    this.#outputs = new Set(graph.outputs.values());
    this.#ofIndices = nodesOfIndices(graph);
  }

  run(): Graph {
    const inputs = this.#graph.inputs.map((input) => this.#addInput(input));
    for (const node of this.#graph.nodes) this.#addNode(node);
    const outputs = new Map(
      [...this.#graph.outputs].map(([name, value]) => [name, this.#returned.get(value) ?? value]),
    );
    return { ...this.#graph, inputs, nodes: this.#nodes, outputs };
  }

  #addInput(input: Input): Input {
    const outside: Input =
      input.desc.dtype === 'f32' ? input : { ...input, desc: stored(input.desc, 'f32') };
    this.#returned.set(input, outside);
    const readers = this.#readers.get(input) ?? [];
    const half = input.desc.dtype === 'f16' || this.#precision === 'f16';
    const converts = half && readers.some((reader) => !this.#readsAsIs(reader));
    this.#stored.set(input, converts ? this.#converted(outside, 'f16') : outside);
    return outside;
  }

  #addNode(node: Node): void {
    const inputs = Object.fromEntries(
      Object.entries(node.inputs).map(([role, value]) => [role, this.#read(node, value)]),
    );
    const output = this.#written(node, inputs);
    const changed =
      output !== node.output ||
      Object.keys(inputs).some((role) => inputs[role] !== node.inputs[role]);
    this.#nodes.push(changed ? { ...node, inputs, output } : node);
    this.#stored.set(node.output, output);
    if (!this.#outputs.has(node.output)) return;
    const outside = output.desc.dtype === 'f16' ? this.#converted(output, 'f32') : output;
    this.#returned.set(node.output, outside);
  }

  #readsAsIs(node: Node): boolean {
    return isKept(node) || this.#ofIndices.has(node);
  }

  /** What a node reads. What is kept goes on to read the input. */
  #read(node: Node, value: Value): Value {
    if (value.kind !== 'activation' && this.#readsAsIs(node))
      return this.#returned.get(value) ?? value;
    return isConstant(value) ? this.#constant(value) : (this.#stored.get(value) ?? value);
  }

  #constant(constant: Constant): Constant {
    const known = this.#stored.get(constant);
    if (known && isConstant(known)) return known;
    const isMatrix = constant.desc.shape.filter((extent) => extent > 1).length > 1;
    const halved =
      this.#precision === 'f16' && isMatrix && constant.desc.dtype === 'f32'
        ? { ...constant, desc: stored(constant.desc, 'f16') }
        : constant;
    this.#stored.set(constant, halved);
    return halved;
  }

  /** The node's output as it is stored. */
  #written(node: Node, inputs: Readonly<Record<string, Value>>): Activation {
    const { output } = node;
    if (isKept(node)) return output;
    const dtype = this.#dtypeOf(node, inputs);
    return dtype === output.desc.dtype ? output : { ...output, desc: stored(output.desc, dtype) };
  }

  #dtypeOf(node: Node, inputs: Readonly<Record<string, Value>>): DType {
    if (!this.#pointwise && this.#outputs.has(node.output)) return 'f32';
    const [viewed] = Object.values(inputs);
    if (isRearrange(node) && viewed && !isConstant(viewed)) return viewed.desc.dtype;
    if (this.#precision === 'f32') return node.output.desc.dtype;
    // What is computed of indices is mostly indices, of which f16 has the first 2048.
    const read = Object.values(inputs).filter((value) => !isConstant(value));
    const made = this.#ofIndices.has(node) || read.every(({ kind }) => kind === 'activation');
    const whole = read.length > 0 && read.every(({ desc }) => desc.dtype === 'f32');
    if (combines(node) && made && whole) return 'f32';
    const readers = this.#readers.get(node.output) ?? [];
    const shortened = readers.some(({ op }) => !op.exact);
    return shortened ? 'f16' : node.output.desc.dtype;
  }

  /** The value stored so; as it is, where there is nothing to convert it. */
  #converted<V extends Input | Activation>(x: V, dtype: DType): V | Activation {
    const op = this.#pointwise;
    if (!op) return x;
    const name = `${x.name} as ${dtype}`;
    const output: Activation = { kind: 'activation', name, desc: stored(x.desc, dtype) };
    const attributes: PointwiseAttributes = { expression: operand('x'), dtype };
    const conversion: Node<PointwiseAttributes> = {
      op,
      name,
      attributes,
      inputs: { x },
      sources: [],
      output,
    };
    this.#nodes.push(conversion);
    return output;
  }
}

/** What may stand between indices and the layer that takes them. */
function combines(node: Node): boolean {
  return isPointwise(node) || isRearrange(node) || isConcat(node) || isReduce(node);
}

/** The nodes whose results are, or become, what exact layers take as `indices`, or an expression that is to be f32. */
function nodesOfIndices({ nodes }: Graph): ReadonlySet<Node> {
  const found = new Set<Node>();
  const wanted = new Set<Value | undefined>();
  for (const node of nodes.toReversed()) {
    if (node.op.exact) wanted.add(node.inputs.indices);
    const passes = !isKept(node) && combines(node) && wanted.has(node.output);
    if (passes) found.add(node);
    if (!passes && !staysSingle(node)) continue;
    for (const value of Object.values(node.inputs)) wanted.add(value);
  }
  return found;
}

/** An expression that is to be f32, of what is; no conversion. */
function staysSingle(node: Node): boolean {
  const inputs = Object.values(node.inputs);
  return (
    isPointwise(node) &&
    node.attributes.dtype === 'f32' &&
    inputs.every(({ desc }) => desc.dtype === 'f32')
  );
}

/** A node that stays as it is: an exact one, and one that only stores what it reads as another type. */
function isKept(node: Node): boolean | undefined {
  return node.op.exact || (isPointwise(node) && node.attributes.dtype !== undefined);
}

function stored(desc: TensorDesc, dtype: DType): TensorDesc {
  return { ...desc, dtype };
}
