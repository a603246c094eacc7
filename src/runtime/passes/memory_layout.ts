/** Where activations lie while that is being decided, and who could live with what. */
import { operandsOf } from '../../../shaders/lib/expression.ts';
import { operandStrides } from '../epilogue.ts';
import { type Access, consumers, type Graph, type Node, type Value } from '../graph.ts';
import { mapStridesOf, type TensorDesc, type View, viewOfDesc, withView } from '../tensor.ts';

interface Place {
  readonly root: Value;
  readonly view: View;
}

/**
 * Where each activation of a graph lies, while passes decide on it: in memory of its own, or under a view in that of
 * another value, its root.
 */
export class MemoryLayout {
  readonly #places = new Map<Value, Place>();
  /** Of each root the values that lie in its memory, beside itself. */
  readonly #members = new Map<Value, Set<Value>>();
  readonly #readers: ReadonlyMap<Value, readonly Node[]>;
  readonly #producers: ReadonlyMap<Value, Node>;
  readonly #outputs: ReadonlySet<Value>;

  constructor(graph: Graph) {
    this.#readers = consumers(graph);
    this.#producers = new Map(graph.nodes.map((node) => [node.output, node]));
    this.#outputs = new Set(graph.outputs.values());
  }

  /**
   * The value in whose memory it lies: itself, where that was not decided otherwise.
   *
   * @param value - Of the graph.
   */
  rootOf(value: Value): Value {
    return this.#places.get(value)?.root ?? value;
  }

  /**
   * Whether it may still be put elsewhere: nothing lies in its memory yet, and it in no other's.
   *
   * @param value - Of the graph.
   */
  isFree(value: Value): boolean {
    return !this.#places.has(value) && !this.#members.has(value);
  }

  /**
   * Whether the graph gives it.
   *
   * @param value - Of the graph.
   */
  isOutput(value: Value): boolean {
    return this.#outputs.has(value);
  }

  /**
   * Where its elements lie in the memory of its root.
   *
   * @param value - Of the graph.
   */
  viewOf(value: Value): View {
    return this.#places.get(value)?.view ?? viewOfDesc(value.desc);
  }

  /**
   * Its shape and type, with the view under which it lies.
   *
   * @param value - Of the graph.
   */
  descOf(value: Value): TensorDesc {
    const place = this.#places.get(value);
    return place ? withView(value.desc, place.view) : value.desc;
  }

  /**
   * The nodes that read it.
   *
   * @param value - Of the graph.
   */
  readersOf(value: Value): readonly Node[] {
    return this.#readers.get(value) ?? [];
  }

  /**
   * The values that lie in a root's memory, itself among them.
   *
   * @param root - A value with memory of its own.
   */
  membersOf(root: Value): readonly Value[] {
    return [root, ...(this.#members.get(root) ?? [])];
  }

  /**
   * Decides where a value lies.
   *
   * @param value - One that is free.
   * @param root - The value in whose memory it lies from now on; may be itself.
   * @param view - Where its elements lie in that memory.
   */
  place(value: Value, root: Value, view: View): void {
    this.#places.set(value, { root, view });
    if (value !== root) {
      this.#members.set(root, (this.#members.get(root) ?? new Set()).add(value));
    }
  }

  /**
   * Whether what computes a value can write it under a view, and all that read it can read it.
   *
   * @param value - Of the graph.
   * @param view - Where its elements would lie.
   * @param except - A node that is not asked.
   */
  allowsView(value: Value, view: View, except?: Node): boolean {
    const desc = withView(value.desc, view);
    const producer = this.#producers.get(value);
    const canMove = (node: Node): boolean => this.#canMove(node, value, view);
    const writable =
      !producer ||
      producer === except ||
      (accepts(accessOf(producer, 'y'), desc) && canMove(producer));
    const readable = (node: Node): boolean =>
      node === except || (canRead(node, value, desc) && canMove(node));
    return writable && this.readersOf(value).every(readable);
  }

  /** Whether the node can go from its input as it lies to its output as it lies, one of them under this view. */
  #canMove(node: Node, value: Value, view: View): boolean {
    const { x } = node.inputs;
    const { output } = node;
    if (!node.op.between || !x || this.rootOf(x) === this.rootOf(output)) return true;
    const viewed = (end: Value): View => (end === value ? view : this.viewOf(end));
    return node.op.between(node, viewed(x), viewed(output));
  }

  /**
   * Whether some dispatch would bind a root for reading and for writing if a value lay in it.
   *
   * @param value - Of the graph.
   * @param root - Another one, with memory of its own.
   * @param except - A node that is not asked.
   */
  wouldConflict(value: Value, root: Value, except?: Node): boolean {
    const producer = this.#producers.get(value);
    const reads = Object.values(producer?.inputs ?? {}).some(
      (input) => this.rootOf(input) === root,
    );
    return reads || this.readersWouldConflict(value, root, except);
  }

  /**
   * The same for a view, which nothing writes.
   *
   * @param value - Of the graph.
   * @param root - Another one, with memory of its own.
   * @param except - A node that is not asked.
   */
  readersWouldConflict(value: Value, root: Value, except?: Node): boolean {
    return this.readersOf(value).some(
      (reader) => reader !== except && this.rootOf(reader.output) === root,
    );
  }
}

/** Whether a node can read a value under a view, in all roles in which it does. */
function canRead(node: Node, value: Value, desc: TensorDesc): boolean {
  const operands = node.epilogue ? operandsOf(node.epilogue) : [];
  return Object.entries(node.inputs).every(([role, input]) => {
    if (input !== value) return true;
    if (operands.includes(role)) return operandStrides(desc, node.output.desc.shape) !== undefined;
    return accepts(accessOf(node, role), desc);
  });
}

function accessOf({ op: { views } }: Node, role: string): Access | undefined {
  return views === 'any' ? 'any' : views?.[role];
}

function accepts(access: Access | undefined, desc: TensorDesc): boolean {
  if (!desc.view || access === 'any') return true;
  return access === 'map' && mapStridesOf(desc) !== undefined;
}
