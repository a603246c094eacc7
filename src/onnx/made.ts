/**
 * What was made of nodes, tensors and weights of a file, for those that are read again: one constant of the body of a
 * loop is one weight, whatever the turns.
 */
import type { DerivedWeight, Value } from '../runtime/graph.ts';
import type { Operand } from './import_node.ts';
import type { NodeProto, TensorProto } from './schema/fields.ts';

type Operands = readonly (Operand | undefined)[];

interface Made {
  readonly inputs: Operands;
  readonly outputs: Operands;
}

export class MadeBefore {
  readonly #nodes = new Map<NodeProto, Made>();
  readonly #tensors = new Map<TensorProto, Operand>();
  readonly #derived = new WeakMap<Value, Map<string, DerivedWeight>>();

  /** The outputs of a node: those of the last time, if its inputs are those of the last time. */
  outputs(node: NodeProto, inputs: Operands, make: () => Operands): Operands {
    const last = this.#nodes.get(node);
    if (last?.inputs.every((input, i) => input === inputs[i])) return last.outputs;
    const outputs = make();
    this.#nodes.set(node, { inputs, outputs });
    return outputs;
  }

  /** What a tensor holds. */
  tensor(tensor: TensorProto, make: () => Operand): Operand {
    const found = this.#tensors.get(tensor) ?? make();
    this.#tensors.set(tensor, found);
    return found;
  }

  /** A weight in another arrangement: that of the same name and shape. */
  derived(weight: Value, made: DerivedWeight): DerivedWeight {
    const all = this.#derived.get(weight) ?? new Map<string, DerivedWeight>();
    this.#derived.set(weight, all);
    const key = JSON.stringify([made.name, made.desc.shape]);
    const found = all.get(key) ?? made;
    all.set(key, found);
    return found;
  }
}
