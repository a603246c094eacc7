/**
 * One operator for all that moves data and computes nothing: a list of steps. Where they only say how data is seen
 * that is there, the output is a view of the input and nothing runs; else one kernel does all of them at once.
 */

import { checkArgument } from '../runtime/arguments.ts';
import type { RearrangeAttributes } from '../runtime/builtins.ts';
import type { Activation, DataByRole, Node, OpDef, Value } from '../runtime/graph.ts';
import { checkLayer, type GraphBuilder } from '../runtime/graph_builder.ts';
import {
  DepthToSpace,
  indexMapOf,
  type Movement,
  moved,
  Reshape,
  ShuffleChannels,
  Slice,
  Transpose,
} from '../runtime/movement/index.ts';
import { inputShape, requireData, shapeError } from '../runtime/operator.ts';
import { movementPasses } from '../runtime/passes/movement_passes.ts';
import { areIntegers, formatShape, type Shape } from '../runtime/tensor.ts';
import { checkChoices } from './choices.ts';
import { flattenOp } from './flatten.ts';
import { checkIntegers } from './window.ts';

type Rearrange = Node<RearrangeAttributes, 'x'>;

/**
 * Adds steps that move data: one node, or several where one affine map cannot do all of them. `transpose`, `slice` and
 * the other builders of movements make such steps.
 *
 * @param g - The builder; its path names the layer.
 * @param x - Of any shape.
 * @param steps - In the order in which they are done; a node's `attributes.steps`, where `isRearrange` says that it has
 *   some.
 * @throws ShapeError where one of them does not fit.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const y = transpose(g.at('nhwc'), x, [0, 2, 3, 1]);
 * const node = g.nodeOf(y);
 * if (node && isRearrange(node)) rearrange(g.at('again'), y, node.attributes.steps);
 */
export function rearrange(g: GraphBuilder, x: Value, steps: readonly Movement[]): Activation {
  const { name } = checkLayer(g, rearrangeOp, { x });
  const fits = Array.isArray(steps) && steps.every((step) => step?.shapeAfter);
  checkArgument(fits, 'rearrange: steps', 'Movements', steps);
  rearrangeOp.inferShape({ op: rearrangeOp, name, inputs: { x }, attributes: { steps } });
  const { shape } = x.desc;
  const fit = steps.findIndex((_, i) => i > 0 && !indexMapOf(steps.slice(0, i + 1), shape));
  if (fit < 0) return g.add(rearrangeOp, { steps }, { x });
  const first = g.add(rearrangeOp, { steps: steps.slice(0, fit) }, { x });
  return rearrange(g, first, steps.slice(fit));
}

/**
 * Adds `x` under another shape; one extent may be -1, for what is left.
 *
 * @param g - The builder; its path names the layer.
 * @param x - Of any shape.
 * @param extents - The new shape, of as many elements.
 * @returns A view of `x` where that lies dense, which costs nothing.
 * @throws ShapeError where the number of elements differs.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const tokens = reshapeTo(g.at('tokens'), x, [1, 64, -1]); // [1, 64, 3136]
 */
export function reshapeTo(g: GraphBuilder, x: Value, extents: Shape): Activation {
  checkIntegers(checkLayer(g, rearrangeOp, { x }), 'extents', extents, -1);
  // Where the images stay what they are, any number of them does.
  const [images] = x.desc.shape;
  const kept = extents.length > 1 && extents[0] === images ? extents.with(0, 0) : extents;
  return rearrange(g, x, [new Reshape({ extents: kept })]);
}

/**
 * Adds a permutation of the axes: axis a of the result is axis `order[a]` of `x`.
 *
 * @param g - The builder; its path names the layer.
 * @param x - Of any shape.
 * @param order - A permutation of the axes, from 0.
 * @throws ShapeError where it is no permutation of the axes of `x`.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const channelsLast = transpose(g.at('nhwc'), x, [0, 2, 3, 1]); // [1, 56, 56, 64]
 */
export function transpose(g: GraphBuilder, x: Value, order: readonly number[]): Activation {
  checkIntegers(checkLayer(g, rearrangeOp, { x }), 'order', order, 0);
  return rearrange(g, x, [new Transpose({ order })]);
}

