/** The types that ONNX says of what operators make. */
import { describe, expect, it } from 'vitest';
import { int, onnxNode, readNode } from '../../test/fixtures/onnx_model.ts';
import { GraphBuilder } from '../runtime/graph_builder.ts';
import type { Attributes } from './attribute.ts';
import type { ElementType } from './element_type.ts';
import { ImportCall } from './import_node.ts';
import { resultType } from './result_type.ts';
import { constant } from './tensor.ts';

type Types = readonly (ElementType | undefined)[];

function typesOf(
  opType: string,
  inputs: Types,
  count: number,
  attributes: Attributes = {},
  domain = '',
): readonly ElementType[] {
  const call = new ImportCall(readNode({ ...onnxNode(opType, '', 'y', attributes), domain }), {
    opset: 21,
    name: 'node',
    g: GraphBuilder.create(),
    inputs: inputs.map((type) => type && { constant: constant([], [0], type), type }),
    weight: () => {
      throw new Error('no type needs data');
    },
    derived: (_, made) => made,
    tensor: () => constant([], [0], 'float32'),
    spend: () => true,
  });
  return Array.from({ length: count }, (_, output) => resultType(call, output));
}

describe('resultType', () => {
  it.each<[opType: string, inputs: Types, outputs: readonly ElementType[], Attributes?]>([
    ['Relu', ['float16'], ['float16']],
    ['Add', ['int8', 'int8'], ['int8']],
    ['Resize', ['uint8', undefined, 'float32'], ['uint8']],
    ['Range', [undefined, 'double'], ['double']],
    ['RandomNormal', [], ['float32']],
    ...[
      ...['Equal', 'Less', 'Greater', 'LessOrEqual', 'GreaterOrEqual', 'And', 'Or', 'Xor'],
      ...['Not', 'IsNaN', 'IsInf'],
    ].map((opType): [string, Types, readonly ElementType[]] => [opType, ['double'], ['bool']]),
    ...['Shape', 'Size', 'NonZero', 'ArgMax', 'ArgMin'].map(
      (opType): [string, Types, readonly ElementType[]] => [opType, ['uint8'], ['int64']],
    ),
    ['TopK', ['double', 'int64'], ['double', 'int64']],
    ['MaxPool', ['float16'], ['float16', 'int64']],
    ['Unique', ['int8'], ['int8', 'int64', 'int64', 'int64']],
    ['Dropout', ['float16', 'float32', 'bool'], ['float16', 'bool']],
    ['ConvInteger', ['uint8', 'int8'], ['int32']],
    ['MatMulInteger', ['int8', 'int8'], ['int32']],
    ['Where', ['bool', 'int64', 'int64'], ['int64']],
    ['CastLike', ['float32', 'bool'], ['bool']],
    ['DequantizeLinear', ['int8', 'float16', 'int8'], ['float16']],
    ['OneHot', ['int64', 'int64', 'uint8'], ['uint8']],
    [
      'QLinearMatMul',
      ['uint8', 'float32', 'uint8', 'uint8', 'float32', 'uint8', 'float32', 'int8'],
      ['int8'],
    ],
    [
      'QLinearConv',
      ['uint8', 'float32', 'uint8', 'uint8', 'float32', 'uint8', 'float32', 'int8'],
      ['int8'],
    ],
    ['DynamicQuantizeLinear', ['float32'], ['uint8', 'float32', 'uint8']],
    ['Cast', ['float32'], ['int16'], { to: int(5) }],
    ['QuantizeLinear', ['float32', 'float32', 'int8'], ['int8']],
    ['QuantizeLinear', ['float32', 'float32'], ['uint8']],
    ['QuantizeLinear', ['float32', 'float32'], ['uint8'], { output_dtype: int(0) }],
    ['QuantizeLinear', ['float32', 'float32'], ['int16'], { output_dtype: int(5) }],
    ['QuantizeLinear', ['float32', 'float32', 'int8'], ['int8'], { output_dtype: int(5) }],
  ])('of %s of %o is %o', (opType, inputs, outputs, attributes) => {
    expect(typesOf(opType, inputs, outputs.length, attributes)).toEqual(outputs);
  });

  it('of an operator of another domain is that of its first input', () => {
    expect(typesOf('Shape', ['float16'], 1, {}, 'com.vendor')).toEqual(['float16']);
    expect(typesOf('Shape', ['float16'], 1, {}, 'ai.onnx')).toEqual(['int64']);
  });

  it.each([
    [8, 'to is STRING; numbers and truth values are read'],
    [99, 'to is type 99; numbers and truth values are read'],
  ])('is refused where there is no such type: %i', (to, why) => {
    const types = () => typesOf('Cast', ['float32'], 1, { to: int(to) });
    expect(types).toThrow(expect.objectContaining({ name: 'UnsupportedError', message: why }));
  });
});
