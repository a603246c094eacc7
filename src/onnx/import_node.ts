/** A node of an ONNX file while it is turned into layers. */

import type { DerivedWeight, Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import { elementCount, formatShape, type Shape, tensorDesc } from '../runtime/tensor.ts';
import { clipped } from '../runtime/weights/messages.ts';
import { MOST_IN_LIST } from './bounds.ts';
import type { ElementType } from './element_type.ts';
import { demand } from './errors.ts';
import { GIVE_ONCE, MUST_BE_KNOWN } from './problems.ts';
import { AttributeType as Type } from './schema/enums.ts';
import type { AttributeProto, NodeProto, TensorProto } from './schema/fields.ts';
import type { Constant, Numbers } from './tensor.ts';

/**
 * What flows between nodes: known numbers, or a value of the graph, which holds f32 whatever its type in the file:
 * integers as floats without a fraction, true and false as 1 and 0.
 */
export type Operand =
  | {
      /** The known numbers. */
      readonly constant: Constant;
      /** There is none. */
      readonly value?: never;
      /** What the file calls its elements. */
      readonly type: ElementType;
    }
  | {
      /** The value of the graph. */
      readonly value: Value;
      /** There are no known numbers. */
      readonly constant?: never;
      /** What the file calls its elements. */
      readonly type: ElementType;
    };

/** An output: a value of the graph, or numbers, whose name does not matter. */
export type Imported = Value | Constant;

/**
 * Adds what a node is to the graph; its first output, or all that can be had.
 *
 * @param call - The node.
 * @throws UnsupportedError or ShapeError where it cannot be had.
 *
 * @example
 * const scaledTanh: Importer = (call) => {
 *   const scale = call.float('scale', 1);
 *   return pointwise(call.g, [call.value(0)], (x) => apply(functions.mul, apply(functions.tanh, x), scale));
 * };
 * const network = loadOnnx(onnxFile, { importers: { 'com.example.ScaledTanh': scaledTanh } });
 */
export type Importer = (call: ImportCall) => Imported | readonly Imported[];

/** By ONNX's names of the operators. */
export type Importers = Readonly<Record<string, Importer>>;

/** Where a node's layers go, and what it reads there. */
export interface Place {
  /** The version of the operator set that the file was written for. */
  readonly opset: number;
  /** The node's name, or one that was made for it: no other node has it. */
  readonly name: string;
  /** At the node's name. */
  readonly g: GraphBuilder;
  /** Undefined where an optional one is left out. */
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

/**
 * A node that is read: its inputs, and its attributes by name and type.
 *
 * @throws UnsupportedError where they differ.
 *
 * @example
 * const scale: Importer = (call) => mul(call.g, call.value(0), call.float('by', 1));
 */
export class ImportCall {
  /** As the file has it. */
  readonly node: NodeProto;
  /** Where its layers go, and what it reads there. */
  readonly place: Place;
  /** The builder, at the node's name. */
  readonly g: GraphBuilder;
  /** The node's name, or one that was made for it. */
  readonly name: string;
  /** The version of the operator set that the file was written for. */
  readonly opset: number;
  /** Undefined where an optional one is left out. */
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

  /**
   * An input, whichever it is.
   *
   * @param index - Of the input, from 0.
   * @throws UnsupportedError where it is missing.
   *
   * @example
   * const isKnown: Importer = (call) => constant([], [call.operand(0).constant ? 1 : 0], 'bool');
   */
  operand(index: number): Operand {
    const found = this.inputs[index];
    demand(found, `input ${index} is missing`);
    return found;
  }

  /**
   * An input as a value of the graph; constants become weights.
   *
   * @param index - Of the input, from 0.
   * @throws UnsupportedError where it is missing.
   *
   * @example
   * const twice: Importer = (call) => mul(call.g, call.value(0), 2);
   */
  value(index: number): Value {
    const { value, constant } = this.operand(index);
    return value ?? this.place.weight(constant);
  }

  /**
   * The shape of an input.
   *
   * @param index - Of the input, from 0.
   * @throws UnsupportedError where it is missing.
   *
   * @example
   * const rank: Importer = (call) => constant([], [call.shape(0).length], 'int64');
   */
  shape(index: number): Shape {
    const { value, constant } = this.operand(index);
    return value ? value.desc.shape : constant.shape;
  }

  /**
   * What the file's elements of an input are.
   *
   * @param index - Of the input, from 0.
   * @throws UnsupportedError where it is missing.
   *
   * @example
   * const isInteger: Importer = (call) => constant([], [call.type(0).includes('int') ? 1 : 0], 'bool');
   */
  type(index: number): ElementType {
    return this.operand(index).type;
  }

  /**
   * The same node in another place, or of other inputs.
   *
   * @param place - What differs.
   *
   * @example
   * const one: Importer = (call) => relu(call.g, call.value(0));
   * const both: Importer = (call) => [0, 1].map((i) => call.with({ inputs: [call.operand(i)] })).flatMap(one);
   */
  with(place: Partial<Place>): ImportCall {
    return new ImportCall(this.node, { ...this.place, ...place });
  }

  /**
   * An input that must be known when the model is loaded; that of an evaluator is.
   *
   * @param index - Of the input, from 0.
   * @param what - What messages call it.
   * @throws UnsupportedError where it is missing, or computed when the model runs.
   *
   * @example
   * const sizes: Importer = (call) => call.known(1, 'sizes');
   */
  known(index: number, what = 'the input'): Constant {
    const { value, constant } = this.operand(index);
    const remedy = value?.kind === 'input' ? GIVE_ONCE : 'it is computed';
    demand(constant, `${what} "${value?.name}" ${MUST_BE_KNOWN}; ${remedy}`);
    return constant;
  }

  /**
   * All numbers of an input, of any size, that decide about a shape.
   *
   * @param index - Of the input, from 0.
   * @param what - What messages call it.
   * @throws UnsupportedError where it is missing, computed when the model runs, or too large to be computed now.
   *
   * @example
   * const reshaped: Importer = (call) => reshapeTo(call.g, call.value(0), [...call.data(1, 'shape')]);
   */
  data(index: number, what: string): Numbers {
    const known = this.known(index, what);
    const count = elementCount(known.shape);
    const affordable = this.place.spend(count + (known.work ?? 0));
    demand(affordable, `${what} of ${count} elements would be computed when the model is loaded`);
    return known.numbers();
  }

  /**
   * The numbers of a small input, such as a shape, that must be known.
   *
   * @param index - Of the input, from 0.
   * @param what - What messages call it.
   * @param most - How many there may be.
   * @throws UnsupportedError where it is missing, computed when the model runs, or longer.
   *
   * @example
   * const reshaped: Importer = (call) => reshapeTo(call.g, call.value(0), call.numbers(1, 'shape'));
   */
  numbers(index: number, what: string, most: number = MOST_IN_LIST): readonly number[] {
    const { shape, numbers } = this.known(index, what);
    demand(
      elementCount(shape) <= most,
      `expected at most ${most} numbers, got ${formatShape(shape)}`,
    );
    return [...numbers()];
  }

  /**
   * The same of an optional input.
   *
   * @param index - Of the input, from 0.
   * @param what - What messages call it.
   * @param most - How many there may be.
   * @returns Undefined where the input is left out.
   * @throws UnsupportedError where it is computed when the model runs, or longer.
   *
   * @example
   * const scaled: Importer = (call) => mul(call.g, call.value(0), call.numbersIfGiven(1, 'scale')?.[0] ?? 1);
   */
  numbersIfGiven(index: number, what: string, most?: number): readonly number[] | undefined {
    return this.inputs[index] ? this.numbers(index, what, most) : undefined;
  }

  /**
   * Integers that an input gives, or in older operator sets an attribute of this name.
   *
   * @param index - Of the input, from 0.
   * @param name - Of the attribute, and for messages.
   * @returns Undefined where there is neither.
   * @throws UnsupportedError where the input is computed when the model runs.
   *
   * @example
   * const sums: Importer = (call) => reduce(call.g, call.value(0), 'sum', { axes: call.integers(1, 'axes') ?? [1] });
   */
  integers(index: number, name: string): readonly number[] | undefined {
    return this.numbersIfGiven(index, `the ${name}`) ?? this.ints(name);
  }

  /**
   * Whether the node has an attribute.
   *
   * @param name - Of the attribute.
   *
   * @example
   * const scaled: Importer = (call) => mul(call.g, call.value(0), call.has('by') ? call.float('by', 1) : 2);
   */
  has(name: string): boolean {
    return this.#attributes.has(name);
  }

  /**
   * An integer among the attributes.
   *
   * @param name - Of the attribute.
   * @param otherwise - What it is where it is missing.
   * @throws UnsupportedError where it is of another type.
   *
   * @example
   * const flat: Importer = (call) => flatten(call.g, call.value(0), call.int('axis', 1));
   */
  int(name: string, otherwise: number): number {
    const found = this.#attribute(name, 'INT');
    return found ? safe(name, found.i) : otherwise;
  }

  /**
   * An attribute that is 0 or 1.
   *
   * @param name - Of the attribute.
   * @param otherwise - What it is where it is missing; false by default.
   * @throws UnsupportedError where it is of another type.
   *
   * @example
   * const sums: Importer = (call) => cumSum(call.g, call.value(0), 1, { reverse: call.flag('reverse') });
   */
  flag(name: string, otherwise = false): boolean {
    return this.int(name, Number(otherwise)) === 1;
  }

  /**
   * A list of integers among the attributes.
   *
   * @param name - Of the attribute.
   * @returns Undefined where it is missing.
   * @throws UnsupportedError where it is of another type.
   *
   * @example
   * const moved: Importer = (call) => transpose(call.g, call.value(0), call.ints('perm') ?? [0, 1]);
   */
  ints(name: string): readonly number[] | undefined {
    return this.#attribute(name, 'INTS')?.ints.map((value) => safe(name, value));
  }

  /**
   * Integers of which those beyond any size are as good as infinite, as the ends of slices are.
   *
   * @param name - Of the attribute.
   * @returns Undefined where it is missing.
   * @throws UnsupportedError where it is of another type.
   *
   * @example
   * const cut: Importer = (call) => slice(call.g, call.value(0), 0, 0, call.bounds('ends')?.[0]);
   */
  bounds(name: string): readonly number[] | undefined {
    return this.#attribute(name, 'INTS')?.ints.map(Number);
  }

  /**
   * The attribute `axis`, counted from the front.
   *
   * @param otherwise - What it is where it is missing.
   * @param rank - The number of axes, which negative ones are counted from.
   * @throws UnsupportedError where it is of another type, or out of the rank.
   *
   * @example
   * const likely: Importer = (call) => softmax(call.g, call.value(0), call.axis(-1, call.shape(0).length));
   */
  axis(otherwise: number, rank: number): number {
    return axisOf(this.int('axis', otherwise), rank);
  }

  /**
   * An f32; the shortest decimal that rounds to it, so that 1e-5 is 1e-5 again.
   *
   * @param name - Of the attribute.
   * @param otherwise - What it is where it is missing.
   * @throws UnsupportedError where it is of another type.
   *
   * @example
   * const leaky: Importer = (call) => leakyRelu(call.g, call.value(0), call.float('alpha', 0.01));
   */
  float(name: string, otherwise: number): number {
    const found = this.#attribute(name, 'FLOAT');
    return found ? shortest(found.f) : otherwise;
  }

  /**
   * A list of numbers among the attributes.
   *
   * @param name - Of the attribute.
   * @returns Undefined where it is missing.
   * @throws UnsupportedError where it is of another type.
   *
   * @example
   * const scaled: Importer = (call) => mul(call.g, call.value(0), call.floats('scales')?.[0] ?? 1);
   */
  floats(name: string): readonly number[] | undefined {
    return this.#attribute(name, 'FLOATS')?.floats.map(shortest);
  }

  /**
   * A string among those that are read; the first by default.
   *
   * @param name - Of the attribute.
   * @param read - What is read, the default first.
   * @throws UnsupportedError where it is another.
   *
   * @example
   * const soft: Importer = (call) => gelu(call.g, call.value(0), call.choice('approximate', 'none', 'tanh'));
   */
  choice<T extends string>(name: string, ...read: readonly [T, ...T[]]): T {
    const given = this.has(name) ? this.text(name) : read[0];
    const found = read.find((known) => known === given);
    demand(found, `${name} is ${clipped(given)}; ${read.join(', ')} are read`);
    return found;
  }

  /**
   * A string, whichever; empty where there is none.
   *
   * @param name - Of the attribute.
   * @throws UnsupportedError where it is of another type.
   *
   * @example
   * const same: Importer = (call) => (call.text('mode') === 'copy' ? call.value(0) : relu(call.g, call.value(0)));
   */
  text(name: string): string {
    const bytes = this.#attribute(name, 'STRING')?.s;
    return bytes ? new TextDecoder().decode(bytes) : '';
  }

  /**
   * A list of strings among the attributes.
   *
   * @param name - Of the attribute.
   * @returns Undefined where it is missing.
   * @throws UnsupportedError where it is of another type.
   *
   * @example
   * const same: Importer = (call) => (call.texts('modes') ? call.value(0) : relu(call.g, call.value(0)));
   */
  texts(name: string): readonly string[] | undefined {
    const decoder = new TextDecoder();
    return this.#attribute(name, 'STRINGS')?.strings.map((bytes) => decoder.decode(bytes));
  }

  /**
   * A tensor among the attributes.
   *
   * @param name - Of the attribute.
   * @returns Undefined where it is missing.
   * @throws UnsupportedError where it is of another type.
   *
   * @example
   * const known: Importer = (call) => call.tensor('value') ?? constant([], [0], 'float32');
   */
  tensor(name: string): Constant | undefined {
    const found = this.#attribute(name, 'TENSOR')?.t;
    return found && this.place.tensor(found);
  }

  /**
   * A weight in another arrangement, which is made when it is uploaded; `what` tells it from others of the weight.
   *
   * @param weight - A constant of the graph.
   * @param what - Tells the arrangement from others of the same weight.
   * @param shape - Of what is made.
   * @param compute - Row-major data in, row-major data out.
   * @returns A constant of the graph.
   * @throws UnsupportedError where `weight` is computed when the model runs.
   *
   * @example
   * const negated: Importer = (call) =>
   *   call.derived(call.value(1), 'negated', call.shape(1), (data) => data.map((value) => -value));
   */
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
