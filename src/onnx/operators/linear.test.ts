/** Gemm and MatMul: each way in which factors, scales and what is added may be had. */
import { describe, expect, it } from 'vitest';
import {
  float,
  int,
  ints,
  onnxNode as node,
  onnxFile,
  onnxInput,
  onnxTensor as tensor,
} from '../../../test/fixtures/onnx_model.ts';
import {
  checkNodeCase,
  inOperatorSets,
  type NodeCase,
  one,
  small,
} from '../../../test/fixtures/onnx_node_cases.ts';
import { runReference } from '../../reference.ts';
import type { Shape } from '../../runtime/tensor.ts';
import { loadOnnx } from '../import.ts';

/** [-4 -3; -2 -1] */
const SQUARE: Shape = [2, 2];
/** x W is [-13 -20; -5 -8], x W' is [-10 -24; -4 -10], x' W is [-10 -16; -6 -10], x' W' is [-8 -20; -5 -13]. */
const W = tensor('w', [2, 2], [1, 2, 3, 4]);
const [XW, XWT] = [
  [-13, -20, -5, -8],
  [-10, -24, -4, -10],
];

const gemms: readonly NodeCase[] = (
  [
    ['alpha', { alpha: float(0.5) }, 'x w', XW.map((y) => y / 2)],
    ['alpha, B transposed', { alpha: float(0.5), transB: int(1) }, 'x w', XWT.map((y) => y / 2)],
    ['A transposed', { transA: int(1) }, 'x w', [-10, -16, -6, -10]],
    ['both transposed', { transA: int(1), transB: int(1) }, 'x w', [-8, -20, -5, -13]],
    ['C a row', {}, 'x w row', [-12, -10, -4, 2]],
    ['C a row of a matrix', {}, 'x w flat', [-12, -10, -4, 2]],
    ['C a column', {}, 'x w column', [-12, -19, 5, 2]],
    ['C a matrix, beta', { beta: float(2) }, 'x w w', [-11, -16, 1, 0]],
    ['C a row, beta', { beta: float(0.5) }, 'x w row', [-12.5, -15, -4.5, -3]],
    [
      'C a number, alpha and beta',
      { alpha: float(2), beta: float(3) },
      'x w two',
      [-20, -34, -4, -10],
    ],
    ['C a number, A transposed', { transA: int(1), beta: float(3) }, 'x w two', [-4, -10, 0, -4]],
    ['C computed', {}, 'x w x', [-17, -23, -7, -9]],
    ['B computed', {}, 'x x', [22, 15, 10, 7]],
    ['B computed, C a row', { alpha: float(2) }, 'x x row', [45, 40, 21, 24]],
  ] as const
).map(([what, attributes, inputs, expected]) => ({
  what: `Gemm, ${what}`,
  from: 11,
  nodes: one('Gemm', attributes, inputs),
  constants: [
    ...[W, tensor('row', [2], [1, 10]), tensor('flat', [1, 2], [1, 10])],
    ...[tensor('column', [2, 1], [1, 10]), small('two', 2)],
  ].filter(({ name = '' }) => inputs.split(' ').includes(name)),
  shape: SQUARE,
  expected,
}));

const WIDE = tensor('w', [2, 3], [1, 0, 2, 0, 1, 1]);
const products: readonly NodeCase[] = [
  {
    what: 'MatMul of three stacks with a matrix that is no square',
    from: 7,
    nodes: one('MatMul', {}, 'x w'),
    constants: [WIDE],
    shape: [3, 1, 2],
    expected: [-4, -3, -11, -2, -1, -5, 0, 1, 1],
    outputShape: [3, 1, 3],
  },
  {
    what: 'MatMul of a stack with a stack that is known',
    from: 7,
    nodes: one('MatMul', {}, 'x w'),
    constants: [tensor('w', [2, 2, 1], [1, 10, 100, 1000])],
    shape: [2, 1, 2],
    expected: [-34, -1200],
    outputShape: [2, 1, 1],
  },
  {
    what: 'MatMul of a vector and a stack',
    from: 7,
    nodes: one('MatMul', {}, 'v x'),
    constants: [tensor('v', [2], [1, 10])],
    shape: [2, 2, 1],
    expected: [-34, -12],
    outputShape: [2, 1],
  },
  {
    what: 'MatMul of a stack and a vector, both computed',
    from: 7,
    to: 12,
    nodes: [
      node('ReduceSum', 'x', 'v', { axes: ints(0, 1), keepdims: int(0) }),
      ...one('MatMul', {}, 'x v'),
    ],
    shape: [2, 1, 2],
    // The vector is [-6 -4].
    expected: [36, 16],
    outputShape: [2, 1],
  },
];

describe('loadOnnx', () => {
  it.each(inOperatorSets([...gemms, ...products]))(
    'reads %s, of operator set %i',
    (_, opset, one) => checkNodeCase(one, opset),
  );

  it('tells apart all that it makes of one weight', () => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    const bytes = onnxFile({
      node: [
        node('MatMul', 'x w', 'a'),
        node('Gemm', 'x w', 'b', { alpha: float(2) }),
        node('Gemm', 'x w', 'c', { alpha: float(3), transB: int(1) }),
        node('Gemm', 'x w', 'd', { transB: int(1) }),
        node('Gemm', 'x w', 'e'),
      ],
      initializer: [W],
      input: [onnxInput('x', SQUARE)],
      output: names.map((name) => ({ name })),
    });
    const { graph, weights } = loadOnnx(bytes);
    const values = runReference(graph, weights, { x: Float32Array.of(-4, -3, -2, -1) });
    const results = names.map((name) => {
      const output = graph.outputs.get(name);
      return [...((output && values.get(output)) ?? [])];
    });
    expect(results).toEqual([XW, XW.map((y) => 2 * y), XWT.map((y) => 3 * y), XWT, XW]);
    // What is made of the file's only weight once serves all nodes that want it so.
    const made = graph.nodes.map(({ inputs }) => inputs.weight);
    expect(made[4]).toBe(made[0]);
    expect(new Set(made).size).toBe(4);
    expect([...(weights.tensors?.keys() ?? [])]).toEqual(['w']);
  });
});
