/** A node of an ONNX file while it is turned into layers. */
import { UnsupportedError } from '../runtime/errors.ts';
import type { DerivedWeight, Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import { elementCount, formatShape, type Shape, tensorDesc } from '../runtime/tensor.ts';
import type { NodeAttributes } from './node_attributes.ts';
import type { TensorProto } from './schema/onnx_pb.ts';
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
  /** How many outputs the node lists. */
  readonly outputs: number;
  /** The weight of the graph that a constant is. */
  weight(constant: Constant): Value;
  /** What a tensor among the attributes holds. */
  tensor(tensor: TensorProto): Constant;
}

/** An output: a value of the graph, or numbers, whose name does not matter. */
export type Imported = Value | Constant;

/**
 * Adds what a node is to the graph; its first output, or all that can be had. Throws UnsupportedError, ShapeError
 * where it cannot be had.
 */
export type Importer = (call: ImportCall) => Imported | readonly Imported[];

export function isValue(imported: Imported): imported is Value {
  return 'kind' in imported;
}

/** All outputs that an importer gives. */
export function listed(made: Imported | readonly Imported[]): readonly Imported[] {
  return 'kind' in made || 'numbers' in made ? [made] : made;
}

/** By ONNX's name of the operator. */
export type Importers = Readonly<Record<string, Importer>>;

/** Throws UnsupportedError where the input is missing. */
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

/** Integers of a node, which an input gives, or in older operator sets an attribute of this name. */
export function integers(
  call: ImportCall,
  index: number,
  name: string,
): readonly number[] | undefined {
  const given = knownIfGiven(call, index, `the ${name}`);
  return given ? listOf(given) : call.attributes.ints(name);
}

/** The axis counted from the front. Throws UnsupportedError where there is none such. */
export function axisOf(axis: number, rank: number): number {
  const positive = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(positive) || positive < 0 || positive >= Math.max(1, rank)) {
    throw new UnsupportedError(`axis ${axis} is not an axis of ${rank}`);
  }
  return positive;
}

/** The numbers of a small constant, such as a shape. */
export function listOf(value: Constant, most = 64): readonly number[] {
  if (elementCount(value.shape) > most) {
    throw new UnsupportedError(`expected at most ${most} numbers, got ${formatShape(value.shape)}`);
  }
  return [...value.numbers()];
}

/** The number that a constant of one element is; undefined of all else. */
export function numberOf(found: Operand | undefined): number | undefined {
  const one = found?.constant && elementCount(found.constant.shape) === 1;
  return one ? found.constant.numbers()[0] : undefined;
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
