/** The nodes that outputs depend on, each after what it reads. */
import { quoted } from '../runtime/weights/messages.ts';
import { demandSound } from './errors.ts';
import type { GraphProto, NodeProto } from './schema/fields.ts';

/**
 * Visits the nodes that the outputs of a graph depend on, each once, after those that make what it reads. `reads` is
 * asked when a node is reached, and again when all that it named has been visited: a condition must be known before it
 * is clear what its branch reads. Throws OnnxError for a value that is made twice, and for cycles. `given` are the
 * names that no node may make.
 */
export function visitInOrder(
  graph: Pick<GraphProto, 'node' | 'output'>,
  given: ReadonlySet<string>,
  reads: (node: NodeProto) => readonly string[],
  visit: (node: NodeProto) => void,
): void {
  const makers = makersOf(graph, given);
  const done = new Set<NodeProto>();
  const open = new Set<NodeProto>();
  // Depth first, with a stack of its own: a chain may be longer than the machine's.
  const stack = graph.output.toReversed().flatMap(({ name }) => makers.get(name) ?? []);
  for (let node = stack.at(-1); node; node = stack.at(-1)) {
    const missing = done.has(node)
      ? []
      : reads(node).flatMap((name) => {
          const maker = makers.get(name);
          return maker && !done.has(maker) ? [{ name, maker }] : [];
        });
    if (missing.length === 0) {
      stack.pop();
      if (!done.has(node)) visit(node);
      done.add(node);
      open.delete(node);
      continue;
    }
    open.add(node);
    for (const { name, maker } of missing.toReversed()) {
      demandSound(!open.has(maker), `value ${quoted(name)} depends on itself`);
      stack.push(maker);
    }
  }
}

function makersOf(
  graph: Pick<GraphProto, 'node'>,
  given: ReadonlySet<string>,
): ReadonlyMap<string, NodeProto> {
  const makers = new Map<string, NodeProto>();
  for (const node of graph.node) {
    for (const name of node.output) {
      if (name === '') continue;
      const twice = makers.has(name) || given.has(name);
      demandSound(!twice, `value ${quoted(name)} is made twice`);
      makers.set(name, node);
    }
  }
  return makers;
}

/** The names that a graph, or what is inside of it, reads and does not make: it finds them outside of itself. */
export function namesFromOutside(graph: GraphProto): readonly string[] {
  const own = new Set([
    ...graph.initializer.map(({ name }) => name),
    ...graph.input.map(({ name }) => name),
    ...graph.node.flatMap(({ output }) => output),
  ]);
  const read = graph.node.flatMap((node) => [
    ...node.input,
    ...node.attribute.flatMap(({ g }) => (g ? namesFromOutside(g) : [])),
  ]);
  const outputs = graph.output.map(({ name }) => name);
  return [...new Set([...read, ...outputs])].filter((name) => name !== '' && !own.has(name));
}
