/** Which nodes write their output over an input that nobody reads after them. */
import type { Graph, Node } from '../graph.ts';
import type { OpTable } from '../operator.ts';
import { byteLength, type TensorDesc } from '../tensor.ts';
import { liveness, type StorageTable } from './storage.ts';

/** The roles of the inputs that a node's kernel could write over, the best first. */
export type Overwritable = (node: Node) => readonly string[];

/**
 * The role of the input that each such node writes over. What is there is the result of another layer, not an input
 * of the graph, which passes that are timed over and over must find; it dies at the node, under all its views, is no
 * output, and no other input of the node: WebGPU refuses memory that is bound for reading and for writing.
 */
export function overwrittenInputs(
  graph: Graph,
  operators: OpTable,
  overwritable: Overwritable,
): ReadonlyMap<Node, string> {
  const table = liveness(graph, operators);
  const chosen = new Map<Node, string>();
  graph.nodes.forEach((node, step) => {
    const role = overwritable(node).find((role) => mayOverwrite(node, role, step, table));
    if (role !== undefined) chosen.set(node, role);
  });
  return chosen;
}

function mayOverwrite(
  { inputs, output }: Node,
  role: string,
  step: number,
  { storages, indexOf }: StorageTable,
): boolean {
  const value = inputs[role];
  if (!value || !liesAlike(value.desc, output.desc)) return false;
  const index = indexOf.get(value);
  const storage = storages[index ?? -1];
  if (!storage || storage.firstStep < 0 || storage.lastStep !== step) return false;
  return Object.entries(inputs).every(
    ([otherRole, other]) => otherRole === role || indexOf.get(other) !== index,
  );
}

/** Whether element i of one lies where element i of the other does; shapes may differ, by a view. */
function liesAlike(a: TensorDesc, b: TensorDesc): boolean {
  return a.dtype === b.dtype && a.layout === b.layout && byteLength(a) === byteLength(b);
}
