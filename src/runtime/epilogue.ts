/** The epilogue of a node as its kernels see it. */

import type { Epilogue, EpilogueOperand } from '../../shaders/lib/epilogue.ts';
import { type Expression, operandsOf } from '../../shaders/lib/expression.ts';
import { clampOf } from '../../shaders/lib/expression_clamp.ts';
import { printExpression } from '../../shaders/lib/expression_wgsl.ts';
import { alignedTo } from './broadcast.ts';
import { present } from './errors.ts';
import type { Node } from './graph.ts';
import { RESULT } from './graph.ts';
import { denseStrides, type Shape, type TensorDesc, viewOfDesc } from './tensor.ts';

/** How an operand follows the elements of an output [N, C, ...]; undefined where a kernel cannot tell. */
export function operandStrides(
  operand: TensorDesc,
  output: Shape,
): EpilogueOperand['strides'] | undefined {
  const rank = Math.max(2, output.length);
  if (operand.shape.length > rank) return undefined;
  const extents = alignedTo(operand.shape, rank);
  const whole = alignedTo(output, rank);
  if (extents.some((extent, axis) => extent !== 1 && extent !== whole[axis])) return undefined;
  const { offset, strides } = viewOfDesc(operand);
  const aligned = [...Array<number>(rank - strides.length).fill(0), ...strides];
  const stride = (axis: number): number => (extents[axis] === 1 ? 0 : (aligned[axis] ?? 0));
  const inner = extents.slice(2);
  const repeats = inner.every((extent) => extent === 1);
  const dense = denseStrides(extents);
  const along = inner.every(
    (extent, i) => extent === whole[i + 2] && (extent === 1 || aligned[i + 2] === dense[i + 2]),
  );
  if (!repeats && !along) return undefined;
  return { offset, image: stride(0), channel: stride(1), place: repeats ? 0 : 1 };
}

/** What the kernels of a node with this epilogue compute after it. */
export function epilogueOf(epilogue: Expression, { inputs, output }: Node): Epilogue {
  const operands = operandsOf(epilogue)
    .filter((name) => name !== RESULT)
    .map((name): EpilogueOperand => {
      const { desc } = present(inputs[name], `"${name}"`);
      const strides = present(operandStrides(desc, output.desc.shape), `stride of "${name}"`);
      return { name, type: desc.dtype, strides };
    });
  return {
    expression: epilogue,
    clamp: clampOf(epilogue, RESULT),
    operands,
    print: (options) => printExpression(epilogue, options),
  };
}
