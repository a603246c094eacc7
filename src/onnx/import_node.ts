/** A node of an ONNX file while it is turned into layers. */
import type { DerivedWeight, Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import { elementCount, formatShape, type Shape, tensorDesc } from '../runtime/tensor.ts';
import { clipped } from '../runtime/weights/messages.ts';
import { MOST_IN_LIST } from './bounds.ts';
import type { ElementType } from './element_type.ts';
import { demand } from './errors.ts';
import type { AttributeProto, NodeProto, TensorProto } from './schema/fields.ts';
import { AttributeProto_AttributeType as Type } from './schema/onnx_pb.ts';
import type { Constant, Numbers } from './tensor.ts';

/**
 * What flows between nodes: known numbers, or a value of the graph, which holds f32 whatever its type in the file:
 * integers as floats without a fraction, true and false as 1 and 0.
 */
export type Operand =
  | { readonly constant: Constant; readonly value?: never; readonly type: ElementType }
  | { readonly value: Value; readonly constant?: never; readonly type: ElementType };

/** An output: a value of the graph, or numbers, whose name does not matter. */
export type Imported = Value | Constant;

/**
 * Adds what a node is to the graph; its first output, or all that can be had. Throws UnsupportedError, ShapeError
 * where it cannot be had.
 */
export type Importer = (call: ImportCall) => Imported | readonly Imported[];

/** By ONNX's names of the operators. */
export type Importers = Readonly<Record<string, Importer>>;

/** Where a node's layers go, and what it reads there. */
export interface Place {
  readonly opset: number;
  /** The node's name, or one that was made for it: no other node has it. */
  readonly name: string;
  /** At the node's name. */
  readonly g: GraphBuilder;
  readonly inputs: readonly (Operand | undefined)[];
  /** The weight of the graph that a constant is. */
  readonly weight: (constant: Constant) => Value;
  /** What is made of a weight once, though many nodes may ask for it. */
  readonly derived: (weight: Value, made: DerivedWeight) => DerivedWeight;
  /** What a tensor among the attributes holds. */
  readonly tensor: (tensor: TensorProto) => Constant;
  /** Whether so many elements more may be computed at once, while the model is loaded. */
  readonly spend: (elements: number) => boolean;
}

/** A node that is read: its inputs, and its attributes by name and type. Throws UnsupportedError where they differ. */
export class ImportCall {
  readonly node: NodeProto;
  readonly place: Place;
  readonly g: GraphBuilder;
  readonly name: string;
  readonly opset: number;
  readonly inputs: Place['inputs'];
  readonly #attributes: ReadonlyMap<string, AttributeProto>;

  constructor(node: NodeProto, place: Place) {
    this.node = node;
    this.place = place;
    this.g = place.g;
    this.name = place.name;
    this.opset = place.opset;
    this.inputs = place.inputs;
    this.#attributes = new Map(node.attribute.map((attribute) => [attribute.name, attribute]));
  }

  operand(index: number): Operand {
    const found = this.inputs[index];
    demand(found, `input ${index} is missing`);
    return found;
  }

  /** An input as a value of the graph; constants become weights. */
  value(index: number): Value {
    const { value, constant } = this.operand(index);
    return value ?? this.place.weight(constant);
  }

  shape(index: number): Shape {
    const { value, constant } = this.operand(index);
    return value ? value.desc.shape : constant.shape;
  }

  /** What the file's elements of an input are. */
  type(index: number): ElementType {
    return this.operand(index).type;
  }

  /** The same node in another place, or of other inputs. */
  with(place: Partial<Place>): ImportCall {
    return new ImportCall(this.node, { ...this.place, ...place });
  }

  /** An input that must be known when the model is loaded; that of an evaluator is. */
  known(index: number, what = 'the input'): Constant {
    const { value, constant } = this.operand(index);
    const remedy =
      value?.kind === 'input'
        ? 'it is an input of the model: give it once, as one of the constants'
        : 'it is computed';
    demand(constant, `${what} "${value?.name}" must be known when the model is loaded; ${remedy}`);
    return constant;
  }

  /** All numbers of an input, of any size, that decide about a shape. */
  data(index: number, what: string): Numbers {
    const known = this.known(index, what);
    const count = elementCount(known.shape);
    const affordable = this.place.spend(count + (known.work ?? 0));
    demand(affordable, `${what} of ${count} elements would be computed when the model is loaded`);
    return known.numbers();
  }

  /** The numbers of a small input, such as a shape, that must be known. */
  numbers(index: number, what: string, most = MOST_IN_LIST): readonly number[] {
    const { shape, numbers } = this.known(index, what);
    demand(
      elementCount(shape) <= most,
      `expected at most ${most} numbers, got ${formatShape(shape)}`,
    );
    return [...numbers()];
  }

  /** The same of an optional input. */
  numbersIfGiven(index: number, what: string, most?: number): readonly number[] | undefined {
    return this.inputs[index] ? this.numbers(index, what, most) : undefined;
  }

  /** Integers that an input gives, or in older operator sets an attribute of this name. */
  integers(index: number, name: string): readonly number[] | undefined {
    return this.numbersIfGiven(index, `the ${name}`) ?? this.ints(name);
  }

  has(name: string): boolean {
    return this.#attributes.has(name);
  }

  int(name: string, otherwise: number): number {
    const found = this.#attribute(name, 'INT');
    return found ? safe(name, found.i) : otherwise;
  }

  flag(name: string, otherwise = false): boolean {
    return this.int(name, Number(otherwise)) === 1;
  }

  ints(name: string): readonly number[] | undefined {
    return this.#attribute(name, 'INTS')?.ints.map((value) => safe(name, value));
  }

  /** Integers of which those beyond any size are as good as infinite, as the ends of slices are. */
  bounds(name: string): readonly number[] | undefined {
    return this.#attribute(name, 'INTS')?.ints.map(Number);
  }

  /** The attribute `axis`, counted from the front. */
  axis(otherwise: number, rank: number): number {
    return axisOf(this.int('axis', otherwise), rank);
  }

  /** An f32; the shortest decimal that rounds to it, so that 1e-5 is 1e-5 again. */
  float(name: string, otherwise: number): number {
    const found = this.#attribute(name, 'FLOAT');
    return found ? shortest(found.f) : otherwise;
  }

  floats(name: string): readonly number[] | undefined {
    return this.#attribute(name, 'FLOATS')?.floats.map(shortest);
  }

  /** A string among those that are read; the first by default. */
  choice<T extends string>(name: string, ...read: readonly [T, ...T[]]): T {
    const given = this.has(name) ? this.text(name) : read[0];
    const found = read.find((known) => known === given);
    demand(found, `${name} is ${clipped(given)}; ${read.join(', ')} are read`);
    return found;
  }

  /** A string, whichever; empty where there is none. */
  text(name: string): string {
    const bytes = this.#attribute(name, 'STRING')?.s;
    return bytes ? new TextDecoder().decode(bytes) : '';
  }

  tensor(name: string): Constant | undefined {
    const found = this.#attribute(name, 'TENSOR')?.t;
    return found && this.place.tensor(found);
  }

  /** A weight in another arrangement, which is made when it is uploaded; `what` tells it from others of the weight. */
  derived(
    weight: Value,
    what: string,
    shape: Shape,
    compute: (data: Float32Array) => Float32Array,
  ): Value {
    demand(weight.kind === 'weight', `${weight.name} is no weight`);
    return this.place.derived(weight, {
      kind: 'derived',
      name: `${weight.name} ${what}`,
      desc: tensorDesc(shape),
      sources: [weight],
      compute: ([data = new Float32Array(elementCount(shape))]) => compute(data),
    });
  }

  #attribute(name: string, type: keyof typeof Type): AttributeProto | undefined {
    const found = this.#attributes.get(name);
    // The oldest files do not say the type.
    const fits = !found || found.type === Type[type] || found.type === Type.UNDEFINED;
    demand(fits, `attribute ${name} has another type than ${type}`);
    return found;
  }
}

