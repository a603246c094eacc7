/** Transposed 3-D convolution, also called deconvolution: the gradient of a convolution. */
import { UnsupportedError } from '../runtime/errors.ts';
import type { Activation, Value } from '../runtime/graph.ts';
import { checkLayer, type GraphBuilder } from '../runtime/graph_builder.ts';
import { Reshape, Slice, Transpose, Unsqueeze } from '../runtime/movement/index.ts';
import { describe, type Named } from '../runtime/operator.ts';
import { concat } from './concat.ts';
import { convTranspose2dOp } from './conv_transpose2d.ts';
import type { ConvWeights } from './conv2d_problem.ts';
import { checkFilters, checkGroups, perGroup } from './conv2d_problem.ts';
import { type Conv3dAttributes, overSlices } from './conv3d.ts';
import { type DepthTaps, depthTaps, stacked } from './depth_taps.ts';
import { movedWeight } from './moved_weight.ts';
import { rearrange } from './rearrange.ts';
import {
  alongDepth,
  DEPTH,
  isIdle,
  overPlanes,
  type Padding3dLike,
  type Triple,
  type TripleLike,
  triple,
  volumeOf,
  type Window3d,
  windowOf3d,
} from './volume.ts';
import { lay, pair } from './window.ts';

/** What `convTranspose3d` is told besides its input: as PyTorch's `ConvTranspose3d`. */
export interface ConvTranspose3dOptions {
  /** Output channels. */
  readonly channels: number;
  /** Taps of the window: [S, T, U], or one number for all. */
  readonly kernel: TripleLike;
  /** Distance of the output elements that neighbouring input elements are laid on; 1 by default. */
  readonly stride?: TripleLike;
  /** Slices, rows and columns that are cut off the output; 0 by default. */
  readonly padding?: Padding3dLike;
  /** Slices, rows and columns more, at the end; 0 by default. */
  readonly outputPadding?: TripleLike;
  /** Distance between the taps of the kernel; 1 by default. */
  readonly dilation?: TripleLike;
  /** Input and output channels are cut into so many groups that do not see each other; 1 by default. */
  readonly groups?: number;
  /** true by default. */
  readonly bias?: boolean;
}

export interface ConvTranspose3dAttributes extends Conv3dAttributes {
  /** Slices, rows and columns more, at the end. */
  readonly outputPadding: Triple;
}

/** A phase is a node, and each of its taps a copy. */
const MOST_PHASES = 2 ** 8;

/**
 * Adds a transposed convolution of volumes: `x` [N, C, D, H, W] to [N, channels, P, Q, R], where P = (D - 1) * stride +
 * dilation * (kernel - 1) + 1 + outputPadding - padding on both sides. Its weights are `weight` [C, channels / groups,
 * S, T, U] and, unless switched off, `bias` [channels], at the builder's path, as PyTorch has them.
 *
 * @param g - The builder; its path names the layer and its weights.
 * @param x - [N, C, D, H, W].
 * @param options - Channels, kernel, and what the layer has besides.
 * @returns [N, channels, P, Q, R].
 * @throws ShapeError when the sizes do not fit.
 * @throws UnsupportedError for too many taps, or too large a stride, along the depth.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const volume = g.input('volume', [1, 64, 4, 14, 14]);
 * const doubled = convTranspose3d(g.at('up'), volume, { channels: 32, kernel: 2, stride: 2 });
 */
export function convTranspose3d(
  g: GraphBuilder,
  x: Value,
  options: ConvTranspose3dOptions,
): Activation {
  const call = checkLayer(g, { name: 'conv_transpose3d' }, { x }, options);
  const attributes = {
    ...windowOf3d(options),
    outputPadding: triple(options.outputPadding ?? 0),
    groups: options.groups ?? 1,
  };
  const { kernel, groups } = attributes;
  checkFilters(call, options.channels, kernel);
  const { channels } = volumeOf(call, x);
  const groupOut = perGroup(options.channels, groups);
  const weights = {
    weight: g.weight('weight', [channels, groupOut, ...kernel]),
    ...((options.bias ?? true) && { bias: g.weight('bias', [options.channels]) }),
  };
  return convolveTransposed3d(g, x, weights, attributes);
}

