/** Which activations need memory of their own, and from which step to which. */
import { present } from '../errors.ts';
import { type Graph, type Node, rootOf, type Value } from '../graph.ts';
import type { Lowering } from '../kernel.ts';
import { describe } from '../operator.ts';
import { bufferBytes, storedElements } from '../tensor.ts';

/** One piece of memory, and the steps between which it holds data. A step is a dispatch, or a node that takes none. */
export interface Storage {
  /** For reports: the value whose memory it is. */
  readonly name: string;
  /** Its size. */
  readonly bytes: number;
  /** -1 for inputs, which are there before the first step. */
  readonly firstStep: number;
  /** The number of steps for outputs, which are read after the last. */
  readonly lastStep: number;
  /** The layers that write over what is there, in order; absent where there is none. */
  readonly overwrittenBy?: readonly string[];
}

export interface StorageTable {
  readonly storages: readonly Storage[];
  /** The index in `storages` of every input and activation: views share it, and so do overwriting nodes. */
  readonly indexOf: ReadonlyMap<Value, number>;
  /** The index in `storages` of a node's scratch, by name. */
  readonly scratchOf: ReadonlyMap<Node, ReadonlyMap<string, number>>;
}

/** What computes a node; nodes without are a step of which nothing more is known. */
export type LoweringOf = (node: Node) => Pick<Lowering, 'dispatches' | 'scratch'> | undefined;

/** A storage whose life is not over. */
interface OpenStorage extends Storage {
  lastStep: number;
  overwrittenBy?: string[];
}

/**
 * Liveness over the linear schedule. Of a node that takes several dispatches, each has what it binds: an input dies
 * with the last that reads it, and its memory may take what a later one writes. `overwritten` has the role of the
 * input that a node writes over.
 */
export function liveness(
  graph: Graph,
  loweringOf: LoweringOf = () => undefined,
  overwritten: ReadonlyMap<Node, string> = new Map(),
): StorageTable {
  const storages: OpenStorage[] = [];
  const indexOf = new Map<Value, number>();
  const scratchOf = new Map<Node, Map<string, number>>();
  const define = (name: string, bytes: number, [firstStep, lastStep]: Span): number =>
    storages.push({ name, bytes, firstStep, lastStep }) - 1;
  const defineValue = (value: Value, [first, last]: Span): void => {
    const root = rootOf(value);
    const { name, desc } = root;
    // A layer by itself may lie anywhere in its memory.
    const elements = (desc.view?.offset ?? 0) + storedElements(desc);
    const bytes = bufferBytes(elements, desc.dtype);
    const index = indexOf.get(root) ?? define(name, bytes, [first, last]);
    indexOf.set(root, index);
    indexOf.set(value, index);
    use(value, last);
  };
  const use = (value: Value, step: number): void => {
    const storage = storages[indexOf.get(value) ?? indexOf.get(rootOf(value)) ?? -1];
    if (storage) storage.lastStep = Math.max(storage.lastStep, step);
  };
  const overwrite = (node: Node, role: string): void => {
    const input = node.inputs[role];
    const index = present(input && indexOf.get(input), `"${role}" for ${describe(node)}`);
    const storage = present(storages[index], 'memory');
    indexOf.set(node.output, index);
    storage.overwrittenBy = [...(storage.overwrittenBy ?? []), node.name];
  };

  for (const input of graph.inputs) defineValue(input, [-1, -1]);
  let step = 0;
  for (const node of graph.nodes) {
    const { dispatches = [], scratch = {} } = loweringOf(node) ?? {};
    const spans = spansOf(dispatches, step);
    const all: Span = [step, step + Math.max(1, dispatches.length) - 1];
    const spanOf = (role: string): Span => spans.get(role) ?? all;
    for (const [role, value] of Object.entries(node.inputs)) use(value, spanOf(role)[1]);
    const role = overwritten.get(node);
    if (role !== undefined) overwrite(node, role);
    else defineValue(node.output, spanOf('y'));
    const names = Object.entries(scratch).map(([name, bytes]): [string, number] => [
      name,
      define(`${node.name} (${name})`, bytes, spanOf(name)),
    ]);
    scratchOf.set(node, new Map(names));
    step += Math.max(1, dispatches.length);
  }
  for (const output of graph.outputs.values()) use(output, step);
  return { storages, indexOf, scratchOf };
}

/** The first step and the last. */
type Span = readonly [number, number];

/** The first and the last of a node's dispatches that bind each role. */
function spansOf(dispatches: Lowering['dispatches'], step: number): ReadonlyMap<string, Span> {
  const spans = new Map<string, Span>();
  for (const [i, { bindings }] of dispatches.entries()) {
    for (const { value } of bindings)
      spans.set(value, [spans.get(value)?.[0] ?? step + i, step + i]);
  }
  return spans;
}