/**
 * Adds `x[from:to:step]` along an axis, as in Python; without `to`, to the end.
 *
 * @param g - The builder; its path names the layer.
 * @param x - Of any shape.
 * @param axis - Along which is cut, from 0.
 * @param from - The first index; negative ones count from the end.
 * @param to - The first index after it; negative ones count from the end.
 * @param step - 1 by default; negative ones go backwards.
 * @throws ShapeError for an axis that `x` lacks, and where nothing is left.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const top = slice(g.at('top'), x, 2, 0, 28); // [1, 64, 28, 56]
 * const mirrored = slice(g.at('mirrored'), x, 3, -1, undefined, -1);
 */
export function slice(
  g: GraphBuilder,
  x: Value,
  axis: number,
  from: number,
  to?: number,
  step = 1,
): Activation {
  return rearrange(g, x, [new Slice({ axis, from, step, ...(to !== undefined && { to }) })]);
}

/**
 * Adds the parts of these extents along an axis, 1 by default.
 *
 * @param g - The builder; its path names the layer.
 * @param x - Of any shape.
 * @param extents - One for each part.
 * @param axis - From 0; 1 by default.
 * @returns The parts, in order.
 * @throws ShapeError unless they add up to the axis.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const [queries, keys] = split(g.at('qk'), x, [32, 32]); // each [1, 32, 56, 56]
 */
export function split(
  g: GraphBuilder,
  x: Value,
  extents: readonly number[],
  axis = 1,
): readonly Activation[] {
  const call = checkLayer(g, { name: 'split' }, { x });
  const fits = areIntegers(extents, 1);
  const sum = fits ? extents.reduce((total, extent) => total + extent, 0) : 0;
  if (sum !== x.desc.shape[axis]) {
    throw shapeError(
      call,
      `parts ${formatShape(extents)} must be positive and add up to axis ${axis} of ${formatShape(x.desc.shape)}`,
    );
  }
  let from = 0;
  return extents.map((extent, i) => {
    const part = slice(g.at(i), x, axis, from, from + extent);
    from += extent;
    return part;
  });
}

/**
 * Adds [N, C * block * block, H, W] as [N, C, H * block, W * block]: pixel shuffle, by default as PyTorch has it. (Shi
 * et al., "Real-time single image and video super-resolution", 2016.)
 *
 * @param g - The builder; its path names the layer.
 * @param x - [N, C * block * block, H, W].
 * @param block - Pixels that one becomes, along each axis.
 * @param order - `CRD`, as PyTorch has it: the block's pixels are the inner part of the channels; `DCR`, TensorFlow's:
 *   the outer.
 * @returns [N, C, H * block, W * block].
 * @throws ShapeError where the channels are no multiple of block * block.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const upscaled = depthToSpace(g.at('shuffle'), x, 2); // [1, 16, 112, 112]
 */
export function depthToSpace(
  g: GraphBuilder,
  x: Value,
  block: number,
  order: 'CRD' | 'DCR' = 'CRD',
): Activation {
  const call = checkLayer(g, rearrangeOp, { x });
  checkChoices({ ...call, attributes: { order } }, { order: ['CRD', 'DCR'] });
  return rearrange(g, x, [new DepthToSpace({ block, order })]);
}

/**
 * Adds a channel shuffle: channels, seen as [groups, C / groups], are transposed. (Zhang et al., "ShuffleNet", 2017.)
 *
 * @param g - The builder; its path names the layer.
 * @param x - [N, C, ...].
 * @param groups - A divisor of C.
 * @returns Of the shape of `x`.
 * @throws ShapeError where the groups do not divide the channels.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const y = shuffleChannels(g.at('shuffle'), x, 2);
 */
export function shuffleChannels(g: GraphBuilder, x: Value, groups: number): Activation {
  return rearrange(g, x, [new ShuffleChannels({ groups })]);
}

export function rearrangeReference(node: Rearrange, inputs: DataByRole): Float64Array {
  return moved(node.attributes.steps, inputShape(node, 'x'), requireData(node, inputs, 'x'));
}

export const rearrangeOp: OpDef<RearrangeAttributes, 'x'> = {
  ...flattenOp,
  passes: { ...flattenOp.passes, ...movementPasses },
};
