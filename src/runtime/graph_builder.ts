import { checkArgument, checkOptions } from './arguments.ts';
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
import { describe, type Named, outputDesc } from './operator.ts';
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
 * Builds a graph node by node. Every call checks shapes, so a model that does not fit its input fails while it is being
 * built, with the layer's name, before any GPU work.
 *
 * A builder stands at a path; `at()` descends. The path prefixes the names of nodes and weights, so that
 * `conv2d(g.at('layer1').at(0).at('conv1'), ...)` reads the weight `layer1.0.conv1.weight`.
 *
 * @example
 * const net = GraphBuilder.create();
 * const image = net.input('image', [1, 3, 32, 32]);
 * net.output('y', relu(net.at('relu'), conv2d(net.at('conv'), image, { channels: 8, kernel: 3 })));
 * const built = net.build('small'); // reads conv.weight and conv.bias
 */
export class GraphBuilder {
  readonly #draft: Draft;
  readonly #path: string;

  private constructor(draft: Draft, path: string) {
    this.#draft = draft;
    this.#path = path;
  }

  /**
   * A builder of a new graph, at its root.
   *
   * @example
   * const net = GraphBuilder.create();
   */
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

  /**
   * The same graph, one level down.
   *
   * @param segment - Of the path: `conv1`, `layer1.0`, or a number.
   * @throws TilewiseError for a segment of another type.
   *
   * @example
   * const first = conv2d(g.at('layer1').at(0).at('conv1'), x, { channels: 64, kernel: 3 }); // layer1.0.conv1.weight
   */
  at(segment: string | number): GraphBuilder {
    return new GraphBuilder(
      this.#draft,
      this.#join(typeof segment === 'number' ? `${segment}` : segment),
    );
  }

  /**
   * An input of the graph.
   *
   * @param name - By which data is given to `run`.
   * @param shape - Positive integers.
   * @throws ShapeError for a name that another has, and for extents that are no positive integers.
   *
   * @example
   * const image = g.input('image', [1, 3, 224, 224]);
   */
  input(name: string, shape: Shape): Input {
    const { inputs } = this.#draft;
    const value: Input = { kind: 'input', name, desc: tensorDesc(shape, `input "${name}"`) };
    checkName(
      'input',
      name,
      inputs.some((input) => input.name === name),
    );
    inputs.push(value);
    return value;
  }

  /**
   * A weight of the layer at this path. Asking twice for a name gives the same weight, which must have one shape.
   *
   * @param name - After the path; `weight`.
   * @param shape - Positive integers.
   * @throws ShapeError where the name has another shape already, and for extents that are no positive integers.
   *
   * @example
   * const at = g.at('block');
   * const scaled = mul(at, x, at.weight('layer_scale', [64, 1, 1])); // block.layer_scale
   */
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

