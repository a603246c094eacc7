import { consumers, type Graph, type Value } from '../graph.ts';
import { sourcesOf } from './rewriter.ts';

/** The graph after a pass: what nodes computed that are gone, what read them first computes. */
export function inheritSources(before: Graph, after: Graph): Graph {
  const kept = new Set(after.nodes.flatMap((node) => sourcesOf(node)));
  const readers = consumers(before);
  const heirs = new Map<Value, string>();
  const inherited = new Map<string, string[]>();
  for (const node of before.nodes.toReversed()) {
    const isKept = sourcesOf(node).some((name) => kept.has(name));
    const [reader] = readers.get(node.output) ?? [];
    const heir = isKept ? node.name : heirs.get(reader?.output ?? node.output);
    if (heir === undefined) continue;
    heirs.set(node.output, heir);
    if (!isKept) inherited.set(heir, [...sourcesOf(node), ...(inherited.get(heir) ?? [])]);
  }
  const nodes = after.nodes.map((node) => {
    const names = inherited.get(node.name);
    return names ? { ...node, sources: [...names, ...sourcesOf(node)] } : node;
  });
  return { ...after, nodes };
}
