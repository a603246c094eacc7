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

/** What `conv2dDynamic` is told besides its operands. */
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
 * Adds a convolution of `x` with any value as the weight: one that another layer computes, or an input. Of weights that
 * are known when the session is made, `conv2d` makes more: it may rearrange them once.
 *
 * @param g - The builder; its path names the layer.
 * @param x - [N, C, H, W].
 * @param weight - [channels, C / groups, R, S].
 * @param options - Stride, padding, dilation, groups, and a bias, which is a value, too.
 * @returns [N, channels, P, Q].
 * @throws ShapeError when the sizes do not fit.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const template = g.input('template', [1, 64, 5, 5]);
 * const response = conv2dDynamic(g.at('match'), x, template, { padding: 2 }); // [1, 1, 56, 56]
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