  /**
   * Appends a node named by this path.
   *
   * @param op - The operator, of `Builtins` or of your own.
   * @param attributes - What it is told besides its inputs.
   * @param inputs - By role; those that are left out are undefined.
   * @returns The node's output.
   * @throws ShapeError if the operator refuses the shapes.
   * @throws TilewiseError for values of another builder.
   *
   * @example
   * const node = g.nodeOf(relu(g.at('relu1'), x));
   * const again = node && g.at('relu2').add(node.op, node.attributes, { ...node.inputs, x });
   */
  add<A extends object, R extends string>(
    op: OpDef<A, R>,
    attributes: A,
    inputs: Readonly<Partial<Record<R, Value>>>,
  ): Activation {
    checkArgument(op?.inferShape, 'add: op', 'an OpDef', op);
    const given = Object.entries<Value | undefined>({ ...inputs }).filter(
      ([, value]) => value !== undefined,
    );
    const read = Object.fromEntries(given) as Node['inputs'];
    const wanted = checkLayer(this, op, read, attributes).name;
    const name = uniqueName(wanted, this.#draft.nodeNames);
    const call = { op, name, attributes, inputs: read };
    const output: Activation = { kind: 'activation', name, desc: outputDesc(call) };
    const node: Node<A, R> = { ...call, output };
    this.#draft.nodes.push(node);
    this.#draft.makers.set(output, node);
    return output;
  }

  /**
   * The node that makes a value; undefined for inputs and weights.
   *
   * @param value - Of this builder.
   *
   * @example
   * const name = g.nodeOf(relu(g.at('relu1'), x))?.name; // 'relu1'
   */
  nodeOf(value: Value): Node | undefined {
    return this.#draft.makers.get(value);
  }

  /**
   * Whether it has made the value; or it is a constant, which has a name alone.
   *
   * @param value - Anything.
   *
   * @example
   * g.has(x); // true
   */
  has(value: unknown): value is Value {
    const known = Object(value) as Value;
    const { inputs, makers } = this.#draft;
    return isConstant(known) || makers.has(known) || inputs.includes(known as Input);
  }

  /**
   * What a builder of several nodes is in messages: a node at this path.
   *
   * @param op - What messages call it.
   *
   * @example
   * const { name } = g.at('layer1').named('my_block'); // 'layer1'
   */
  named(op: string): Named {
    return { op: { name: op }, name: this.#path || op };
  }

  /**
   * Names a value that `run()` gives back.
   *
   * @param name - By which `run` gives it; of its own among the outputs.
   * @param value - What a node makes.
   * @throws TilewiseError for a value that no node of this builder makes.
   * @throws ShapeError for a name that another output has.
   *
   * @example
   * const net = GraphBuilder.create();
   * net.output('y', relu(net, net.input('x', [2, 3])));
   */
  output(name: string, value: Value): void {
    checkArgument(
      this.nodeOf(value),
      `output "${name}"`,
      'a value of this GraphBuilder that a node makes',
      value,
    );
    checkName('output', name, this.#draft.outputs.has(name));
    this.#draft.outputs.set(name, value);
  }

  /**
   * The graph.
   *
   * @param name - For messages.
   * @throws ShapeError where it has no output.
   * @throws TilewiseError for a name of another type.
   *
   * @example
   * const net = GraphBuilder.create();
   * net.output('y', relu(net, net.input('x', [2, 3])));
   * const built = net.build('small');
   */
  build(name: string): Graph {
    const { inputs, nodes, outputs } = this.#draft;
    checkName('build', name);
    if (outputs.size === 0) throw new ShapeError(`graph "${name}" has no output`);
    return { name, inputs: [...inputs], nodes: [...nodes], outputs: new Map(outputs) };
  }

  #join(segment: string): string {
    checkName('GraphBuilder', segment);
    return this.#path === '' ? segment : `${this.#path}.${segment}`;
  }
}

/**
 * What every builder of layers checks first. Throws TilewiseError, with the layer's name, unless it was given a
 * GraphBuilder, values of it, and objects for options. Returns what messages call the layer.
 */
export function checkLayer(
  g: GraphBuilder,
  op: Named['op'],
  values: Readonly<Record<string, Value>>,
  ...options: readonly object[]
): Named {
  checkArgument(g instanceof GraphBuilder, `${op.name}: g`, 'a GraphBuilder', g);
  const call = g.named(op.name);
  const who = describe(call);
  for (const [role, value] of Object.entries(values)) {
    checkArgument(
      g.has(value),
      `${who}: ${role}`,
      'a value of this GraphBuilder',
      Object(value).name ?? value,
    );
  }
  for (const one of options) checkOptions(who, one);
  return call;
}

/** The name that is wanted, numbered where it is taken, and takes it. */
export function uniqueName(wanted: string, taken: Set<string>): string {
  let name = wanted;
  for (let i = 2; taken.has(name); i++) name = `${wanted}#${i}`;
  taken.add(name);
  return name;
}

function checkName(kind: string, name: string, taken = false): void {
  checkArgument(typeof name === 'string', `${kind}: name`, 'a string', name);
  if (taken) throw new ShapeError(`${kind} "${name}" was named twice`);
}