function safe(name: string, value: bigint): number {
  const result = Number(value);
  demand(Number.isSafeInteger(result), `attribute ${name} is ${value}, beyond any size`);
  return result;
}

function shortest(value: number): number {
  for (let digits = 1; digits < 9; digits++) {
    const candidate = Number(value.toPrecision(digits));
    if (Math.fround(candidate) === value) return candidate;
  }
  return value;
}

export function isValue(imported: Imported): imported is Value {
  return 'kind' in imported;
}

/** All outputs that an importer gives. */
export function listed(made: Imported | readonly Imported[]): readonly Imported[] {
  return 'kind' in made || 'numbers' in made ? [made] : made;
}

/** The axis counted from the front. Throws UnsupportedError where there is none such. */
export function axisOf(axis: number, rank: number): number {
  const positive = axis < 0 ? axis + rank : axis;
  const valid = Number.isInteger(positive) && positive >= 0 && positive < Math.max(1, rank);
  demand(valid, `axis ${axis} is not an axis of ${rank}`);
  return positive;
}

/** The number that a constant of one element is; undefined of all else. */
export function numberOf(found: Operand | undefined): number | undefined {
  const one = found?.constant && elementCount(found.constant.shape) === 1;
  return one ? found.constant.numbers()[0] : undefined;
}
