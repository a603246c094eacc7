/** An ONNX graph while it is made of the tensors and operators of a TFLite one. */
import { type Attributes, attributeProto } from '../onnx/attribute.ts';
import { DataType } from '../onnx/schema/enums.ts';
import type {
  GraphProto,
  NodeProto,
  TensorProto,
  ValueInfoProto,
  Written,
} from '../onnx/schema/fields.ts';
import type { Shape } from '../runtime/tensor.ts';
import { quoted } from '../runtime/weights/messages.ts';
import { Constants, checkShape } from './constants.ts';
import { demandSound } from './errors.ts';
import type { Model, Operator, Quantization, Tensor } from './model.ts';
import { Names } from './names.ts';
import { tensorType } from './tensor_type.ts';

/** A node, whose last names are given once its operator is translated. */
interface MadeNode {
  readonly opType: string;
  readonly domain: string;
  readonly name: string;
  readonly input: readonly string[];
  readonly attributes: Attributes;
  output: readonly string[];
}

/** The operators that give the same values in another form. */
const FORMS: ReadonlySet<string> = new Set(['DEQUANTIZE', 'DENSIFY']);

/** What only hands on what others compute. */
const PREPARING: ReadonlySet<string> = new Set(['Transpose', 'Cast', 'DequantizeLinear']);

export class Translation {
  readonly #model: Model;
  readonly #constants: Constants;
  readonly #makers: ReadonlyMap<number, Operator>;
  readonly #nodes: MadeNode[] = [];
  readonly #initializers: Written<TensorProto>[] = [];
  /** Of values, and of nodes. */
  readonly #taken = new Names();
  readonly #nodeNames = new Names();
  readonly #names: readonly string[];
  readonly #outputs: ReadonlySet<number>;
  /** Constants that have their names. */
  readonly #isRead: Set<number>;
  /** What was made once, for all that read it: the name, by the tensor's index and its form, or by what it holds. */
  readonly #made = new Map<string, string>();
  readonly #shared = new Set<string>();
  /** Of the operator that is being translated: what its nodes are called, and the first of them. */
  #label = 'node';
  #begun = 0;

