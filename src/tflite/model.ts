/** A .tflite file as it is stored: tensors, and operators that read and write them. */
import { MOST_PARTS } from '../onnx/bounds.ts';
import type { Shape } from '../runtime/tensor.ts';
import { demand, demandSound } from './errors.ts';
import { bytesAt, rootOf, type Table } from './flatbuffer.ts';
import { CUSTOM, operatorName } from './operator_names.ts';
import { type Sparsity, sparsityOf } from './sparsity.ts';

/** real = scale * (integer - zero point), one of each for all, or for each index of an axis. */
export interface Quantization {
  readonly scales: readonly number[];
  readonly zeroPoints: readonly number[];
  readonly axis: number;
}

export interface Tensor {
  readonly name: string;
  /** By its number in the schema. */
  readonly type: number;
  readonly shape: Shape;
  /** The same, with -1 where the file leaves an extent open. */
  readonly signature: readonly number[];
  /** What it holds, if it is constant. */
  readonly data: Uint8Array | undefined;
  readonly quantization: Quantization | undefined;
  readonly sparsity: Sparsity | undefined;
}

export interface Operator {
  /** `CONV_2D`, or what one that comes from elsewhere is called. */
  readonly name: string;
  readonly isCustom: boolean;
  /** Indices of tensors; -1 stands for one that is left out. */
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly options: Table | undefined;
  readonly customOptions: Uint8Array;
}

export interface Model {
  readonly tensors: readonly Tensor[];
  readonly operators: readonly Operator[];
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  /** What stands beside the network, by name. */
  readonly metadata: ReadonlyMap<string, Uint8Array>;
}

/** Fields of tables, by their indices in TFLite's schema. */
const MODEL = { version: 0, operatorCodes: 1, subgraphs: 2, buffers: 4, metadata: 6 };
const SUBGRAPH = { tensors: 0, inputs: 1, outputs: 2, operators: 3 };
const TENSOR = {
  shape: 0,
  type: 1,
  buffer: 2,
  name: 3,
  quantization: 4,
  sparsity: 6,
  signature: 7,
};
const QUANTIZATION = { scale: 2, zeroPoint: 3, details: 4, axis: 6 };
const BUFFER = { data: 0, offset: 1, size: 2 };
const CODE = { old: 0, custom: 1, builtin: 3 };
const OPERATOR = { code: 0, inputs: 1, outputs: 2, options: 4, custom: 5 };
const METADATA = { name: 0, buffer: 1 };

const VERSION = 3;

/** Throws TfliteError for what is no such file. */
export function decodeTflite(bytes: Uint8Array): Model {
  const mark = String.fromCharCode(...bytes.subarray(4, 8));
  demandSound(mark === 'TFL3', 'is no TFLite file: its bytes 4 to 7 are not "TFL3"');
  const model = rootOf(bytes);
  const version = model.number(MODEL.version, 'uint32');
  demandSound(version === VERSION, `is of version ${version} of the format; ${VERSION} is read`);
  const buffers = model.tables(MODEL.buffers);
  const dataOf = (index: number) => {
    const buffer = buffers[index];
    return buffer && contentOf(buffer, bytes);
  };
  const [subgraph] = model.tables(MODEL.subgraphs);
  demandSound(subgraph, 'has no graph');
  const codes = model.tables(MODEL.operatorCodes);
  const tensors = subgraph.tables(SUBGRAPH.tensors);
  const operators = subgraph.tables(SUBGRAPH.operators);
  const parts = tensors.length + operators.length;
  demandSound(parts <= MOST_PARTS, `has ${parts} parts; at most ${MOST_PARTS} are read`);
  const made: Model = {
    tensors: tensors.map((table) => tensorOf(table, dataOf)),
    operators: operators.map((table) => operatorOf(table, codes)),
    inputs: subgraph.numbers(SUBGRAPH.inputs, 'int32'),
    outputs: subgraph.numbers(SUBGRAPH.outputs, 'int32'),
    metadata: new Map(
      model.tables(MODEL.metadata).map((table) => {
        const buffer = table.number(METADATA.buffer, 'uint32');
        return [table.string(METADATA.name), dataOf(buffer) ?? new Uint8Array()];
      }),
    ),
  };
  checkIndices(made);
  return made;
}

/** The bytes of a buffer: in its table, or, of a file beyond 2 GB, after all tables. */
function contentOf(buffer: Table, file: Uint8Array): Uint8Array | undefined {
  const offset = buffer.number(BUFFER.offset, 'uint64');
  // Offsets of 0 and 1 mean nothing.
  if (offset > 1) return bytesAt(file, offset, buffer.number(BUFFER.size, 'uint64'));
  const data = buffer.bytes(BUFFER.data);
  return data.length > 0 ? data : undefined;
}

function tensorOf(table: Table, dataOf: (buffer: number) => Uint8Array | undefined): Tensor {
  const shape = table.numbers(TENSOR.shape, 'int32');
  const signature = table.numbers(TENSOR.signature, 'int32');
  const quantization = table.table(TENSOR.quantization);
  const sparsity = table.table(TENSOR.sparsity);
  return {
    name: table.string(TENSOR.name),
    type: table.number(TENSOR.type, 'int8'),
    shape,
    signature: signature.length === shape.length ? signature : shape,
    // What has no elements needs no bytes.
    data:
      dataOf(table.number(TENSOR.buffer, 'uint32')) ??
      (shape.includes(0) ? new Uint8Array() : undefined),
    quantization: quantization && quantizationOf(quantization),
    sparsity: sparsity && sparsityOf(sparsity),
  };
}

function quantizationOf(table: Table): Quantization | undefined {
  const scales = table.numbers(QUANTIZATION.scale, 'float32');
  const details = table.number(QUANTIZATION.details, 'uint8');
  demand(details === 0, 'has tensors that are quantised in a way of their own, or in blocks');
  // Ranges alone, of training, are no quantisation.
  if (scales.length === 0) return undefined;
  const zeroPoints = table.numbers(QUANTIZATION.zeroPoint, 'int64');
  return {
    scales,
    zeroPoints: scales.map((_, i) => zeroPoints[i] ?? zeroPoints[0] ?? 0),
    axis: table.number(QUANTIZATION.axis, 'int32'),
  };
}

function operatorOf(table: Table, codes: readonly Table[]): Operator {
  const code = codes[table.number(OPERATOR.code, 'uint32')];
  demandSound(code, 'is damaged: an operator has no code');
  // Codes beyond 127 have a field of their own, and 127 in the old one.
  const number = Math.max(code.number(CODE.old, 'int8'), code.number(CODE.builtin, 'int32'));
  const builtin = operatorName(number);
  const isCustom = builtin === CUSTOM;
  return {
    name: isCustom ? code.string(CODE.custom) : builtin,
    isCustom,
    inputs: table.numbers(OPERATOR.inputs, 'int32'),
    outputs: table.numbers(OPERATOR.outputs, 'int32'),
    options: table.table(OPERATOR.options),
    customOptions: table.bytes(OPERATOR.custom),
  };
}

function checkIndices({ tensors, operators, inputs, outputs }: Model): void {
  const required = [...inputs, ...outputs, ...operators.flatMap((one) => one.outputs)];
  const optional = operators.flatMap((one) => one.inputs);
  const isThere = (index: number) => index < tensors.length;
  const sound = required.every((index) => index >= 0 && isThere(index)) && optional.every(isThere);
  demandSound(sound, 'is damaged: it speaks of tensors that it does not have');
}
