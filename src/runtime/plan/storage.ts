/** Which activations need memory of their own, and from which step to which. */
import { UnsupportedError } from '../errors.ts';
import type { Graph, Node, Value } from '../graph.ts';
import { describe, type OpTable, operatorOf } from '../operator.ts';
import { bufferBytes, storedElements } from '../tensor.ts';

/** One piece of memory, and the steps (indices into the graph's nodes) between which it holds data. */
export interface Storage {
  /** For reports: the value that is written first. */
  readonly name: string;
  readonly bytes: number;
  /** -1 for inputs, which are there before the first step. */
  readonly firstStep: number;
  /** The number of nodes for outputs, which are read after the last step. */
  readonly lastStep: number;
  /** The layers that write over what is there, in order; absent where there is none. */
  readonly overwrittenBy?: readonly string[];
}

export interface StorageTable {
  readonly storages: readonly Storage[];
  /** The index in `storages` of every input and activation. Views share their input's, and so do overwriting nodes. */
  readonly indexOf: ReadonlyMap<Value, number>;
  /** The index in `storages` of a node's scratch, by name. */
  readonly scratchOf: ReadonlyMap<Node, ReadonlyMap<string, number>>;
}

/** Bytes of scratch that a node's kernel needs, by name. */
export type ScratchNeeds = (node: Node) => Readonly<Record<string, number>> | undefined;

/** A storage whose life is not over. */
interface OpenStorage extends Storage {
  lastStep: number;
  overwrittenBy?: string[];
}

/** Liveness over the linear schedule. `overwritten` has the role of the input that a node writes over. */
export function liveness(
  graph: Graph,
  operators: OpTable,
  scratchNeeds: ScratchNeeds = () => undefined,
  overwritten: ReadonlyMap<Node, string> = new Map(),
): StorageTable {
  const storages: OpenStorage[] = [];
  const indexOf = new Map<Value, number>();
  const scratchOf = new Map<Node, Map<string, number>>();
  const define = (value: Value, step: number): void => {
    indexOf.set(value, storages.length);
    const bytes = bufferBytes(storedElements(value.desc), value.desc.dtype);
    storages.push({ name: value.name, bytes, firstStep: step, lastStep: step });
  };
  const use = (value: Value, step: number): void => {
    const storage = storages[indexOf.get(value) ?? -1];
    if (storage) storage.lastStep = Math.max(storage.lastStep, step);
  };
  const overwrite = (node: Node, role: string): void => {
    const index = node.inputs[role] && indexOf.get(node.inputs[role]);
    const storage = storages[index ?? -1];
    if (index === undefined || !storage) {
      throw new Error(`${describe(node)}: no memory of "${role}" to write over`);
    }
    indexOf.set(node.output, index);
    storage.overwrittenBy = [...(storage.overwrittenBy ?? []), node.name];
  };

  for (const input of graph.inputs) define(input, -1);
  graph.nodes.forEach((node, step) => {
    const inputs = Object.values(node.inputs);
    for (const input of inputs) use(input, step);
    const role = overwritten.get(node);
    if (operatorOf(operators, node).isView) indexOf.set(node.output, viewedBy(node, indexOf));
    else if (role !== undefined) overwrite(node, role);
    else define(node.output, step);
    // All of a node's scratch is taken as alive during the whole node: no range of it is ever shared.
    const scratch = new Map<string, number>();
    for (const [name, bytes] of Object.entries(scratchNeeds(node) ?? {})) {
      scratch.set(name, storages.length);
      storages.push({ name: `${node.name} (${name})`, bytes, firstStep: step, lastStep: step });
    }
    scratchOf.set(node, scratch);
  });
  for (const output of graph.outputs.values()) use(output, graph.nodes.length);
  return { storages, indexOf, scratchOf };
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
