/** Quantised arithmetic as ONNX defines it, beside results worked out by hand. */
import { describe, it } from 'vitest';
import {
  int,
  ints,
  onnxNode as node,
  onnxTensor as tensor,
} from '../../../test/fixtures/onnx_model.ts';
import {
  checkNodeCase,
  inOperatorSets,
  type NodeCase,
  small,
} from '../../../test/fixtures/onnx_node_cases.ts';
import type { Attributes } from '../attribute.ts';

const INT8 = 3;
/** The bytes x + 4. */
const bytes = node('QuantizeLinear', 'x unit four', 'q');
const BYTES = [small('unit', 1), tensor('four', [], [4], 'uint8')];
const asFloats = (name: string) => node('Cast', name, 'y', { to: int(1) });

/** The numbers of an output of DynamicQuantizeLinear of x and a number more. */
const dynamic = (output: number) => [
  node('Add', 'x more', 'm'),
  {
    ...node('DynamicQuantizeLinear', 'm', ''),
    output: [0, 1, 2].map((i) => (i === output ? 'part' : `other${i}`)),
  },
  asFloats('part'),
];

const toBytes: readonly NodeCase[] = [
  {
    what: 'QuantizeLinear to bytes, by default',
    from: 10,
    nodes: [node('QuantizeLinear', 'x half', 'q'), asFloats('q')],
    constants: [small('half', 0.5)],
    expected: [0, 0, 0, 0, 0, 2, 4, 6, 8],
  },
  {
    what: 'QuantizeLinear to the type that an attribute says',
    from: 21,
    nodes: [node('QuantizeLinear', 'x s', 'q', { output_dtype: int(INT8) }), asFloats('q')],
    constants: [small('s', 0.025)],
    expected: [-128, -120, -80, -40, 0, 40, 80, 120, 127],
  },
  {
    what: 'QuantizeLinear that goes over both ends of bytes',
    from: 10,
    nodes: [node('QuantizeLinear', 'x s z', 'q'), asFloats('q')],
    constants: [small('s', 0.0125), tensor('z', [], [100], 'uint8')],
    expected: [0, 0, 0, 20, 100, 180, 255, 255, 255],
  },
  {
    what: 'QuantizeLinear of columns',
    from: 13,
    nodes: [node('QuantizeLinear', 'x s z', 'q', { axis: int(-1) }), asFloats('q')],
    constants: [tensor('s', [3], [1, 2, 0.5]), tensor('z', [3], [10, 20, 30], 'uint8')],
    shape: [2, 3],
    // Halves go to the even number.
    expected: [6, 18, 26, 9, 20, 32],
  },
  {
    what: 'QuantizeLinear of channels, which are axis 1',
    from: 13,
    nodes: [node('QuantizeLinear', 'x s z', 'q'), asFloats('q')],
    constants: [tensor('s', [2], [1, 0.5]), tensor('z', [2], [10, 20], 'uint8')],
    shape: [2, 2, 1],
    expected: [6, 14, 8, 18],
  },
  {
    what: 'QuantizeLinear and DequantizeLinear in blocks of rows',
    from: 21,
    nodes: [
      node('QuantizeLinear', 'x s z', 'q', { axis: int(0), block_size: int(2) }),
      node('DequantizeLinear', 'q s z', 'y', { axis: int(0), block_size: int(2) }),
    ],
    constants: [tensor('s', [2, 2], [1, 2, 3, 4]), tensor('z', [2, 2], [8, 9, 10, 11], 'uint8')],
    shape: [3, 2],
    // Rows 0 and 1 by 1 and 2, row 2 by 3 and 4: -1.5 goes to -2.
    expected: [-4, -4, -2, 0, 0, 0],
  },
  {
    what: 'DequantizeLinear of what is computed, in blocks of an axis of three',
    from: 21,
    nodes: [bytes, node('DequantizeLinear', 'q s', 'y', { axis: int(1), block_size: int(2) })],
    constants: [...BYTES, tensor('s', [2, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8])],
    shape: [2, 3, 2],
    expected: [0, 2, 2, 6, 12, 20, 30, 42, 40, 54, 70, 88],
  },
  {
    what: 'DequantizeLinear without a zero point',
    from: 10,
    nodes: [bytes, node('DequantizeLinear', 'q s', 'y')],
    constants: [...BYTES, small('s', 0.5)],
    expected: [0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4],
  },
  // Of -3.5 to 4.5, a step is 8 / 255, and 0 is 111.6 steps from the least.
  ...[0, 1, 2].map(
    (output): NodeCase => ({
      what: `DynamicQuantizeLinear of both signs: output ${output}`,
      from: 11,
      nodes: dynamic(output),
      constants: [small('more', 0.5)],
      expected: [[0, 32, 64, 96, 128, 160, 192, 224, 255], [8 / 255], [112]][output] ?? [],
      ...(output > 0 && { outputShape: [] }),
    }),
  ),
  // 0 is always one of the values.
  {
    what: 'DynamicQuantizeLinear of positive numbers alone: the step',
    from: 11,
    nodes: dynamic(1),
    constants: [small('more', 8)],
    expected: [12 / 255],
    outputShape: [],
  },
  {
    what: 'DynamicQuantizeLinear of negative numbers alone: where 0 is',
    from: 11,
    nodes: dynamic(2),
    constants: [small('more', -8)],
    expected: [255],
    outputShape: [],
  },
];

