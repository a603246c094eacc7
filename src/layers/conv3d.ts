/** 3-D convolution: any kernel size, stride, padding (each side its own), dilation and groups. */
import type { Activation, OpDef, Value } from '../runtime/graph.ts';
import { checkLayer, type GraphBuilder } from '../runtime/graph_builder.ts';
import { Reshape } from '../runtime/movement/index.ts';
import { conv2dOp } from './conv2d.ts';
import { conv2dDynamicOp } from './conv2d_dynamic.ts';
import {
  type Conv2dRole,
  type ConvWeights,
  checkFilters,
  checkGroups,
  hasConstants,
  perGroup,
} from './conv2d_problem.ts';
import { depthTaps, stacked } from './depth_taps.ts';
import { movedWeight } from './moved_weight.ts';
import { rearrange } from './rearrange.ts';
import {
  alongDepth,
  DEPTH,
  isIdle,
  overPlanes,
  type Padding3dLike,
  seenAs,
  type TripleLike,
  volumeOf,
  type Window3d,
  windowOf3d,
} from './volume.ts';
import { slide } from './window.ts';

/** What `conv3d` is told besides its input; sizes as one number or [depth, height, width]. */
export interface Conv3dOptions {
  /** Output channels. */
  readonly channels: number;
  /** Taps of the window: [S, T, U], or one number for all. */
  readonly kernel: TripleLike;
  /** 1 by default. */
  readonly stride?: TripleLike;
  /** Zeros round the input; 0 by default. */
  readonly padding?: Padding3dLike;
  /** Distance between the taps of the kernel; 1 by default. */
  readonly dilation?: TripleLike;
  /** Input and output channels are cut into so many groups that do not see each other; 1 by default. */
  readonly groups?: number;
  /** true by default. */
  readonly bias?: boolean;
}

export interface Conv3dAttributes extends Window3d {
  readonly groups: number;
}

/**
 * Adds a convolution of volumes: `x` [N, C, D, H, W] to [N, channels, P, Q, R]. Its weights are `weight` [channels, C /
 * groups, S, T, U] and, unless switched off, `bias` [channels], at the builder's path. It computes a 2-D convolution:
 * what the kernel sees along the depth are channels of its input.
 *
 * @param g - The builder; its path names the layer and its weights.
 * @param x - [N, C, D, H, W].
 * @param options - Channels, kernel, and what the layer has besides.
 * @returns [N, channels, P, Q, R].
 * @throws ShapeError when the sizes do not fit.
 * @throws UnsupportedError for a kernel with too many taps along the depth.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const frames = g.input('frames', [1, 3, 8, 112, 112]);
 * const y = conv3d(g.at('conv1'), frames, { channels: 64, kernel: [3, 7, 7], stride: [1, 2, 2] });
 */
export function conv3d(g: GraphBuilder, x: Value, options: Conv3dOptions): Activation {
  const call = checkLayer(g, { name: 'conv3d' }, { x }, options);
  const attributes = {
    ...windowOf3d(options),
    groups: options.groups ?? 1,
  };
  const { kernel, groups } = attributes;
  checkFilters(call, options.channels, kernel);
  const { channels } = volumeOf(call, x);
  const groupIn = perGroup(channels, groups);
  const weights = {
    weight: g.weight('weight', [options.channels, groupIn, ...kernel]),
    ...((options.bias ?? true) && { bias: g.weight('bias', [options.channels]) }),
  };
  return convolve3d(g, x, weights, attributes);
}

/** The operator for weights that are known when the model is loaded, or are not. */
export function conv2dOpFor(weights: ConvWeights): typeof conv2dOp {
  return hasConstants(weights) ? conv2dOp : conv2dDynamicOp;
}

/** The same by weights [channels, C / groups, S, T, U] that are any values. */
export function convolve3d(
  g: GraphBuilder,
  x: Value,
  { weight, bias }: ConvWeights,
  attributes: Conv3dAttributes,
): Activation {
  const call = g.named('conv3d');
  const { channels, depth } = volumeOf(call, x);
  const { groups } = attributes;
  checkGroups(call, groups, channels, weight.desc.shape[0] ?? 1);
  const op = conv2dOpFor({ weight, bias });
  const [planes, slices] = [overPlanes(attributes), alongDepth(attributes)];
  if (isIdle(planes)) return overSlices(g, x, { weight, bias }, op, { ...slices, groups });
  const [, groupIn = 1, taps = 1, ...kernel] = weight.desc.shape;
  const [positions] = slide(call, slices, [depth, 1], false, DEPTH);
  const { front } = attributes.padding;
  const [[step], [stride]] = [attributes.dilation, attributes.stride];
  const seen = { first: -front, step, count: taps, stride, positions };
  const inputs = {
    x: depthTaps(g.at('depth'), call, x, seen),
    weight: movedWeight(g.at('weight'), weight, [
      new Reshape({ extents: [0, groupIn * taps, ...kernel] }),
    ]),
    ...(bias && { bias }),
  };
  const y = g.add(op, { ...planes, groups }, inputs);
  return rearrange(g.at('volume'), y, stacked(positions, y.desc.shape));
}

/** A convolution by a kernel [taps, 1, 1], over maps [D, H * W]. */
export function overSlices<A extends object>(
  g: GraphBuilder,
  x: Value,
  { weight, bias }: ConvWeights,
  op: OpDef<A, Conv2dRole>,
  attributes: A,
): Activation {
  const [, , , height = 1, width = 1] = x.desc.shape;
  const rows = { x: seenAs(g.at('slices'), x, [0, 0, 0, height * width]) };
  const column = movedWeight(g.at('weight'), weight, [new Reshape({ extents: [0, 0, 0, 1] })]);
  const y = g.add<A, Conv2dRole>(op, attributes, {
    ...rows,
    weight: column,
    ...(bias && { bias }),
  });
  return seenAs(g.at('volume'), y, [0, 0, 0, height, width]);
}
