import { consumers, type Graph, type Node, type Value } from '../graph.ts';

/** The graph with nodes replaced as `replace` does it; it returns nothing where it leaves a node. */
export function rewritten(
  graph: Graph,
  replace: (rewriter: Rewriter, node: Node) => Node | undefined,
): Graph {
  const rewriter = new Rewriter(graph);
  for (const node of graph.nodes) if (!replace(rewriter, node)) rewriter.append(node);
  return rewriter.finish();
}

/**
 * Rewrites a graph front to back. A pass walks the old nodes and appends each, or replaces a node already
 * appended together with the current one. The replacement takes over the current node's output value, so
 * nothing after it changes.
 */
export class Rewriter {
  readonly #graph: Graph;
  readonly #readers: ReadonlyMap<Value, Set<Node>>;
  readonly #outputs: ReadonlySet<Value>;
  readonly #nodes = new Set<Node>();
  readonly #producers = new Map<Value, Node>();

  constructor(graph: Graph) {
    this.#graph = graph;
    this.#readers = new Map([...consumers(graph)].map(([value, nodes]) => [value, new Set(nodes)]));
    this.#outputs = new Set(graph.outputs.values());
  }

  append<A extends object>(node: Node<A>): Node<A> {
    this.#nodes.add(node);
    this.#producers.set(node.output, node);
    return node;
  }

  /** The node after which `value` can disappear: it computes it, one node reads it, and no caller does. */
  soleProducer(value: Value): Node | undefined {
    const single = this.#readers.get(value)?.size === 1 && !this.#outputs.has(value);
    return single ? this.#producers.get(value) : undefined;
  }

  /** Appends a node that computes what `old`, which was appended, and `current`, which may be, did. */
  replace<A extends object>(old: Node, current: Node, replacement: Node<A>): Node<A> {
    const node = { ...replacement, sources: sourcesOf(old, current) };
    for (const replaced of [old, current]) {
      this.#nodes.delete(replaced);
      this.#producers.delete(replaced.output);
      for (const value of Object.values(replaced.inputs))
        this.#readers.get(value)?.delete(replaced);
    }
    for (const value of Object.values(node.inputs)) this.#readers.get(value)?.add(node);
    return this.append(node);
  }

  /** Puts a node that computes the same value in place of one that was appended. */
  update(old: Node, node: Node): void {
    this.#nodes.delete(old);
    for (const value of Object.values(old.inputs)) this.#readers.get(value)?.delete(old);
    for (const value of Object.values(node.inputs)) this.#readers.get(value)?.add(node);
    this.append(node);
  }

  finish(): Graph {
    return { ...this.#graph, nodes: [...this.#nodes] };
  }
}

/** The names of the model's nodes that several compute together. */
export function sourcesOf(...nodes: readonly Node[]): readonly string[] {
  return nodes.flatMap(({ name, sources }) => sources ?? [name]);
}
