import { ShapeError } from './errors.ts';
import type { Activation, Graph, Input, Node, OpDef, Value, Weight } from './graph.ts';
import { type Shape, tensorDesc } from './tensor.ts';

interface Draft {
  readonly inputs: Input[];
  readonly nodes: Node[];
  readonly outputs: Map<string, Value>;
  readonly weights: Map<string, Weight>;
  readonly nodeNames: Set<string>;
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
    };
    return new GraphBuilder(draft, '');
  }

  /** The same graph, one level down. */
  at(segment: string | number): GraphBuilder {
    return new GraphBuilder(this.#draft, this.#join(String(segment)));
  }

  /** An input of the graph. */
  input(name: string, shape: Shape): Input {
    const value: Input = { kind: 'input', name, desc: tensorDesc(shape, `input "${name}"`) };
    this.#draft.inputs.push(value);
    return value;
  }

  /** A weight of the layer at this path. Asking twice for a name gives the same weight. */
  weight(name: string, shape: Shape): Weight {
    const path = this.#join(name);
    const known = this.#draft.weights.get(path);
    if (known) return known;
    const desc = tensorDesc(shape, `weight "${path}"`);
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
    const output: Activation = { kind: 'activation', name, desc: op.inferShape(call) };
    const node: Node<A, R> = { ...call, output };
    this.#draft.nodes.push(node);
    return output;
  }

  /** The operator that makes a value; undefined for inputs and weights. */
  opOf(value: Value): string | undefined {
    return this.#draft.nodes.findLast(({ output }) => output === value)?.op.name;
  }

  /** Names a value that `run()` gives back. */
  output(name: string, value: Value): void {
    if (value.kind !== 'activation') {
      throw new ShapeError(`output "${name}": expected the result of a node, got ${value.kind}`);
    }
    if (this.#draft.outputs.has(name)) throw new ShapeError(`output "${name}" was named twice`);
    this.#draft.outputs.set(name, value);
  }

  build(name: string): Graph {
    const { inputs, nodes, outputs } = this.#draft;
    if (outputs.size === 0) throw new ShapeError(`graph "${name}" has no output`);
    return { name, inputs: [...inputs], nodes: [...nodes], outputs: new Map(outputs) };
  }

  #join(segment: string): string {
    return this.#path === '' ? segment : `${this.#path}.${segment}`;
  }

  #uniqueNodeName(op: string): string {
    const wanted = this.#path === '' ? op : this.#path;
    let name = wanted;
    for (let i = 2; this.#draft.nodeNames.has(name); i++) name = `${wanted}#${i}`;
    this.#draft.nodeNames.add(name);
    return name;
  }
}
