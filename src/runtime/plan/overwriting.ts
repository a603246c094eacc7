/** Which nodes write their output over an input that nobody reads after them. */
import type { Graph, Node } from '../graph.ts';
import { bufferBytes, byteLength, storedElements, type TensorDesc } from '../tensor.ts';
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
  overwritable: Overwritable,
): ReadonlyMap<Node, string> {
  const table = liveness(graph);
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
  if (!value || output.within || !liesAlike(value.desc, output.desc)) return false;
  const index = indexOf.get(value);
  const storage = storages[index ?? -1];
  if (!storage || storage.firstStep < 0 || storage.lastStep !== step) return false;
  // Parts of something larger stay where they are.
  if (storage.bytes !== bufferBytes(storedElements(value.desc), value.desc.dtype)) return false;
  return Object.entries(inputs).every(
    ([otherRole, other]) => otherRole === role || indexOf.get(other) !== index,
  );
}

/** Whether element i of one lies where element i of the other does; shapes may differ, by a view. */
function liesAlike(a: TensorDesc, b: TensorDesc): boolean {
  const alike = JSON.stringify(a.view) === JSON.stringify(b.view);
  return a.dtype === b.dtype && alike && byteLength(a) === byteLength(b);
}
