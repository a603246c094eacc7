/** Which activations need memory of their own, and from which step to which. */
import { UnsupportedError } from '../errors.ts';
import type { Graph, Node, Value } from '../graph.ts';
import { describe, type OpTable, operatorOf } from '../operator.ts';
import { byteLength } from '../tensor.ts';

/** One piece of memory, and the steps (indices into the graph's nodes) between which it holds data. */
export interface Storage {
  /** For reports: the value that is written first. */
  readonly name: string;
  readonly bytes: number;
  /** -1 for inputs, which are there before the first step. */
  readonly firstStep: number;
  /** The number of nodes for outputs, which are read after the last step. */
  readonly lastStep: number;
}

export interface StorageTable {
  readonly storages: readonly Storage[];
  /** The index in `storages` of every input and activation. Views share their input's. */
  readonly indexOf: ReadonlyMap<Value, number>;
}

/** Liveness over the linear schedule. */
export function liveness(graph: Graph, operators: OpTable): StorageTable {
  const storages: { name: string; bytes: number; firstStep: number; lastStep: number }[] = [];
  const indexOf = new Map<Value, number>();
  const define = (value: Value, step: number): void => {
    indexOf.set(value, storages.length);
    const bytes = byteLength(value.desc);
    storages.push({ name: value.name, bytes, firstStep: step, lastStep: step });
  };
  const use = (value: Value, step: number): void => {
    const storage = storages[indexOf.get(value) ?? -1];
    if (storage) storage.lastStep = Math.max(storage.lastStep, step);
  };

  for (const input of graph.inputs) define(input, -1);
  graph.nodes.forEach((node, step) => {
    const inputs = Object.values(node.inputs);
    for (const input of inputs) use(input, step);
    if (operatorOf(operators, node).isView) indexOf.set(node.output, viewedBy(node, indexOf));
    else define(node.output, step);
  });
  for (const output of graph.outputs.values()) use(output, graph.nodes.length);
  return { storages, indexOf };
}

/** The storage that a view shows under another shape. */
function viewedBy(view: Node, indexOf: ReadonlyMap<Value, number>): number {
  const [viewed] = Object.values(view.inputs);
  const index = viewed && indexOf.get(viewed);
  if (index === undefined) {
    throw new UnsupportedError(
      `${describe(view)}: only inputs and results of other layers can be viewed; give a weight the shape that is needed`,
    );
  }
  return index;
}
