import type { Epilogue } from '../../shaders/lib/epilogue.ts';
import type { LinearProblem } from '../../shaders/linear.wgsl.ts';
import type { Node } from '../runtime/graph.ts';
import { elementTypesOf, inputShape } from '../runtime/operator.ts';
import { rowsAndColumns } from '../runtime/tensor.ts';

export type LinearRole = 'x' | 'weight' | 'bias';

export type Linear = Node<object, LinearRole>;

export function problemOf(node: Linear, epilogue: Epilogue | undefined): LinearProblem {
  const [batch, inputs] = rowsAndColumns(inputShape(node, 'x'));
  const [outputs] = rowsAndColumns(inputShape(node, 'weight'));
  return {
    batch,
    inputs,
    outputs,
    bias: 'bias' in node.inputs,
    epilogue,
    types: elementTypesOf(node, 'x', 'weight'),
  };
}
