/** The types of what nodes make: as a rule that of the first input. */
import { subjectOf } from './domain.ts';
import { type ElementType, elementTypeOf, typeName } from './element_type.ts';
import { demand } from './errors.ts';
import type { ImportCall } from './import_node.ts';
import { DataType } from './schema/enums.ts';

type Rule = (call: ImportCall, output: number) => ElementType;

const bool: Rule = () => 'bool';
const int32: Rule = () => 'int32';
const int64: Rule = () => 'int64';
const ofInput =
  (index: number): Rule =>
  (call) =>
    call.type(index);
/** That of a zero point; where it is left out, as the first input. */
const ofZero =
  (index: number): Rule =>
  (call) =>
    call.inputs[index]?.type ?? call.type(0);
/** The first output as the input, the others counts or indices. */
const indicesAfter: Rule = (call, output) => (output === 0 ? call.type(0) : 'int64');
const afterFirst =
  (type: ElementType): Rule =>
  (call, output) =>
    output === 0 ? call.type(0) : type;

/** The type that an attribute names. Throws UnsupportedError for those that are not had. */
export function typeOfAttribute(call: ImportCall, name: string, otherwise: number): ElementType {
  const number = call.int(name, otherwise);
  const type = elementTypeOf(number);
  demand(type, `${name} is ${typeName(number)}; numbers and truth values are read`);
  return type;
}

function rules(names: string, rule: Rule): readonly (readonly [string, Rule])[] {
  return names.split(' ').map((name) => [name, rule]);
}

const RULES: ReadonlyMap<string, Rule> = new Map([
  ...rules('Equal Less Greater LessOrEqual GreaterOrEqual And Or Xor Not IsNaN IsInf', bool),
  ...rules('Shape Size NonZero ArgMax ArgMin', int64),
  ...rules('TopK MaxPool Unique', indicesAfter),
  ...rules('Dropout', afterFirst('bool')),
  ...rules('ConvInteger MatMulInteger', int32),
  ...rules('Where CastLike DequantizeLinear', ofInput(1)),
  ...rules('OneHot', ofInput(2)),
  ...rules('QLinearConv QLinearMatMul', ofInput(7)),
  ...rules('com.microsoft.QLinearAdd com.microsoft.QLinearMul', ofZero(7)),
  ...rules('com.microsoft.QLinearSigmoid com.microsoft.QLinearLeakyRelu', ofZero(4)),
  ...rules('com.microsoft.QLinearSoftmax com.microsoft.QLinearAveragePool', ofZero(4)),
  ...rules('com.microsoft.QLinearGlobalAveragePool', ofZero(4)),
  ...rules('com.microsoft.QLinearConcat', ofZero(1)),
  ...rules('com.microsoft.QGemm', (call) => call.inputs[8]?.type ?? 'float32'),
  ...rules('DynamicQuantizeLinear', (_, output) => (output === 1 ? 'float32' : 'uint8')),
  ...rules('Cast', (call) => typeOfAttribute(call, 'to', DataType.FLOAT)),
  ...rules('QuantizeLinear', quantizedType),
]);

/** The type that QuantizeLinear makes: its zero point's, or since operator set 21 one that is named. */
export function quantizedType(call: ImportCall): ElementType {
  if (call.inputs[2]) return call.type(2);
  const given = call.int('output_dtype', 0);
  return given === 0 ? 'uint8' : typeOfAttribute(call, 'output_dtype', 0);
}

/** The type of an output. */
export function resultType(call: ImportCall, output: number): ElementType {
  const rule = RULES.get(subjectOf(call.node));
  if (rule) return rule(call, output);
  return call.inputs.find((input) => input)?.type ?? 'float32';
}
