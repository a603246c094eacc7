/** Removes nodes whose output nothing reads. */
import type { Graph, Node, Value } from '../graph.ts';

export function removeUnread(graph: Graph): Graph {
  const read = new Set<Value>(graph.outputs.values());
  const kept: Node[] = [];
  for (const node of graph.nodes.toReversed()) {
    if (!read.has(node.output)) continue;
    kept.push(node);
    for (const value of Object.values(node.inputs)) read.add(value);
  }
  return { ...graph, nodes: kept.reverse() };
}
