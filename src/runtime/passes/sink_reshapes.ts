/**
 * Has pointwise nodes compute on what a reshape sees under another shape, and the reshape come after them: relu of
 * [1, 196, 768], which are the rows [196, 768] of a linear layer, becomes relu of the rows. So it can be fused into the
 * layer, whose kernels know only its own shape. (Transformers add biases and residuals between reshapes.)
 */
import { alignedTo } from '../broadcast.ts';
import {
  isPointwise,
  isRearrange,
  type PointwiseAttributes,
  type RearrangeAttributes,
} from '../builtins.ts';
import type { DeviceProfile } from '../device_profile.ts';
import {
  type Activation,
  consumers,
  type Graph,
  isConstant,
  type Node,
  type Value,
} from '../graph.ts';
import { indexMapOf, Reshape } from '../movement/index.ts';
import { elementCount, formatShape, type Shape, shapesEqual } from '../tensor.ts';
import { constantAs } from './constant_as.ts';
import { mergeMovements } from './merge_movements.ts';
import { mergePointwise } from './merge_pointwise.ts';

/** What then follows one another is merged, which may leave reshapes of what no reshape was. */
export function sinkReshapes(graph: Graph, device: Pick<DeviceProfile, 'limits'>): Graph {
  const sunk = new Sinking(graph).graph();
  if (sunk === graph) return graph;
  return sinkReshapes(mergeMovements(mergePointwise(sunk, device)), device);
}

class Sinking {
  readonly #graph: Graph;
  readonly #readers: ReadonlyMap<Value, readonly Node[]>;
  readonly #outputs: ReadonlySet<Value>;
  /** Those that are kept, in order, by what they compute. */
  readonly #made = new Map<Value, Node>();
  #changed = false;

  constructor(graph: Graph) {
    this.#graph = graph;
    this.#readers = consumers(graph);
    this.#outputs = new Set(graph.outputs.values());
  }

  graph(): Graph {
    for (const node of this.#graph.nodes) {
      if (isPointwise(node)) this.#sink(node);
      else this.#append(node);
    }
    return this.#changed ? { ...this.#graph, nodes: [...this.#made.values()] } : this.#graph;
  }

  #append(node: Node): void {
    this.#made.set(node.output, node);
  }

  /** Moves one reshape after another behind the node. */
  #sink(node: Node<PointwiseAttributes>): void {
    const found = this.#reshapeBefore(node);
    const moved = found && operandsAs(node, found);
    if (!found || !moved) {
      this.#append(node);
      return;
    }
    const { reshape, x } = found;
    this.#changed = true;
    this.#made.delete(reshape.output);
    for (const operand of moved.reshaped) this.#append(operand);
    const desc = { ...node.output.desc, shape: x.desc.shape };
    const output: Activation = {
      kind: 'activation',
      name: `${node.name} before its reshape`,
      desc,
    };
    this.#sink({ ...node, inputs: moved.inputs, output });
    this.#append({ ...reshape, inputs: { x: output }, output: node.output });
  }

  /** The reshape of what a layer computes for it alone; not one that was made for an operand, which would turn back. */
  #reshapeBefore({ inputs, output, attributes }: Node<PointwiseAttributes>): Found | undefined {
    if (attributes.dtype !== undefined) return undefined;
    for (const value of new Set(Object.values(inputs))) {
      const reshape = this.#soleProducer(value);
      if (!reshape || !isReshape(reshape) || reshape.sources?.length === 0) continue;
      const { x } = reshape.inputs;
      const alike = shapesEqual(value.desc.shape, output.desc.shape);
      if (x && alike && this.#isFused(x)) return { value, reshape, x };
    }
    return undefined;
  }

  /** Whether what makes a value, before all reshapes, can go on with its result. */
  #isFused(value: Value): boolean {
    const producer = this.#soleProducer(value);
    const x = producer && isReshape(producer) ? producer.inputs.x : undefined;
    if (x) return this.#isFused(x);
    return producer !== undefined && (isPointwise(producer) || producer.op.fusesEpilogue === true);
  }

  #soleProducer(value: Value): Node | undefined {
    // What is made here is made for one.
    const { length = 1 } = this.#readers.get(value) ?? [];
    const single = length === 1 && !this.#outputs.has(value);
    return single ? this.#made.get(value) : undefined;
  }
}

interface Found {
  /** What a pointwise node reads, of its own shape. */
  readonly value: Value;
  /** The node that makes it of x. */
  readonly reshape: Node<RearrangeAttributes>;
  readonly x: Value;
}

/** Whether a node moves nothing: elements keep their order. */
function isReshape(node: Node): node is Node<RearrangeAttributes> {
  const { x } = node.inputs;
  if (!x || !isRearrange(node)) return false;
  const { shape } = x.desc;
  if (elementCount(shape) !== elementCount(node.output.desc.shape)) return false;
  const map = indexMapOf(node.attributes.steps, shape);
  return map?.offset === 0 && map.strides.join() === '1';
}

interface Operands {
  readonly inputs: Readonly<Record<string, Value>>;
  /** Nodes that show some of them under other shapes. */
  readonly reshaped: readonly Node[];
}

/** The node's inputs for the shape of x; undefined where some repeat otherwise than along whole axes of both. */
function operandsAs(node: Node, { value, reshape, x }: Found): Operands | undefined {
  const [from, to] = [node.output.desc.shape, x.desc.shape];
  const made = new Map<Value, Value>([[value, x]]);
  const reshaped: Node[] = [];
  for (const input of new Set(Object.values(node.inputs))) {
    if (input === value) continue;
    const shape = shapeAs(input.desc.shape, from, to);
    if (!shape) return undefined;
    if (shapesEqual(shape, input.desc.shape)) continue;
    if (isConstant(input)) {
      made.set(input, constantAs(input, shape));
      continue;
    }
    const name = `${input.name} as ${formatShape(shape)}`;
    const output: Activation = { kind: 'activation', name, desc: { ...input.desc, shape } };
    const attributes = { steps: [new Reshape({ extents: shape })] };
    const { op } = reshape;
    reshaped.push({ op, name, attributes, inputs: { x: input }, sources: [], output });
    made.set(input, output);
  }
  const inputs = Object.entries(node.inputs).map(([role, v]) => [role, made.get(v) ?? v] as const);
  return { inputs: Object.fromEntries(inputs), reshaped };
}

/**
 * The shape under which what is broadcast to `from` is broadcast to `to` alike: both are cut into the shortest runs of
 * axes with as many elements, [2, 3 | 64] and [6 | 64]; along each it has all of them, or one. As short as it can be.
 */
function shapeAs(operand: Shape, from: Shape, to: Shape): Shape | undefined {
  const extents = alignedTo(operand, from.length);
  const shape: number[] = [];
  let [i, j] = [0, 0];
  while (i < from.length || j < to.length) {
    const [first, start] = [i, j];
    let [left, right] = [from[i++] ?? 1, to[j++] ?? 1];
    while (left !== right) {
      if (left < right) left *= from[i++] ?? right;
      else right *= to[j++] ?? left;
    }
    const run = extents.slice(first, i);
    const whole = elementCount(run) === left;
    if (!whole && elementCount(run) !== 1) return undefined;
    shape.push(...to.slice(start, j).map((extent) => (whole ? extent : 1)));
  }
  const outer = shape.findIndex((extent) => extent !== 1);
  return outer < 0 ? [] : shape.slice(outer);
}
