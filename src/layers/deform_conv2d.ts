/** Deformable 2-D convolution: each tap of each window reads at a place of its own. */
import type { Activation, DataByRole, OpCall, OpDef, Value } from '../runtime/graph.ts';
import { checkLayer, type GraphBuilder } from '../runtime/graph_builder.ts';
import {
  at,
  candidatesOf,
  checkShape,
  inputShape,
  multiplyAddsOf,
  requireData,
  shapeError,
} from '../runtime/operator.ts';
import { elementCount, formatShape, type TensorDesc } from '../runtime/tensor.ts';
import { conv2dOp } from './conv2d.ts';
import {
  type Conv2dAttributes,
  type Conv2dRole,
  checkFilters,
  hasConstants,
  perGroup,
} from './conv2d_problem.ts';
import { sumOverPlanes } from './conv2d_reference.ts';
import { byColumns } from './deform_conv2d_kernels.ts';
import {
  convolutionOf,
  type DeformConv2d,
  type DeformRole,
  problemOf,
} from './deform_conv2d_problem.ts';
import { type PaddingLike, type PairLike, windowOf } from './window.ts';

/** What `deformConv2d` is told besides its input and offsets: as torchvision's `DeformConv2d`. */
export interface DeformConv2dOptions {
  /** Output channels. */
  readonly channels: number;
  /** Taps of the window: [R, S], or one number for both. */
  readonly kernel: PairLike;
  /** What each tap's value is multiplied by: [N, G * R * S, P, Q], G of the groups of the offsets. None by default. */
  readonly mask?: Value | undefined;
  /** 1 by default. */
  readonly stride?: PairLike;
  /** How far windows reach beyond the input; 0 by default. */
  readonly padding?: PaddingLike;
  /** Distance between the taps of the kernel; 1 by default. */
  readonly dilation?: PairLike;
  /** Input and output channels are cut into so many groups that do not see each other; 1 by default. */
  readonly groups?: number;
  /** true by default. */
  readonly bias?: boolean;
}

/**
 * Adds a deformable convolution: `x` [N, C, H, W] to [N, channels, P, Q]. `offset` [N, G * R * S * 2, P, Q] says how
 * many pixels each tap of each window lies further down and to the right; each of the G groups of input channels has
 * offsets of its own. Between pixels `x` is interpolated, outside it is 0. Its weights are `weight` [channels, C /
 * groups, R, S] and, unless switched off, `bias` [channels], at the builder's path, as torchvision has them.  (Dai et
 * al., "Deformable Convolutional Networks", 2017; with a mask, Zhu et al., "Deformable ConvNets v2", 2019.)
 *
 * @param g - The builder; its path names the layer and its weights.
 * @param x - [N, C, H, W].
 * @param offset - [N, G * R * S * 2, P, Q], in pixels: down, right, for each tap in turn.
 * @param options - Channels, kernel, a mask, and what the layer has besides.
 * @returns [N, channels, P, Q].
 * @throws ShapeError when the sizes do not fit.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const offset = conv2d(g.at('offset'), x, { channels: 18, kernel: 3, padding: 1 });
 * const y = deformConv2d(g.at('deform'), x, offset, { channels: 64, kernel: 3, padding: 1 });
 */
export function deformConv2d(
  g: GraphBuilder,
  x: Value,
  offset: Value,
  options: DeformConv2dOptions,
): Activation {
  const call = checkLayer(g, deformConv2dOp, { x, offset }, options);
  const { mask, groups = 1 } = options;
  const attributes = { ...windowOf(options), groups };
  const { kernel } = attributes;
  checkFilters(call, options.channels, kernel);
  const [, channels = 1] = x.desc.shape;
  const groupIn = perGroup(channels, groups);
  const weight = g.weight('weight', [options.channels, groupIn, ...kernel]);
  const bias = (options.bias ?? true) && g.weight('bias', [options.channels]);
  const inputs = { x, offset, ...(mask && { mask }), weight, ...(bias && { bias }) };
  return g.add(deformConv2dOp, attributes, inputs);
}

type Call = OpCall<Conv2dAttributes, DeformRole>;

