/** What writes the nodes of one operator. */
import type { Node, OpDef } from '../runtime/graph.ts';
import { requireInput } from '../runtime/operator.ts';
import type { Importers } from './import_node.ts';
import type { OnnxWriter } from './onnx_writer.ts';

/** What ONNX and this library have of one kind of operator: how files are read, and how they are written. */
export interface OperatorRows {
  readonly importers: Importers;
  readonly exporters?: readonly Exporter[];
}

/** How an operator is written, without an epilogue that a node may have. */
export interface Exporter {
  readonly op: OpDef;
  readonly write: (node: Node, writer: OnnxWriter) => void;
}

/** `write` gets the nodes of this operator. */
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

/** The names of a node's inputs by role. */
export function read<R extends string>(
  writer: OnnxWriter,
  node: Node<object, R>,
  ...roles: readonly R[]
): readonly string[] {
  return roles.map((role) => writer.nameOf(requireInput(node, role)));
}

/** The names of those that the node has; ONNX leaves out optional inputs from the end on. */
export function readGiven<R extends string>(
  writer: OnnxWriter,
  node: Node<object, R>,
  ...roles: readonly R[]
): readonly string[] {
  return read(writer, node, ...roles.filter((role) => node.inputs[role]));
}
