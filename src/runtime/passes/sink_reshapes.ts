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
  /** Of the reshapes that were moved. */
  readonly #sources = new Map<Value, string[]>();
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

  /** Moves the reshapes of one operand after the other behind the node, as one. */
  #sink(node: Node<PointwiseAttributes>): void {
    const found = this.#reshapeBefore(node);
    const moved = found && operandsAs(node, found);
    if (!found || !moved) {
      this.#append(node);
      return;
    }
    const { reshapes, x } = found;
    this.#changed = true;
    for (const reshape of reshapes) this.#made.delete(reshape.output);
    for (const operand of moved.reshaped) this.#append(operand);
    const { desc } = node.output;
    const name = `${node.name} before its reshape`;
    const output: Activation = { kind: 'activation', name, desc: { ...desc, shape: x.desc.shape } };
    this.#sink({ ...node, inputs: moved.inputs, output });
    this.#append({
      ...reshapes[0],
      sources: this.#sourcesOf(reshapes, node.output),
      attributes: { steps: [new Reshape({ extents: desc.shape })] },
      inputs: { x: output },
      output: node.output,
    });
  }

  /** Of what is moved past one node after another, one list that grows. */
  #sourcesOf(reshapes: readonly Node[], output: Value): readonly string[] {
    const moved = reshapes.map((reshape) => this.#sources.get(reshape.output)).find((list) => list);
    const list = moved ?? [];
    for (const { sources, name } of reshapes)
      if (sources !== list) list.push(...(sources ?? [name]));
    this.#sources.set(output, list);
    return list;
  }

  /** The reshapes of what a layer that can go on with it computes for them alone. */
  #reshapeBefore({ inputs, output, attributes }: Node<PointwiseAttributes>): Found | undefined {
    if (attributes.dtype !== undefined) return undefined;
    for (const value of new Set(Object.values(inputs))) {
      if (!shapesEqual(value.desc.shape, output.desc.shape)) continue;
      const [last, ...earlier] = this.#reshapesOf(value);
      if (!last) continue;
      const { x } = (earlier.at(-1) ?? last).inputs;
      const producer = x && this.#soleProducer(x);
      if (producer && (isPointwise(producer) || producer.op.fusesEpilogue === true)) {
        return { value, reshapes: [last, ...earlier], x };
      }
    }
    return undefined;
  }

  /** Those that make a value, the last first; none that was made for an operand, which would turn back. */
  #reshapesOf(value: Value): readonly Node<RearrangeAttributes>[] {
    const reshapes: Node<RearrangeAttributes>[] = [];
    for (let made: Value | undefined = value; made; made = reshapes.at(-1)?.inputs.x) {
      const reshape = this.#soleProducer(made);
      if (!reshape || !isReshape(reshape) || reshape.sources?.length === 0) break;
      reshapes.push(reshape);
    }
    return reshapes;
  }

  #soleProducer(value: Value): Node | undefined {
    // What is made here is made for one.
    const readers = this.#readers.get(value)?.length ?? 1;
    return readers === 1 && !this.#outputs.has(value) ? this.#made.get(value) : undefined;
  }
}

interface Found {
  /** What a pointwise node reads, of its own shape. */
  readonly value: Value;
  /** The nodes that make it of x, the last first. */
  readonly reshapes: readonly [Node<RearrangeAttributes>, ...Node<RearrangeAttributes>[]];
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
function operandsAs(node: Node, { value, reshapes, x }: Found): Operands | undefined {
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
    const { op } = reshapes[0];
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
