import type { LinearGeometry } from '../../shaders/linear.wgsl.ts';
import type { Node } from '../runtime/graph.ts';
import { type Epilogue, inputShape } from '../runtime/operator.ts';
import { rowsAndColumns } from '../runtime/tensor.ts';
import { elementTypesOf } from './element_types.ts';

/** What the kernels compile in. */
export function geometryOf(node: Node<Epilogue>): LinearGeometry {
  const [batch, inputs] = rowsAndColumns(inputShape(node, 'x'));
  const [outputs] = rowsAndColumns(inputShape(node, 'weight'));
  return {
    batch,
    inputs,
    outputs,
    bias: 'bias' in node.inputs,
    activation: node.attributes.activation ?? 'none',
    types: elementTypesOf(node, 'x', 'weight'),
  };
}
