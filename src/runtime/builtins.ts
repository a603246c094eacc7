/** The operators that passes know, by name: the runtime imports no layers. */
import type { Expression } from '../../shaders/lib/expression.ts';
import type { Node } from './graph.ts';
import type { Movement } from './movement/index.ts';
import type { DType } from './tensor.ts';

/** An expression over the node's inputs, by role, which are broadcast to the output's shape. */
export interface PointwiseAttributes {
  /** Over the node's inputs, by their roles. */
  readonly expression: Expression;
  /** How the output is stored; f32 by default. */
  readonly dtype?: DType;
}

/** What a concatenation is told. */
export interface ConcatAttributes {
  /** Along which parts follow one another. */
  readonly axis: number;
}

/** What passes know of a softmax. */
export interface SoftmaxAxis {
  /** Along which it adds up to 1. */
  readonly axis: number;
}

/** What a movement is told. */
export interface RearrangeAttributes {
  /** In the order in which they are done. */
  readonly steps: readonly Movement[];
}

/** How `matmul` takes its operands. */
export interface MatmulAttributes {
  /** Whether the last two axes of `a` are swapped; false by default. */
  readonly transposeA: boolean;
  /** Whether the last two axes of `b` are swapped; false by default. */
  readonly transposeB: boolean;
  /** The product is multiplied by it. */
  readonly scale: number;
}

/** What passes know of a convolution. */
export interface Conv2dAttributes {
  /** Zeros around the map. */
  readonly padding: {
    readonly top: number;
    readonly left: number;
    readonly bottom: number;
    readonly right: number;
  };
}

/** The axes of a reduction. */
export interface ReducedAxes {
  /** The first of the axes. */
  readonly from: number;
  /** After the last of the axes. */
  readonly to: number;
  /** Whether the axes stay, with an extent of 1. */
  readonly keepAxes: boolean;
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

export function isSoftmax(node: Node): node is Node<SoftmaxAxis> {
  return node.op.name === 'softmax';
}

export function isMatmul(node: Node): node is Node<MatmulAttributes> {
  return node.op.name === 'matmul';
}

export function isConv2d(node: Node): node is Node<Conv2dAttributes> {
  return node.op.name === 'conv2d';
}

export function isReduce(node: Node): node is Node<ReducedAxes> {
  return node.op.name === 'reduce';
}

export function isRearrange(node: Node): node is Node<RearrangeAttributes> {
  return node.op.name === 'rearrange';
}

export function isBatchNorm(node: Node): node is Node<BatchNormAttributes> {
  return node.op.name === 'batch_norm';
}
