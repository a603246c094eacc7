/**
 * 2-D convolution with weights that are known only when the network runs: fed by the caller, or computed by other
 * layers. Those of conv2d are rearranged when the model is loaded, and fold what follows.
 */
import type { Activation, OpDef, Value } from '../runtime/graph.ts';
import { checkLayer, type GraphBuilder } from '../runtime/graph_builder.ts';
import { candidatesOf } from '../runtime/operator.ts';
import { conv2dOp } from './conv2d.ts';
import { gather, gatherTypesOf } from './conv2d_kernels/gather.ts';
import { type Conv2dAttributes, type Conv2dRole, problemOf } from './conv2d_problem.ts';
import { type PaddingLike, type PairLike, windowOf } from './window.ts';

export interface Conv2dDynamicOptions {
  /** Values of each output channel: [channels]. None by default. */
  readonly bias?: Value;
  /** 1 by default. */
  readonly stride?: PairLike;
  /** Zeros round the input; 0 by default. */
  readonly padding?: PaddingLike;
  /** Distance between the taps of the kernel; 1 by default. */
  readonly dilation?: PairLike;
  /** Input and output channels are cut into so many groups that do not see each other; 1 by default. */
  readonly groups?: number;
}

/**
 * Adds a convolution of `x` [N, C, H, W] with any value `weight` [channels, C / groups, R, S]: [N, channels, P, Q].
 * Throws ShapeError when the sizes do not fit.
 */
export function conv2dDynamic(
  g: GraphBuilder,
  x: Value,
  weight: Value,
  options: Conv2dDynamicOptions = {},
): Activation {
  checkLayer(g, conv2dDynamicOp, { x, weight }, options);
  const [, , height = 1, width = 1] = weight.desc.shape;
  const { bias } = options;
  const attributes = {
    ...windowOf({ ...options, kernel: [height, width] }),
    groups: options.groups ?? 1,
  };
  return g.add(conv2dDynamicOp, attributes, { x, weight, ...(bias && { bias }) });
}

export const conv2dDynamicOp: OpDef<Conv2dAttributes, Conv2dRole> = {
  ...conv2dOp,
  name: 'conv2d_dynamic',
  mixesBatch: () => true,
  candidates: candidatesOf(
    (node, epilogue) => ({
      ...problemOf(node, epilogue),
      transposed: false,
      types: gatherTypesOf(node),
    }),
    [gather],
  ),
};
