/** The nodes that outputs depend on, each after what it reads. */
import { quoted } from '../runtime/weights/messages.ts';
import { demandSound } from './errors.ts';
import type { GraphProto, NodeProto } from './schema/onnx_pb.ts';

/** Throws OnnxError for a value that is made twice, and for cycles. `inputs` are the names that are given. */
export function scheduled(graph: GraphProto, inputs: ReadonlySet<string>): readonly NodeProto[] {
  const makers = new Map<string, NodeProto>();
  for (const node of graph.node) {
    for (const name of node.output) {
      if (name === '') continue;
      const twice = makers.has(name) || inputs.has(name);
      demandSound(!twice, `value ${quoted(name)} is made twice`);
      makers.set(name, node);
    }
  }
  const order: NodeProto[] = [];
  const done = new Set<NodeProto>();
  const open = new Set<NodeProto>();
  // Depth first, with a stack of its own: a chain may be longer than the machine's.
  const stack = graph.output.toReversed().flatMap(({ name }) => makers.get(name) ?? []);
  for (let node = stack.at(-1); node; node = stack.at(-1)) {
    if (done.has(node) || open.has(node)) {
      stack.pop();
      if (!done.has(node)) order.push(node);
      done.add(node);
      open.delete(node);
      continue;
    }
    open.add(node);
    for (const name of node.input.toReversed()) {
      const maker = makers.get(name);
      if (!maker || done.has(maker)) continue;
      demandSound(!open.has(maker), `value ${quoted(name)} depends on itself`);
      stack.push(maker);
    }
  }
  return order;
}
