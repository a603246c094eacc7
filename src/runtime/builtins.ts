/** The operators that passes know, by name: the runtime imports no layers. */
import type { Expression } from '../../shaders/lib/expression.ts';
import type { Node } from './graph.ts';
import type { Movement } from './movement/index.ts';
import type { DType } from './tensor.ts';

/** An expression over the node's inputs, by role, which are broadcast to the output's shape. */
export interface PointwiseAttributes {
  readonly expression: Expression;
  /** How the output is stored; f32 by default. */
  readonly dtype?: DType;
}

export interface ConcatAttributes {
  readonly axis: number;
}

export interface RearrangeAttributes {
  readonly steps: readonly Movement[];
}

export interface BatchNormAttributes {
  readonly epsilon: number;
}

export function isPointwise(node: Node): node is Node<PointwiseAttributes> {
  return node.op.name === 'pointwise';
}

export function isConcat(node: Node): node is Node<ConcatAttributes> {
  return node.op.name === 'concat';
}

export function isRearrange(node: Node): node is Node<RearrangeAttributes> {
  return node.op.name === 'rearrange';
}

export function isBatchNorm(node: Node): node is Node<BatchNormAttributes> {
  return node.op.name === 'batch_norm';
}
