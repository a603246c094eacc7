/**
 * Has nodes compute on maps as they were before a transposition, and the transposition come after. In networks of
 * channels-last frameworks, every convolution stands between two transpositions, and biases, activations, residuals,
 * padding and concatenations between those are of maps [N, H, W, C]: no kernel of a convolution could go on with them.
 * Transpositions that meet, and turn one another back, are removed.
 */
import { alignedTo } from '../broadcast.ts';
import {
  type ConcatAttributes,
  isConcat,
  isPointwise,
  isRearrange,
  isReduce,
  isSoftmax,
  type PointwiseAttributes,
  type RearrangeAttributes,
  type ReducedAxes,
  type SoftmaxAxis,
} from '../builtins.ts';
import { present } from '../errors.ts';
import {
  type Activation,
  consumers,
  type Graph,
  isConstant,
  type Node,
  type Value,
} from '../graph.ts';
import {
  beforeTransposition,
  inverse,
  isAscending,
  movedConstant,
  Pad,
  Reshape,
  Slice,
  shapeBefore,
  Transpose,
} from '../movement/index.ts';
import { type Shape, shapesEqual } from '../tensor.ts';
import { constantAs } from './constant_as.ts';
import { inheritSources } from './inherit_sources.ts';
import { mergeMovements } from './merge_movements.ts';
import { removeUnread } from './remove_unread.ts';

export function sinkTransposes(graph: Graph): Graph {
  const sunk = new Sinking(graph).graph();
  return sunk === graph ? graph : mergeMovements(inheritSources(graph, removeUnread(sunk)));
}

/** Axis a of a value is axis `order[a]` of `x`. */
interface Transposed {
  readonly x: Value;
  readonly order: readonly number[];
  /** The node that transposes. */
  readonly by: Node<RearrangeAttributes>;
}

class Sinking {
  readonly #graph: Graph;
  readonly #readers: ReadonlyMap<Value, readonly Node[]>;
  readonly #outputs: ReadonlySet<Value>;
  /** What is only read to be transposed, maybe back. */
  readonly #turning: ReadonlySet<Value>;
  readonly #nodes: Node[] = [];
  readonly #producers = new Map<Value, Node>();
  /** Operands that were transposed back, by the order. */
  readonly #operands = new Map<Value, Map<string, Value>>();
  readonly #transposed = new Map<Value, Transposed>();
  /** What transpositions made that turned one another back, and what was there before. */
  readonly #turnedBack = new Map<Value, Value>();
  #changed = false;

  constructor(graph: Graph) {
    this.#graph = graph;
    this.#readers = consumers(graph);
    this.#outputs = new Set(graph.outputs.values());
    this.#turning = turningIn(graph);
  }

  graph(): Graph {
    for (const given of this.#graph.nodes) {
      const node = this.#withoutTurns(given);
      if (isRearrange(node)) this.#move(node);
      else if (isPointwise(node)) this.#compute(node);
      else if (isConcat(node) || isSoftmax(node)) this.#followAxis(node);
      else if (isReduce(node)) this.#reduce(node);
      else this.#append(node);
    }
    return this.#changed ? { ...this.#graph, nodes: this.#nodes } : this.#graph;
  }

  /** The node, which reads what was there before transpositions that turned one another back. */
  #withoutTurns(node: Node): Node {
    const inputs = Object.entries(node.inputs);
    if (!inputs.some(([, value]) => this.#turnedBack.has(value))) return node;
    const known = inputs.map(([role, value]) => [role, this.#turnedBack.get(value) ?? value]);
    return { ...node, inputs: Object.fromEntries(known) };
  }

  #append(node: Node): void {
    this.#nodes.push(node);
    this.#producers.set(node.output, node);
  }

  /** Of what no transposition is known. */
  #appendMovement(node: Node<RearrangeAttributes>): void {
    const { x } = node.inputs;
    const given = node.attributes.steps;
    const axes = x?.desc.shape.map((_, axis) => axis) ?? [];
    const { steps, order } = beforeTransposition(given, axes);
    const turned = order?.join() === axes.join();
    const pads = steps.length > 0 && steps.every((step) => step instanceof Pad);
    if (x && order && !turned && pads && this.#turning.has(node.output) && this.#producers.has(x)) {
      this.#appendBefore({ ...node, attributes: { steps } }, { x, order, by: node });
      return;
    }
    const simpler = turned && steps.length > 0 && steps.length < given.length;
    if (simpler) this.#changed = true;
    const kept = simpler ? { ...node, attributes: { steps } } : node;
    this.#append(kept);
    if (x && order && !turned && steps.length === 0) {
      this.#transposed.set(node.output, { x, order, by: kept });
    }
  }

  /** Has a node like `by` make the output of x. */
  #appendTransposition(
    by: Node<RearrangeAttributes>,
    x: Value,
    order: readonly number[],
    output: Activation,
  ): void {
    const node = {
      ...by,
      inputs: { x },
      output,
      attributes: { steps: [new Transpose({ order })] },
    };
    this.#append(node);
    this.#transposed.set(output, { x, order, by: node });
  }