const product = (opType: string, inputs: string, attributes: Attributes = {}) => [
  bytes,
  node(opType, inputs, 'sums', attributes),
  asFloats('sums'),
];
const FACTOR = tensor('w', [3, 2], [1, 0, 2, 1, 0, 3], 'uint8');
const products: readonly NodeCase[] = [
  {
    what: 'MatMulInteger without zero points',
    from: 10,
    nodes: product('MatMulInteger', 'q w'),
    constants: [...BYTES, FACTOR],
    shape: [2, 3],
    // [0 1 2; 3 4 5]
    expected: [2, 7, 11, 19],
    outputShape: [2, 2],
  },
  {
    what: 'MatMulInteger with a zero point for each row',
    from: 10,
    nodes: product('MatMulInteger', 'q w z'),
    constants: [...BYTES, FACTOR, tensor('z', [2], [1, 3], 'uint8')],
    shape: [2, 3],
    // [-1 0 1; 0 1 2]
    expected: [-1, 3, 2, 7],
    outputShape: [2, 2],
    alone: true,
  },
  {
    what: 'MatMulInteger of factors that are both computed',
    from: 10,
    nodes: [
      bytes,
      node('Transpose', 'q', 't', { perm: ints(1, 0) }),
      node('MatMulInteger', 'q t four two', 'sums'),
      asFloats('sums'),
    ],
    constants: [...BYTES, tensor('two', [], [2], 'uint8')],
    shape: [2, 2],
    // [-4 -3; -2 -1] [-2 0; -1 1]
    expected: [11, -3, 5, -1],
  },
  {
    what: 'MatMulInteger with a zero point that is computed',
    from: 10,
    nodes: [
      bytes,
      node('ReduceMin', 'x', 'least', { keepdims: int(0) }),
      node('QuantizeLinear', 'least unit ten', 'zero'),
      node('MatMulInteger', 'q w zero', 'sums'),
      asFloats('sums'),
    ],
    // -4 with a zero point of 10 is 6.
    constants: [...BYTES, FACTOR, tensor('ten', [], [10], 'uint8')],
    shape: [2, 3],
    expected: [-16, -17, -7, -5],
    outputShape: [2, 2],
  },
  {
    what: 'ConvInteger in groups, by twos',
    from: 10,
    nodes: product('ConvInteger', 'q w four', { group: int(2), strides: ints(2) }),
    constants: [...BYTES, tensor('w', [2, 1, 2], [1, 2, 3, 4], 'uint8')],
    shape: [1, 2, 4],
    expected: [-10, -4, 4, 18],
    outputShape: [1, 2, 2],
  },
  {
    what: 'QLinearConv of a map, to signed bytes that saturate',
    from: 10,
    nodes: [bytes, node('QLinearConv', 'q unit four w ws wz ys yz', 'r'), asFloats('r')],
    constants: [
      ...BYTES,
      tensor('w', [1, 1, 1, 1], [5], 'uint8'),
      small('ws', 4),
      tensor('wz', [], [1], 'uint8'),
      small('ys', 0.4),
      tensor('yz', [], [10], 'uint8'),
    ],
    // 40 x + 10
    expected: [0, 0, 0, 0, 10, 50, 90, 130, 170],
  },
  {
    what: 'QLinearMatMul with a scale for each column',
    from: 10,
    nodes: [
      bytes,
      node('QLinearMatMul', 'q unit four w ws wz ys yz', 'r'),
      node('DequantizeLinear', 'r ys yz', 'y'),
    ],
    constants: [
      ...BYTES,
      tensor('w', [2, 2], [1, 2, 3, 4], 'int8'),
      tensor('ws', [2], [1, 2]),
      tensor('wz', [2], [0, 1], 'int8'),
      small('ys', 2),
      tensor('yz', [], [-3], 'int8'),
    ],
    shape: [2, 2],
    // [-4 -3; -2 -1] [1 2; 3 6] = [-13 -26; -5 -10]; the first column in whole twos.
    expected: [-12, -26, -4, -10],
    // onnxruntime wants both of one type.
    alone: true,
  },
];

describe('loadOnnx', () => {
  it.each(inOperatorSets([...toBytes, ...products]))(
    'reads %s, of operator set %i',
    (_, opset, one) => checkNodeCase(one, opset),
  );
});
