import { ShapeError } from './errors.ts';
import {
  type Activation,
  type Graph,
  type Input,
  isConstant,
  type Node,
  type OpDef,
  type Value,
  type Weight,
} from './graph.ts';
import { type Named, outputDesc } from './operator.ts';
import { formatShape, type Shape, shapesEqual, tensorDesc } from './tensor.ts';

interface Draft {
  readonly inputs: Input[];
  readonly nodes: Node[];
  readonly outputs: Map<string, Value>;
  readonly weights: Map<string, Weight>;
  readonly nodeNames: Set<string>;
  readonly makers: Map<Value, Node>;
}

/**
 * Builds a graph node by node. Every call checks shapes, so a model that does not fit its input fails
 * while it is being built, with the layer's name, before any GPU work.
 *
 * A builder stands at a path; `at()` descends. The path prefixes the names of nodes and weights, so
 * that `conv2d(g.at('layer1').at(0).at('conv1'), ...)` reads the weight `layer1.0.conv1.weight`.
 */
export class GraphBuilder {
  readonly #draft: Draft;
  readonly #path: string;

  private constructor(draft: Draft, path: string) {
    this.#draft = draft;
    this.#path = path;
  }

  static create(): GraphBuilder {
    const draft = {
      inputs: [],
      nodes: [],
      outputs: new Map(),
      weights: new Map(),
      nodeNames: new Set<string>(),
      makers: new Map(),
    };
    return new GraphBuilder(draft, '');
  }

  /** The same graph, one level down. */
  at(segment: string | number): GraphBuilder {
    return new GraphBuilder(this.#draft, this.#join(String(segment)));
  }

  /** An input of the graph. Throws ShapeError for a name that another has. */
  input(name: string, shape: Shape): Input {
    const { inputs } = this.#draft;
    const value: Input = { kind: 'input', name, desc: tensorDesc(shape, `input "${name}"`) };
    if (inputs.some((input) => input.name === name)) throw namedTwice('input', name);
    inputs.push(value);
    return value;
  }

  /** A weight of the layer at this path. Asking twice for a name gives the same weight, which must have one shape. */
  weight(name: string, shape: Shape): Weight {
    const path = this.#join(name);
    const known = this.#draft.weights.get(path);
    const desc = tensorDesc(shape, `weight "${path}"`);
    if (known) {
      if (shapesEqual(known.desc.shape, shape)) return known;
      throw new ShapeError(
        `weight "${path}" is ${formatShape(known.desc.shape)} already, got ${formatShape(shape)}; give the layer a path of its own`,
      );
    }
    const value: Weight = { kind: 'weight', name: path, desc };
    this.#draft.weights.set(path, value);
    return value;
  }

  /** Appends a node named by this path. Throws ShapeError if the operator refuses the shapes. */
  add<A extends object, R extends string>(
    op: OpDef<A, R>,
    attributes: A,
    inputs: Readonly<Partial<Record<R, Value>>>,
  ): Activation {
    const name = this.#uniqueNodeName(op.name);
    const given = Object.entries<Value | undefined>(inputs).filter(([, value]) => value);
    const call = { op, name, attributes, inputs: Object.fromEntries(given) as Node['inputs'] };
    const output: Activation = { kind: 'activation', name, desc: outputDesc(call) };
    const node: Node<A, R> = { ...call, output };
    this.#draft.nodes.push(node);
    this.#draft.makers.set(output, node);
    return output;
  }

  /** The node that makes a value; undefined for inputs and weights. */
  nodeOf(value: Value): Node | undefined {
    return this.#draft.makers.get(value);
  }

  /** What a builder of several nodes is in messages: a node at this path. */
  named(op: string): Named {
    return { op: { name: op }, name: this.#path || op };
  }

  /** Names a value that `run()` gives back. */
  output(name: string, value: Value): void {
    if (value.kind !== 'activation') {
      throw new ShapeError(`output "${name}": expected the result of a node, got ${value.kind}`);
    }
    if (this.#draft.outputs.has(name)) throw namedTwice('output', name);
    this.#draft.outputs.set(name, value);
  }

  /** The graph. Throws ShapeError where it has no output, or reads a value of another builder. */
  build(name: string): Graph {
    const { inputs, nodes, outputs } = this.#draft;
    if (outputs.size === 0) throw new ShapeError(`graph "${name}" has no output`);
    const made = new Set<Value>([...inputs, ...nodes.map(({ output }) => output)]);
    const read = [...nodes.flatMap(({ inputs }) => Object.values(inputs)), ...outputs.values()];
    const foreign = read.find((value) => !made.has(value) && !isConstant(value));
    if (foreign) {
      throw new ShapeError(`graph "${name}" reads "${foreign.name}" of another GraphBuilder`);
    }
    return { name, inputs: [...inputs], nodes: [...nodes], outputs: new Map(outputs) };
  }

  #join(segment: string): string {
    return this.#path === '' ? segment : `${this.#path}.${segment}`;
  }

  #uniqueNodeName(op: string): string {
    return uniqueName(this.named(op).name, this.#draft.nodeNames);
  }
}

/** The name that is wanted, numbered where it is taken, and takes it. */
export function uniqueName(wanted: string, taken: Set<string>): string {
  let name = wanted;
  for (let i = 2; taken.has(name); i++) name = `${wanted}#${i}`;
  taken.add(name);
  return name;
}

function namedTwice(kind: string, name: string): ShapeError {
  return new ShapeError(`${kind} "${name}" was named twice`);
}