  /** Moves what was there before: a transposition comes after slices and padding, or joins the next one. */
  #move(node: Node<RearrangeAttributes>): void {
    const { x } = node.inputs;
    const before = x && this.#transposed.get(x);
    if (!x || !before) {
      this.#appendMovement(node);
      return;
    }
    const { steps, order } = beforeTransposition(node.attributes.steps, before.order);
    const turned = order?.every((axis, at) => axis === at);
    const isKept = turned
      ? steps.length === 0 && this.#outputs.has(node.output)
      : steps.length > 0 && !this.#turning.has(node.output);
    if (!order || isKept) {
      this.#append(node);
      return;
    }
    this.#changed = true;
    const moving = { ...node, inputs: { x: before.x }, attributes: { steps } };
    if (turned && steps.length === 0) {
      this.#turnedBack.set(node.output, before.x);
    } else if (turned) {
      this.#append(moving);
    } else if (steps.length === 0) {
      this.#appendTransposition(node, before.x, order, node.output);
    } else {
      this.#appendBefore(moving, { ...before, order });
    }
  }

  #compute(node: Node<PointwiseAttributes>): void {
    const { shape } = node.output.desc;
    const whole = Object.values(node.inputs).filter(
      (value) => !isConstant(value) && shapesEqual(value.desc.shape, shape),
    );
    const before = this.#commonTransposition(whole);
    if (!before || !this.#gains(node, whole)) {
      this.#append(node);
      return;
    }
    const made = new Map<Value, Value>();
    for (const value of Object.values(node.inputs)) {
      if (!made.has(value)) made.set(value, this.#operandBefore(value, shape, before));
    }
    const inputs = Object.entries(node.inputs).map(([role, v]) => [role, made.get(v) ?? v]);
    this.#appendBefore({ ...node, inputs: Object.fromEntries(inputs) }, before);
  }

  /** Of what is done along one axis, whatever the others are. */
  #followAxis(node: Node<ConcatAttributes | SoftmaxAxis>): void {
    const values = Object.values(node.inputs);
    const before = this.#commonTransposition(values);
    const axis = before?.order[node.attributes.axis];
    if (!before || axis === undefined || !this.#gains(node, values)) {
      this.#append(node);
      return;
    }
    const inputs = Object.entries(node.inputs).map(([role, value]) => [
      role,
      this.#transposed.get(value)?.x ?? value,
    ]);
    const attributes = { ...node.attributes, axis };
    this.#appendBefore({ ...node, attributes, inputs: Object.fromEntries(inputs) }, before);
  }

  /** Where the axes lie side by side before the transposition, too, and the others are in the same order. */
  #reduce(node: Node<ReducedAxes>): void {
    const { x } = node.inputs;
    const { from, to, keepAxes } = node.attributes;
    const before = x && this.#transposed.get(x);
    const reduced = before?.order.slice(from, to) ?? [];
    const [first, end] = [Math.min(...reduced), Math.max(...reduced) + 1];
    const others = before?.order.filter((_, axis) => axis < from || axis >= to) ?? [];
    if (!before || end - first !== to - from || !(keepAxes || isAscending(others))) {
      this.#append(node);
      return;
    }
    const attributes = { ...node.attributes, from: first, to: end };
    const moved = { ...node, inputs: { x: before.x }, attributes };
    if (keepAxes) {
      this.#appendBefore(moved, before);
    } else {
      this.#changed = true;
      this.#append(moved);
    }
  }

  /** The node, whose inputs are those before the transposition, and the transposition of what it makes. */
  #appendBefore(node: Node, { order, by }: Transposed): void {
    this.#changed = true;
    const output = untransposed(node, order);
    this.#append({ ...node, output });
    const name = `${node.name} transposed`;
    this.#appendTransposition({ ...by, name, sources: [] }, output, order, node.output);
  }

  /** That of the first, if all are transposed so. */
  #commonTransposition(values: readonly Value[]): Transposed | undefined {
    const [first, ...others] = values.map((value) => this.#transposed.get(value));
    return others.every((other) => other?.order.join() === first?.order.join()) ? first : undefined;
  }

  /**
   * Whether a dispatch is saved: one that transposes, or the node's own, with which what computes an operand can go on.
   * Else transposed maps are as good to read, and what the node makes would be copied.
   */
  #gains({ output }: Node, transposed: readonly Value[]): boolean {
    if (this.#turning.has(output)) return true;
    return transposed.some((value) => {
      const { x } = this.#transposed.get(value) ?? {};
      const producer =
        x && this.#isReadOnce(value) && this.#isReadOnce(x) && this.#producers.get(x);
      return producer && (producer.op.fusesEpilogue === true || isPointwise(producer));
    });
  }

  /** What is made here is: by the transposition that follows. */
  #isReadOnce(value: Value): boolean {
    return (this.#readers.get(value)?.length ?? 1) === 1 && !this.#outputs.has(value);
  }

  /** An operand of a node of this shape as it is broadcast to the shape before the transposition. */
  #operandBefore(value: Value, shape: Shape, { order, by }: Transposed): Value {
    const known = this.#transposed.get(value);
    if (known?.order.join() === order.join()) return known.x;
    const made = this.#operands.get(value) ?? new Map<string, Value>();
    this.#operands.set(value, made);
    const key = order.join();
    const operand = made.get(key) ?? this.#transposedBack(value, shape, order, by);
    made.set(key, operand);
    return operand;
  }

  #transposedBack(value: Value, shape: Shape, order: readonly number[], by: Node): Value {
    const extents = alignedTo(value.desc.shape, shape.length);
    const before = shapeBefore(extents, order);
    const inOrder = isAscending(order.filter((_, axis) => extents[axis] !== 1));
    const outer = before.findIndex((extent) => extent !== 1);
    const least = outer < 0 ? [] : before.slice(outer);
    if (inOrder && shapesEqual(least, value.desc.shape)) return value;
    if (inOrder && isConstant(value)) return constantAs(value, least);
    const steps = inOrder
      ? [new Reshape({ extents: before })]
      : [new Reshape({ extents }), new Transpose({ order: inverse(order) })];
    const name = `${value.name} before ${by.name}`;
    if (isConstant(value)) return present(movedConstant(value, steps), name);
    const output: Activation = { kind: 'activation', name, desc: { ...value.desc, shape: before } };
    this.#append({
      ...by,
      ...{ name, attributes: { steps }, inputs: { x: value }, sources: [], output },
    });
    return output;
  }
}

/**
 * Values all of whose readers transpose them, or make of them, where they can compute before a transposition, what is
 * transposed so.
 */
function turningIn({ nodes }: Graph): ReadonlySet<Value> {
  const turning = new Set<Value>();
  const others = new Set<Value>();
  for (const node of nodes.toReversed()) {
    const steps = isRearrange(node) ? node.attributes.steps : [];
    const passes = isRearrange(node)
      ? steps.every((step) => step instanceof Slice || step instanceof Pad)
      : isPointwise(node) || isConcat(node) || isSoftmax(node);
    // A reduction does, whatever the order.
    const turns = isReduce(node) || steps.some((step) => step instanceof Transpose);
    const turned = turns || (passes && turning.has(node.output) && !others.has(node.output));
    for (const value of Object.values(node.inputs)) (turned ? turning : others).add(value);
  }
  return new Set([...turning].filter((value) => !others.has(value)));
}

/** What a node makes, before it is transposed. */
function untransposed({ name, output: { desc } }: Node, order: readonly number[]): Activation {
  const shape = shapeBefore(desc.shape, order);
  return { kind: 'activation', name: `${name} before its transposition`, desc: { ...desc, shape } };
}
