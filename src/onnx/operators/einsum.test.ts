/** Equations: each way in which axes are named, summed and put in order. */
import { describe, it } from 'vitest';
import { onnxTensor as tensor, text } from '../../../test/fixtures/onnx_model.ts';
import {
  checkNodeCase,
  inOperatorSets,
  type NodeCase,
  one,
} from '../../../test/fixtures/onnx_node_cases.ts';

/** [1 0; 0 2; 1 1] */
const B = tensor('b', [3, 2], [1, 0, 0, 2, 1, 1]);
const equations: readonly NodeCase[] = (
  [
    [
      'without an arrow: what occurs once, in order',
      'ji,jk',
      [3, 2],
      'x b',
      [-4, -4, -2, -1],
      [2, 2],
    ],
    [
      'an ellipsis in front of one operand only',
      '...ij,jk->...ik',
      [1, 2, 3],
      'x b',
      [-6, -8, 0, 1],
      [1, 2, 2],
    ],
    ['an ellipsis without an arrow', '...i', [2, 3], 'x', [-4, -3, -2, -1, 0, 1], [2, 3]],
    ['an ellipsis at the end', 'i...->...i', [2, 3], 'x', [-4, -1, -3, 0, -2, 1], [3, 2]],
    ['spaces', ' i j -> j i ', [2, 3], 'x', [-4, -1, -3, 0, -2, 1], [3, 2]],
    ['sums of either operand alone', 'ij,kl->il', [2, 3], 'x b', [-18, -27, 0, 0], [2, 2]],
    ['stacks with an extent of 1', 'bij,bjk->bik', [2, 1, 3], 'x one', [-6, -8, 0, 1], [2, 1, 2]],
    ['a diagonal of three axes', 'iii->i', [2, 2, 2], 'x', [-4, 3], [2]],
    ['two diagonals', 'iijj->ij', [2, 2, 2, 2], 'x', [-4, -1, 8, 11], [2, 2]],
  ] as const
).map(([what, equation, shape, inputs, expected, outputShape]) => ({
  what: `Einsum, ${what}`,
  from: 12,
  nodes: one('Einsum', { equation: text(equation) }, inputs),
  constants: [B, tensor('one', [1, 3, 2], [1, 0, 0, 2, 1, 1])].filter(({ name }) =>
    inputs.endsWith(` ${name}`),
  ),
  ...{ shape, expected, outputShape },
}));

describe('loadOnnx', () => {
  it.each(inOperatorSets(equations))('reads %s, of operator set %i', (_, opset, one) =>
    checkNodeCase(one, opset),
  );
});
