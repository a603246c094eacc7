import { consumers, type Graph, type Node, type Value } from '../graph.ts';

/**
 * Rewrites a graph front to back. A pass walks the old nodes and appends each, or replaces a node already
 * appended together with the current one. The replacement takes over the current node's output value, so
 * nothing behind it changes.
 */
export class Rewriter {
  readonly #graph: Graph;
  readonly #consumers: ReadonlyMap<Value, readonly Node[]>;
  readonly #outputs: ReadonlySet<Value>;
  readonly #nodes = new Set<Node>();
  readonly #producers = new Map<Value, Node>();

  constructor(graph: Graph) {
    this.#graph = graph;
    this.#consumers = consumers(graph);
    this.#outputs = new Set(graph.outputs.values());
  }

  append(node: Node): Node {
    this.#nodes.add(node);
    this.#producers.set(node.output, node);
    return node;
  }

  /** The node behind which `value` can disappear: it computes it, one node reads it, and no caller does. */
  soleProducer(value: Value): Node | undefined {
    const single = this.#consumers.get(value)?.length === 1 && !this.#outputs.has(value);
    return single ? this.#producers.get(value) : undefined;
  }

  replace(old: Node, replacement: Node): Node {
    this.#nodes.delete(old);
    this.#producers.delete(old.output);
    return this.append(replacement);
  }

  finish(): Graph {
    return { ...this.#graph, nodes: [...this.#nodes] };
  }
}
