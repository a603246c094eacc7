/** One operator of a TFLite graph while it is turned into nodes of ONNX. */
import type { Attributes } from '../onnx/attribute.ts';
import { MOST_IN_LIST } from '../onnx/bounds.ts';
import { DataType } from '../onnx/schema/enums.ts';
import { demand, demandSound } from './errors.ts';
import type { Operator, Tensor } from './model.ts';
import { isFloat, tensorType } from './tensor_type.ts';
import { isQuantized, type Translation } from './translation.ts';

/** Which nodes an operator is; the names of what they make. */
export type Translator = (call: Call) => string | readonly string[];

/** How an operator is translated. */
export interface Row {
  readonly translate: Translator;
  /** Which of its options is an activation that comes after it. */
  readonly activation?: number;
  /** Its values are some of those that it reads, so that integers need not become the numbers they stand for. */
  readonly moves?: true;
  /** It reads and gives integers as they are held, whatever they stand for. */
  readonly held?: true;
}

export class Call {
  readonly operator: Operator;
  readonly #translation: Translation;
  /** Whether it works on integers as they are held. */
  readonly #held: boolean;

  constructor(operator: Operator, translation: Translation, held: boolean) {
    this.operator = operator;
    this.#translation = translation;
    this.#held = held;
  }

  get inputs(): readonly string[] {
    return this.operator.inputs.map((_, i) => this.input(i));
  }

  has(input: number): boolean {
    return this.#index(input) >= 0;
  }

  /** The name of an input's values. */
  input(input: number): string {
    const index = this.#required(input);
    return this.#held ? this.#translation.held(index) : this.#translation.real(index);
  }

  /** The same, with its axes in another order; the numbers of a constant are written so. */
  ordered(input: number, order: readonly number[]): string {
    return this.#translation.real(this.#required(input), order);
  }

  /** What is added to sums. */
  bias(input: number): string {
    return this.#translation.bias(this.#required(input));
  }

  tensor(input: number): Tensor {
    return this.#translation.tensor(this.#required(input));
  }

  output(output = 0): Tensor {
    return this.#translation.tensor(this.operator.outputs[output] ?? -1);
  }

  /** The type of an output's elements, by its number in ONNX. */
  outputType(output = 0): number {
    return tensorType(this.output(output).type)?.onnx ?? DataType.UNDEFINED;
  }

  /** How many axes an input has. */
  rank(input = 0): number {
    return this.tensor(input).shape.length;
  }

  /** What stands for 0 in the first input, as an operator takes it after others; none where that is 0. */
  zero(): readonly string[] {
    const tensor = this.tensor(0);
    const zero = this.#held && isQuantized(tensor) ? (tensor.quantization?.zeroPoints[0] ?? 0) : 0;
    return zero === 0 ? [] : [this.#translation.integer(zero, tensor)];
  }

  /** The integers of an input that must be constant. Throws UnsupportedError for one that is not. */
  known(input: number, what: string): readonly number[] {
    const values = this.knownOrUndefined(input);
    demand(values, `its ${what} is computed`);
    return values;
  }

  knownOrUndefined(input: number): readonly number[] | undefined {
    const { data, type } = this.#translation.constantOf(this.#required(input)) ?? {};
    if (!data || type === undefined) return undefined;
    const size = (tensorType(type)?.bits ?? 32) / 8;
    const count = data.length / size;
    demand(
      count <= MOST_IN_LIST,
      `reads a list of ${count} numbers; at most ${MOST_IN_LIST} are read`,
    );
    demandSound(Number.isInteger(count) && size >= 1, 'is damaged: a list of numbers ends in one');
    const view = new DataView(data.buffer, data.byteOffset, data.length);
    return Array.from({ length: count }, (_, i) => {
      if (size === 8) return Number(view.getBigInt64(i * 8, true));
      return size === 4 ? view.getInt32(i * 4, true) : view.getInt8(i * size);
    });
  }

  /** An input that ONNX wants as 64-bit integers. */
  integersOf(input: number): string {
    const known = this.knownOrUndefined(input);
    if (known) return this.integers(known);
    return this.node('Cast', [this.input(input)], { to: { int: DataType.INT64 } });
  }

  integer(field: number, absent = 0): number {
    return this.operator.options?.number(field, 'int32', absent) ?? absent;
  }

  /** Of an enumeration. */
  choice(field: number): number {
    return this.operator.options?.number(field, 'int8') ?? 0;
  }

  float(field: number): number {
    return this.operator.options?.number(field, 'float32') ?? 0;
  }

  flag(field: number): boolean {
    return this.operator.options?.boolean(field) ?? false;
  }

  node(opType: string, inputs: readonly string[], attributes: Attributes = {}): string {
    return this.#translation.node(opType, inputs, attributes);
  }

  /** A node that makes as many values as the operator. */
  nodes(opType: string, inputs: readonly string[], attributes: Attributes): readonly string[] {
    const count = this.operator.outputs.length;
    return this.#translation.nodes(opType, inputs, attributes, count);
  }

  integers(values: readonly number[]): string {
    return this.#translation.integers(values);
  }

  constant(value: number): string {
    return this.#translation.floats([value]);
  }

  /** A computation on images with channels before their rows and columns, as ONNX has them. */
  channelsFirst(x: string, compute: (x: string) => string, rank: number = this.rank()): string {
    const inner = Array.from({ length: rank - 2 }, (_, i) => i + 1);
    const first = this.node('Transpose', [x], { perm: { ints: [0, rank - 1, ...inner] } });
    const last = [0, ...inner.map((axis) => axis + 1), 1];
    return this.node('Transpose', [compute(first)], { perm: { ints: last } });
  }

  #index(input: number): number {
    return this.operator.inputs[input] ?? -1;
  }

  #required(input: number): number {
    const index = this.#index(input);
    demandSound(index >= 0, `is damaged: it lacks its input ${input}`);
    return index;
  }
}

/** Whether the integers of all that an operator reads and gives stand for the same numbers, and floats for none. */
export function holdsAlike(operator: Operator, translation: Translation): boolean {
  const all = [...operator.inputs.filter((index) => index >= 0), ...operator.outputs];
  const tensors = all.map((index) => translation.tensor(index));
  const quantized = tensors.filter(isQuantized);
  if (quantized.length > 0 && tensors.some(isFloat)) return false;
  if (quantized.some(({ quantization }) => quantization?.scales.length !== 1)) return false;
  const keys = quantized.map(({ type, quantization }) =>
    [type, quantization?.scales, quantization?.zeroPoints].join(),
  );
  return new Set(keys).size <= 1;
}
