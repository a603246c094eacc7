/** What writes the nodes of one operator. */
import type { Node } from '../runtime/graph.ts';
import { requireInput } from '../runtime/operator.ts';
import type { OnnxWriter } from './onnx_writer.ts';

/** A method, since a table of them cannot say whose attributes each takes: that is the operator's name. */
export type Exporter<A extends object = object> = {
  write(node: Node<A>, writer: OnnxWriter): void;
}['write'];

/** The names of a node's inputs by role. */
export function read(
  writer: OnnxWriter,
  node: Node,
  ...roles: readonly string[]
): readonly string[] {
  return roles.map((role) => writer.nameOf(requireInput(node, role)));
}