/** The same by weights [C, channels / groups, S, T, U] that are any values. */
export function convolveTransposed3d(
  g: GraphBuilder,
  x: Value,
  { weight, bias }: ConvWeights,
  { outputPadding: [deeper, ...outputPadding], groups, ...window }: ConvTranspose3dAttributes,
): Activation {
  const call = g.named('conv_transpose3d');
  const { channels, depth } = volumeOf(call, x);
  checkGroups(call, groups, channels, groups * (weight.desc.shape[1] ?? 1));
  const planes = overPlanes(window);
  const attributes = { ...alongDepth(window), outputPadding: pair([deeper, 0]), groups };
  if (isIdle(planes) && outputPadding.every((more) => more === 0)) {
    return overSlices(g, x, { weight, bias }, convTranspose2dOp, attributes);
  }
  const [slices] = lay(call, attributes, [depth, 1], DEPTH);
  const parts = phasesOf(call, window, depth, slices).map((phase, i) => {
    const at = g.at(`phase ${i}`);
    const inputs = {
      x: depthTaps(at.at('depth'), call, x, phase),
      weight: weightOf(at, weight, phase.taps),
      ...(bias && { bias }),
    };
    const y = at.add(convTranspose2dOp, { ...planes, outputPadding, groups }, inputs);
    const steps = [...stacked(phase.positions, y.desc.shape), new Unsqueeze({ axes: [3] })];
    return rearrange(at.at('volume'), y, steps);
  });
  const whole = concat(g.at('phases'), parts, 3);
  const [, outputs = 1, positions = 1, stride = 1, ...plane] = whole.desc.shape;
  return rearrange(g.at('volume'), whole, [
    new Reshape({ extents: [0, outputs, positions * stride, ...plane] }),
    new Slice({ axis: 2, from: 0, to: slices }),
  ]);
}

/** Slices of the output that are a stride apart, and what they are computed of. */
interface Phase extends DepthTaps {
  /** The taps of the kernel. */
  readonly taps: Slice;
}

/**
 * Slice z of the output is the sum over the taps t of slice (z + front - t * dilation) / stride of the input, where
 * that is an integer: of z = phase + j * stride, the same taps for every j, which are a period apart.
 */
function phasesOf(call: Named, window: Window3d, depth: number, slices: number): readonly Phase[] {
  const [[count], [stride], [dilation]] = [window.kernel, window.stride, window.dilation];
  if (stride > MOST_PHASES) {
    throw new UnsupportedError(
      `${describe(call)}: expects a stride of at most ${MOST_PHASES} along the depth, got ${stride}`,
    );
  }
  const strides = Array.from({ length: stride }, (_, i) => i);
  const period = strides.find((i) => i > 0 && (i * dilation) % stride === 0) ?? stride;
  return strides.map((phase): Phase => {
    const sliceOf = (tap: number) => (phase + window.padding.front - tap * dilation) / stride;
    const from = strides.find((tap) => tap < count && Number.isInteger(sliceOf(tap)));
    const shared = { stride: 1, positions: Math.ceil(slices / stride) };
    if (from === undefined) {
      // Where no tap meets it, the first one sees zeros.
      const taps = new Slice({ axis: 2, from: 0, to: 1 });
      return { ...shared, first: depth, step: 1, count: 1, taps };
    }
    return {
      ...shared,
      first: sliceOf(from),
      step: (-period * dilation) / stride,
      count: Math.ceil((count - from) / period),
      taps: new Slice({ axis: 2, from, to: count, step: period }),
    };
  });
}

/** Weights [C, channels / groups, taps, T, U] of some of the taps, which are input channels. */
function weightOf(g: GraphBuilder, weight: Value, taps: Slice): Value {
  const [, groupOut = 1, , ...kernel] = weight.desc.shape;
  return movedWeight(g.at('weight'), weight, [
    taps,
    new Transpose({ order: [0, 2, 1, 3, 4] }),
    new Reshape({ extents: [-1, groupOut, ...kernel] }),
  ]);
}
