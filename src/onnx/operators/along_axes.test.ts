/** What is found or summed along axes, which are counted from both ends or left out. */
import { describe, it } from 'vitest';
import { int, onnxNode as node, onnxTensor as tensor } from '../../../test/fixtures/onnx_model.ts';
import {
  checkNodeCase,
  inOperatorSets,
  list,
  type NodeCase,
  one,
} from '../../../test/fixtures/onnx_node_cases.ts';
import type { Shape } from '../../runtime/tensor.ts';
import type { Attributes } from '../attribute.ts';

/** [-4 -3 -2; -1 0 1] */
const SHAPE: Shape = [2, 3];
const ROW = [-4, -3, -2, -1, 0, 1];
const asFloats = (name: string) => node('Cast', name, 'y', { to: int(1) });
const several = (opType: string, inputs: string, outputs: string, attributes: Attributes = {}) => ({
  ...node(opType, inputs, '', attributes),
  output: outputs.split(' ').map((name) => (name === '_' ? '' : name)),
});

const found: readonly NodeCase[] = [
  {
    what: 'ArgMax of the first axis by default',
    from: 7,
    nodes: [node('ArgMax', 'x', 'i'), asFloats('i')],
    shape: SHAPE,
    expected: [1, 1, 1],
    outputShape: [1, 3],
  },
  {
    what: 'ArgMax: the first of equals, unless it is told to take the last',
    from: 12,
    nodes: [
      node('Abs', 'x', 'a'),
      node('ArgMax', 'a', 'first', { axis: int(0), keepdims: int(0) }),
      node('ArgMax', 'a', 'last', { axis: int(0), keepdims: int(0), select_last_index: int(1) }),
      node('Concat', 'first last', 'i', { axis: int(0) }),
      asFloats('i'),
    ],
    // 4 3 2 1 0 1 2 3 4
    shape: [9, 1],
    expected: [0, 8],
    outputShape: [2],
  },
  {
    what: 'TopK of the last axis by default, by an attribute',
    from: 7,
    to: 9,
    nodes: [several('TopK', 'x', 'v _', { k: int(1) }), ...one('Neg', {}, 'v')],
    shape: SHAPE,
    expected: [2, -1],
    outputShape: [2, 1],
    // onnxruntime counts outputs that have no name.
    alone: true,
  },
  ...['v', 'i'].map(
    (part): NodeCase => ({
      what: `TopK of the first axis of three, the least: ${part === 'v' ? 'values' : 'indices'}`,
      from: 11,
      nodes: [
        several('TopK', 'x k', 'v i', { axis: int(0), largest: int(0) }),
        part === 'v' ? node('Identity', 'v', 'y') : asFloats('i'),
      ],
      constants: [list('k', 2)],
      shape: [3, 1, 2],
      expected: part === 'v' ? [-4, -3, -2, -1] : [0, 0, 1, 1],
      outputShape: [2, 1, 2],
    }),
  ),
  {
    what: 'CumSum of the axis in the middle, from the end',
    from: 11,
    nodes: one('CumSum', { reverse: int(1) }, 'x axis'),
    constants: [tensor('axis', [], [-2], 'integer')],
    shape: [1, 3, 2],
    expected: [-6, -3, -2, 0, 0, 1],
  },
  {
    what: 'CumSum without the element itself',
    from: 11,
    nodes: one('CumSum', { exclusive: int(1) }, 'x axis'),
    constants: [tensor('axis', [], [1], 'integer')],
    shape: SHAPE,
    expected: [0, -4, -7, 0, -1, -1],
  },
  ...(
    [
      ['all axes by default', '', {}, [-9], [1, 1]],
      ['all axes, dropped', '', { keepdims: int(0) }, [-9], []],
      [
        'no axes, by an empty list and a flag',
        ' none',
        { noop_with_empty_axes: int(1) },
        ROW,
        [2, 3],
      ],
      ['all axes, by an empty list', ' none', {}, [-9], [1, 1]],
      ['the first axis from the end', ' minus', { keepdims: int(0) }, [-5, -3, -1], [3]],
    ] as const
  ).map(
    ([what, axes, attributes, expected, outputShape]): NodeCase => ({
      what: `ReduceSum over ${what}`,
      from: 13,
      nodes: one('ReduceSum', attributes, `x${axes}`),
      constants: [tensor('none', [0], [], 'integer'), list('minus', -2)].filter(
        ({ name }) => axes.trim() === name,
      ),
      ...{ shape: SHAPE, expected, outputShape },
    }),
  ),
  {
    what: 'Shape from the end, up to the end',
    from: 15,
    nodes: [
      node('Shape', 'x', 's', { start: int(-2), end: int(-1) }),
      node('Cast', 's', 'f', { to: int(1) }),
      ...one('Add', {}, 'x f'),
    ],
    shape: [1, 2, 3],
    expected: ROW.map((x) => x + 2),
  },
  {
    what: 'ConstantOfShape of nothing but zeros, and EyeLike of a type',
    from: 9,
    nodes: [
      node('ConstantOfShape', 'size', 'zeros'),
      node('EyeLike', 'zeros', 'eye', { dtype: int(6), k: int(-1) }),
      node('Cast', 'eye', 'f', { to: int(1) }),
      ...one('Add', {}, 'x f'),
    ],
    constants: [list('size', 3, 2)],
    shape: [3, 2],
    expected: [-4, -3, -1, -1, 0, 2],
  },
];

describe('loadOnnx', () => {
  it.each(inOperatorSets(found))('reads %s, of operator set %i', (_, opset, one) =>
    checkNodeCase(one, opset),
  );
});
