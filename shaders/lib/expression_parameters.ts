/**
 * Numbers that layers have another each of which are alike otherwise, as the scales of quantised tensors are. Kernels
 * that bind their sizes bind these, too, and so share a pipeline; others have them in their text.
 */
import { bitsOf } from './epilogue.ts';
import {
  type BoundExpression,
  type ConstantStep,
  constant,
  type Expression,
  type Step,
} from './expression.ts';
import { atom } from './expression_text.ts';
import { toF32 } from './expression_wgsl.ts';

/** Beside the sizes of a convolution and the strides of all operands that it may have, they fit into a slot. */
const MOST_PARAMETERS = 12;

/** A constant that is such a number. What is computed ahead of it is a constant as any. */
export function parameter(value: number): Expression {
  const steps = constant(value).steps.map((step) => ({ ...step, bind }) as Step);
  return { steps };
}

function bind({ steps }: Expression): BoundExpression {
  const sizes: Record<string, number> = {};
  const bound = steps.map((step): Step => {
    const count = Object.keys(sizes).length;
    if (!isParameter(step) || count === MOST_PARAMETERS) return step;
    const name = `PARAMETER_${count}`;
    sizes[name] = bitsOf(toF32(step.value));
    return { fn: { name, evaluate: () => step.value, print: printed(name) }, args: [] };
  });
  return { expression: { steps: bound }, sizes };
}

function isParameter(step: Step): step is ConstantStep {
  return step.fn === 'constant' && step.bind !== undefined;
}

function printed(name: string) {
  return (_: unknown, width: 1 | 4) =>
    atom(width === 4 ? `vec4f(bitcast<f32>(${name}))` : `bitcast<f32>(${name})`);
}
