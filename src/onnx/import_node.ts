/** A node of an ONNX file while it is turned into layers. */
import { UnsupportedError } from '../runtime/errors.ts';
import type { DerivedWeight, Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import { elementCount, type Shape, tensorDesc } from '../runtime/tensor.ts';
import type { NodeAttributes } from './node_attributes.ts';
import type { Constant } from './tensor.ts';

/** What flows between nodes: known numbers, or a value of the graph. */
export type Operand =
  | { readonly constant: Constant; readonly value?: never }
  | { readonly value: Value; readonly constant?: never };

export interface ImportCall {
  readonly opset: number;
  /** At the node's name. */
  readonly g: GraphBuilder;
  readonly attributes: NodeAttributes;
  readonly inputs: readonly (Operand | undefined)[];
  /** The weight of the graph that a constant is. */
  weight(constant: Constant): Value;
}

/** Throws UnsupportedError where an operator cannot be had. */
export function operand(call: ImportCall, index: number): Operand {
  const found = call.inputs[index];
  if (!found) throw new UnsupportedError(`input ${index} is missing`);
  return found;
}

/** An input as a value of the graph; constants become weights. */
export function value(call: ImportCall, index: number): Value {
  const found = operand(call, index);
  return found.value ?? call.weight(found.constant);
}

export function shapeOfOperand(found: Operand): Shape {
  return found.value ? found.value.desc.shape : found.constant.shape;
}

/** An input that must be known when the model is loaded. */
export function known(call: ImportCall, index: number, what: string): Constant {
  const found = operand(call, index);
  if (found.constant) return found.constant;
  const { name, kind } = found.value;
  const remedy =
    kind === 'input'
      ? 'it is an input of the model: give it once, as one of the constants'
      : 'it is computed';
  throw new UnsupportedError(`${what} "${name}" must be known when the model is loaded; ${remedy}`);
}

/** An optional input that must be known when the model is loaded. */
export function knownIfGiven(call: ImportCall, index: number, what: string): Constant | undefined {
  return call.inputs[index] ? known(call, index, what) : undefined;
}

/** A weight in another arrangement, which is made when it is uploaded. */
export function derived(
  weight: Value,
  what: string,
  shape: Shape,
  compute: (data: Float32Array) => Float32Array,
): Value {
  if (weight.kind !== 'weight') throw new UnsupportedError(`${weight.name} is no weight`);
  const result: DerivedWeight = {
    kind: 'derived',
    name: `${weight.name} ${what}`,
    desc: tensorDesc(shape),
    sources: [weight],
    compute: ([data = new Float32Array(elementCount(shape))]) => compute(data),
  };
  return result;
}
