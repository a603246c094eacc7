/** What writes the nodes of one operator. */
import type { Node, OpDef } from '../runtime/graph.ts';
import type { OnnxWriter } from './onnx_writer.ts';

/** How an operator is written, without an epilogue that a node may have. */
export interface Exporter {
  readonly op: OpDef;
  readonly write: (node: Node, writer: OnnxWriter) => void;
}

export type Exporters = readonly Exporter[];

/**
 * `write` gets the nodes of this operator.
 *
 * @__NO_SIDE_EFFECTS__
 */
export function exporter<A extends object, R extends string>(
  op: OpDef<A, R>,
  write: (node: Node<A, R>, writer: OnnxWriter) => void,
): Exporter {
  const isOf = (node: Node): node is Node<A, R> => node.op === op;
  return {
    op,
    write(node, writer) {
      if (isOf(node)) write(node, writer);
    },
  };
}

/** The names of a node's inputs in these roles, of those that it has: optional ones are left out from the end on. */
export function read<R extends string>(
  writer: OnnxWriter,
  node: Node<object, R>,
  ...roles: readonly R[]
): readonly string[] {
  return roles.flatMap((role) => {
    const value = node.inputs[role];
    return value ? [writer.nameOf(value)] : [];
  });
}