function inferShape(call: Call): TensorDesc {
  const { offset: _, mask: _mask, ...inputs } = call.inputs;
  const convolution: OpCall<Conv2dAttributes, Conv2dRole> = { ...call, inputs };
  const desc = conv2dOp.inferShape(convolution);
  const { kernel } = call.attributes;
  const [, channels = 1] = inputShape(call, 'x');
  const [images, , ...places] = desc.shape;
  const offset = inputShape(call, 'offset');
  const taps = elementCount(kernel);
  const groups = (offset[1] ?? 0) / (2 * taps);
  if (!Number.isSafeInteger(groups) || groups < 1 || channels % groups !== 0) {
    throw shapeError(
      call,
      `expects 2 * ${taps} offsets for each of the groups that ${channels} input channels have, got ${formatShape(offset)}`,
    );
  }
  checkShape(call, 'offset', [images ?? 1, 2 * taps * groups, ...places]);
  checkShape(call, 'mask', [images ?? 1, taps * groups, ...places]);
  return desc;
}

export function deformConv2dReference(node: DeformConv2d, inputs: DataByRole): Float64Array {
  const { convolution } = problemOf(node, undefined);
  const columns = deformed(node, inputs);
  const weight = requireData(node, inputs, 'weight');
  const plane = convolution.outputHeight * convolution.outputWidth;
  const groupIn = convolution.inputChannels / convolution.groups;
  return sumOverPlanes(convolution, inputs.bias, (out, column, i, o) => {
    const w = at(weight, o * groupIn + i);
    for (let place = 0; place < plane; place++) {
      out[place] = at(out, place) + w * at(columns, column * plane + place);
    }
  });
}

/** [N, C * taps, P, Q] */
function deformed(node: DeformConv2d, inputs: DataByRole): Float64Array {
  const { columns: g } = problemOf(node, undefined);
  const [x, offset] = [requireData(node, inputs, 'x'), requireData(node, inputs, 'offset')];
  const plane = g.windows.count;
  const taps = g.kernel[0] * g.kernel[1];
  const group = g.channels / g.offsetGroups;
  return new Float64Array(g.batch * g.channels * taps * plane).map((_, i) => {
    const place = i % plane;
    const tap = Math.floor(i / plane) % taps;
    const source = Math.floor(i / plane / taps);
    const [image, channel] = [Math.floor(source / g.channels), source % g.channels];
    const moved = (image * g.offsetGroups + Math.floor(channel / group)) * taps + tap;
    const [p, q] = [Math.floor(place / g.outputWidth), place % g.outputWidth];
    const [r, s] = [Math.floor(tap / g.kernel[1]), tap % g.kernel[1]];
    const row = p * g.stride[0] + r * g.dilation[0] - g.padding.top;
    const column = q * g.stride[1] + s * g.dilation[1] - g.padding.left;
    const [down, across] = [0, 1].map((axis) => at(offset, (moved * 2 + axis) * plane + place));
    const size = g.inputHeight * g.inputWidth;
    const map = x.subarray(source * size, (source + 1) * size);
    const value = between(map, g, row + (down ?? 0), column + (across ?? 0));
    return inputs.mask ? value * at(inputs.mask, moved * plane + place) : value;
  });
}

/** The value of a plane between its pixels, of zeros outside. */
function between(
  plane: Float64Array,
  { inputHeight, inputWidth }: { readonly inputHeight: number; readonly inputWidth: number },
  row: number,
  column: number,
): number {
  const [top, left] = [Math.floor(row), Math.floor(column)];
  let sum = 0;
  for (const h of [top, top + 1]) {
    for (const w of [left, left + 1]) {
      if (h < 0 || h >= inputHeight || w < 0 || w >= inputWidth) continue;
      const weight = (1 - Math.abs(row - h)) * (1 - Math.abs(column - w));
      sum += weight * at(plane, h * inputWidth + w);
    }
  }
  return sum;
}

export const deformConv2dOp: OpDef<Conv2dAttributes, DeformRole> = {
  name: 'deform_conv2d',
  inferShape,
  multiplyAdds: (node) => multiplyAddsOf(convolutionOf(node)),
  // Weights that are computed have no batch.
  mixesBatch: (node) => !hasConstants(node.inputs),
  channelAxis: 0,
  views: { x: 'map', offset: 'map', mask: 'map', y: 'map' },
  fusesEpilogue: true,
  candidates: candidatesOf(problemOf, [byColumns]),
};