  constructor(model: Model, fileBytes: number) {
    this.#model = model;
    this.#constants = new Constants(fileBytes);
    this.#makers = new Map(
      model.operators.flatMap((operator) => operator.outputs.map((index) => [index, operator])),
    );
    this.#names = model.tensors.map(({ name }, i) => this.unique(name || `tensor ${i}`));
    // Those get their names as outputs do: by a node.
    this.#outputs = new Set(model.outputs);
    this.#isRead = new Set(model.outputs.filter((index) => this.constantOf(index)));
  }

  tensor(index: number): Tensor {
    const tensor = this.#model.tensors[index];
    demandSound(tensor, `has no tensor ${index}`);
    return tensor;
  }

  /** What a tensor is called in ONNX. */
  nameOf(index: number): string {
    return this.#names[index] ?? '';
  }

  isOutput(index: number): boolean {
    return this.#outputs.has(index);
  }

  unique(wanted: string): string {
    return this.#taken.unused(wanted);
  }

  /** The tensor that holds the values of another, or itself, if these are constant. */
  constantOf(index: number): Tensor | undefined {
    let tensor = this.tensor(index);
    let maker = this.#makers.get(index);
    // Halves are made floats, and what is sparse dense.
    for (let step = 0; step < FORMS.size && maker && FORMS.has(maker.name); step++) {
      const from = maker.inputs[0] ?? -1;
      tensor = this.tensor(from);
      maker = this.#makers.get(from);
    }
    return tensor.data && tensor;
  }

  /** The name of a tensor as the file holds it: of what is quantised, the integers. */
  held(index: number): string {
    if (!isQuantized(this.tensor(index))) return this.real(index);
    const constant = this.constantOf(index);
    if (!constant) return this.nameOf(index);
    return this.#once(`${index} held`, () =>
      this.#initializer(this.#constantName(index), constant),
    );
  }

  /** The name of a constant that is added to sums, which are of integers where inputs and weights are. */
  bias(index: number): string {
    const { quantization, type } = this.tensor(index);
    const constant = this.constantOf(index);
    const isOfSums = SUMS.has(tensorType(type)?.onnx ?? -1);
    if (!constant || !quantization || !isOfSums) return this.real(index);
    return this.#once(`${index} bias`, () => {
      const name = this.#initializer(this.#constantName(index), constant);
      const { scales } = quantization;
      const floats = this.node('Cast', [name], { to: { int: DataType.FLOAT } });
      const shape = scales.length > 1 ? [scales.length] : [];
      return this.node('Mul', [floats, this.floats(scales, shape)]);
    });
  }

  /** The name of the numbers that a tensor stands for; of a constant, with its axes in another order if asked. */
  real(index: number, order?: readonly number[]): string {
    const constant = this.constantOf(index);
    if (constant) {
      return this.#once(`${index} in order ${order ?? ''}`, () =>
        this.#realConstant(index, constant, order),
      );
    }
    if (order) return this.node('Transpose', [this.real(index)], { perm: { ints: order } });
    const tensor = this.tensor(index);
    const { quantization } = tensor;
    if (!quantization || !isQuantized(tensor)) return this.nameOf(index);
    return this.#once(`${index} real`, () =>
      this.#dequantize(this.nameOf(index), quantization, tensor.type, quantization.axis),
    );
  }

  /** Gives a tensor the real numbers that were made for it, or integers as it holds them. */
  give(index: number, made: string, areHeld: boolean): void {
    const tensor = this.tensor(index);
    const { quantization } = tensor;
    const quantize = quantization && isQuantized(tensor) && !areHeld;
    const last = quantize
      ? this.node(
          'QuantizeLinear',
          [made, ...this.#scaling(quantization, tensor.type)],
          axisOf(quantization, quantization.axis),
        )
      : made;
    const node = this.#nodes.slice(this.#begun).find(({ output }) => output.includes(last));
    const name = this.nameOf(index);
    // What others read, too, as of an operator that gives what it reads, is seen through a node.
    if (!node || this.#shared.has(last)) this.#add('Identity', [last], {}, [name]);
    else this.#rename(node, last, name);
  }

  node(opType: string, inputs: readonly string[], attributes: Attributes = {}): string {
    return this.nodes(opType, inputs, attributes, 1)[0] ?? '';
  }

  /** Adds a node of some outputs; their names. */
  nodes(
    opType: string,
    inputs: readonly string[],
    attributes: Attributes,
    outputs: number,
    domain = '',
  ): readonly string[] {
    const names = Array.from({ length: outputs }, () => this.unique(`${this.#label}/${opType}`));
    this.#add(opType, inputs, attributes, names, domain);
    return names;
  }

  /** Adds a node of TFLite's that ONNX has not: whoever reads the file may have a meaning for it. */
  foreign({ name, inputs, outputs, customOptions }: Operator): void {
    const read = inputs.map((index) => (index < 0 ? '' : this.real(index)));
    this.#constants.spend(customOptions.length);
    const options: Attributes =
      customOptions.length > 0 ? { custom_options: { bytes: customOptions } } : {};
    const made = this.nodes(name, read, options, outputs.length, 'tflite');
    for (const [i, index] of outputs.entries()) this.give(index, made[i] ?? '', false);
  }

  /** Adds a vector of 64-bit integers, as ONNX takes shapes and axes; its name. */
  integers(values: readonly number[]): string {
    return this.#vector(DataType.INT64, [values.length], BigInt64Array.from(values, BigInt));
  }

  /** Adds an integer of a tensor's own type. */
  integer(value: number, { type }: Tensor): string {
    const onnx = tensorType(type)?.onnx ?? DataType.INT8;
    return this.#vector(onnx, [], (INTEGERS.get(onnx) ?? Int8Array).of(value));
  }

  floats(values: readonly number[], shape: Shape = []): string {
    return this.#vector(DataType.FLOAT, shape, Float32Array.from(values));
  }

  /** Nodes and their values are called after what an operator makes first. */
  begin({ outputs: [first = -1] }: Operator): void {
    this.#label = this.nameOf(first) || 'node';
    this.#begun = this.#nodes.length;
  }

  finish(): Written<GraphProto> {
    const { tensors, inputs, outputs } = this.#model;
    for (const index of this.#outputs) {
      if (this.constantOf(index))
        this.#add('Identity', [this.held(index)], {}, [this.nameOf(index)]);
    }
    const computed = tensors.flatMap((tensor, index) =>
      tensor.data || !this.#makers.has(index) ? [] : [this.#info(index)],
    );
    return {
      name: 'tflite',
      node: this.#nodes.map(
        ({ attributes, ...node }): Written<NodeProto> => ({
          ...node,
          attribute: Object.entries(attributes).map(([key, value]) => attributeProto(key, value)),
        }),
      ),
      initializer: this.#initializers,
      input: inputs.map((index) => this.#info(index)),
      output: outputs.map((index) => this.#info(index)),
      valueInfo: computed,
    };
  }

  #info(index: number): Written<ValueInfoProto> {
    const { name, type, signature } = this.tensor(index);
    const dim = signature.map((extent, axis) =>
      extent < 0
        ? { value: { case: 'dimParam' as const, value: axis === 0 ? 'batch' : `axis_${axis}` } }
        : { value: { case: 'dimValue' as const, value: BigInt(extent) } },
    );
    checkShape(
      signature.map((extent) => Math.max(extent, 0)),
      `tensor ${quoted(name)}`,
    );
    const elemType = tensorType(type)?.onnx ?? DataType.UNDEFINED;
    const value = { case: 'tensorType' as const, value: { elemType, shape: { dim } } };
    return { name: this.nameOf(index), type: { value } };
  }

  #add(
    opType: string,
    input: readonly string[],
    attributes: Attributes,
    output: readonly string[],
    domain = '',
  ): void {
    // Who looks at a network looks for what computes.
    const wanted = PREPARING.has(opType) ? `${this.#label}/${opType}` : this.#label;
    const name = this.#nodeNames.unused(wanted);
    this.#nodes.push({ opType, domain, name, input, attributes, output });
  }

  /** Only the node itself knows the name so far. */
  #rename(node: MadeNode, from: string, to: string): void {
    node.output = node.output.map((name) => (name === from ? to : name));
  }

  #once(key: string, make: () => string): string {
    const known = this.#made.get(key);
    if (known !== undefined) return known;
    const made = make();
    this.#made.set(key, made);
    this.#shared.add(made);
    return made;
  }

  #realConstant(index: number, tensor: Tensor, order: readonly number[] | undefined): string {
    const { quantization } = tensor;
    const isHalf = tensorType(tensor.type)?.onnx === DataType.FLOAT16;
    const name = this.#constantName(index);
    this.#initializer(name, tensor, order);
    if (isHalf) return this.node('Cast', [name], { to: { int: DataType.FLOAT } });
    if (!quantization || !isQuantized(tensor)) return name;
    const axis = order ? order.indexOf(quantization.axis) : quantization.axis;
    return this.#dequantize(name, quantization, tensor.type, axis);
  }

  /** The tensor's own, for the first form that it is read in. */
  #constantName(index: number): string {
    if (this.#isRead.has(index)) return this.unique(this.nameOf(index));
    this.#isRead.add(index);
    return this.nameOf(index);
  }

  #dequantize(name: string, quantization: Quantization, type: number, axis: number): string {
    const inputs = [name, ...this.#scaling(quantization, type)];
    return this.node('DequantizeLinear', inputs, axisOf(quantization, axis));
  }

  /** The names of scales and zero points. */
  #scaling({ scales, zeroPoints }: Quantization, type: number): readonly string[] {
    demandSound(
      scales.every((scale) => scale > 0),
      'has a scale that is not above 0',
    );
    const shape = scales.length > 1 ? [scales.length] : [];
    const onnx = tensorType(type)?.onnx ?? DataType.INT8;
    const points = (INTEGERS.get(onnx) ?? Int8Array).from(zeroPoints);
    const fit = zeroPoints.every((point, i) => points[i] === point);
    demandSound(fit, 'has a zero point that its type does not hold');
    return [this.floats(scales, shape), this.#vector(onnx, shape, points)];
  }

  #initializer(name: string, tensor: Tensor, order?: readonly number[]): string {
    const { shape, type } = tensor;
    this.#initializers.push({
      name,
      dims: (order ?? shape.map((_, axis) => axis)).map((axis) => BigInt(shape[axis] ?? 1)),
      dataType: tensorType(type)?.onnx ?? DataType.UNDEFINED,
      rawData: this.#constants.bytes(tensor, order),
    });
    return name;
  }

  /** What is the same was added before. */
  #vector(
    dataType: number,
    shape: Shape,
    data: BigInt64Array | Float32Array | Int8Array | Uint8Array | Int16Array,
  ): string {
    return this.#once(`constant ${dataType} [${shape}] ${data}`, () => {
      const name = this.unique('constant');
      const rawData = new Uint8Array(data.buffer as ArrayBuffer);
      this.#initializers.push({ name, dims: shape.map(BigInt), dataType, rawData });
      return name;
    });
  }
}

type Integers = typeof Int8Array | typeof Uint8Array | typeof Int16Array;

const INTEGERS: ReadonlyMap<number, Integers> = new Map<number, Integers>([
  [DataType.INT8, Int8Array],
  [DataType.UINT8, Uint8Array],
  [DataType.INT16, Int16Array],
]);

/** Of what is added to sums: there only does TFLite mean such integers as scaled. */
const SUMS: ReadonlySet<number> = new Set([DataType.INT32, DataType.INT64]);

/** Whether a tensor holds integers that stand for other numbers. */
export function isQuantized({ quantization, type }: Tensor): boolean {
  const onnx = tensorType(type)?.onnx ?? -1;
  return quantization !== undefined && INTEGERS.has(onnx);
}

function axisOf({ scales }: Quantization, axis: number): Attributes {
  return scales.length > 1 ? { axis: { int: axis } } : {};
}
