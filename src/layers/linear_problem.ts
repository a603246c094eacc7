import type { Epilogue } from '../../shaders/lib/epilogue.ts';
import type { LinearProblem } from '../../shaders/linear.wgsl.ts';
import type { Node } from '../runtime/graph.ts';
import { elementTypesOf, inputDesc, inputShape } from '../runtime/operator.ts';
import { mapStrides, rowsAndColumns } from '../runtime/tensor.ts';

export type LinearRole = 'x' | 'weight' | 'bias';

export type Linear = Node<object, LinearRole>;

export function problemOf(node: Linear, epilogue: Epilogue | undefined): LinearProblem {
  return problemOn(node, epilogue, rowsAndColumns(inputShape(node, 'x')));
}

/** Of images that have so many inputs each: features, or channels of one pixel. */
export function problemOn(
  node: Linear,
  epilogue: Epilogue | undefined,
  [batch, inputs]: readonly [number, number],
): LinearProblem {
  const [outputs = 1] = inputShape(node, 'weight');
  return {
    batch,
    inputs,
    outputs,
    bias: 'bias' in node.inputs,
    epilogue,
    xStrides: mapStrides(inputDesc(node, 'x')),
    yStrides: mapStrides(node.output.desc),
    types: elementTypesOf(node, 'x', 'weight'),
  };
}
