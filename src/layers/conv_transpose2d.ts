/** Transposed 2-D convolution, also called deconvolution: the gradient of a convolution. */
import type { Activation, DataByRole, OpCall, OpDef, Value } from '../runtime/graph.ts';
import { checkLayer, type GraphBuilder } from '../runtime/graph_builder.ts';
import {
  at,
  candidatesOf,
  checkShape,
  inputShape,
  requireData,
  shapeError,
} from '../runtime/operator.ts';
import {
  elementCount,
  formatShape,
  shapesEqual,
  type TensorDesc,
  tensorDesc,
} from '../runtime/tensor.ts';
import { asConvolution } from './conv_transpose2d_kernels/as_convolution.ts';
import {
  type ConvTranspose2d,
  type ConvTranspose2dAttributes,
  type ConvTranspose2dProblem,
  problemOf,
} from './conv_transpose2d_problem.ts';
import { gather } from './conv2d_kernels/gather.ts';
import {
  type Conv2dRole,
  checkFilters,
  checkGroups,
  hasConstants,
  perGroup,
} from './conv2d_problem.ts';
import { sumOverPlanes } from './conv2d_reference.ts';
import { featureMap } from './feature_map.ts';
import { lay, type PaddingLike, type PairLike, pair, windowOf } from './window.ts';

/** What `convTranspose2d` is told besides its input: as PyTorch's `ConvTranspose2d`. */
export interface ConvTranspose2dOptions {
  /** Output channels. */
  readonly channels: number;
  /** Taps of the window: [R, S], or one number for both. */
  readonly kernel: PairLike;
  /** Distance of the output pixels that neighbouring input pixels are laid on; 1 by default. */
  readonly stride?: PairLike;
  /** Rows and columns that are cut off the output; 0 by default. */
  readonly padding?: PaddingLike;
  /** Rows and columns more, below and to the right; 0 by default. */
  readonly outputPadding?: PairLike;
  /** Distance between the taps of the kernel; 1 by default. */
  readonly dilation?: PairLike;
  /** Input and output channels are cut into so many groups that do not see each other; 1 by default. */
  readonly groups?: number;
  /** true by default. */
  readonly bias?: boolean;
}

/**
 * Adds a transposed convolution: `x` [N, C, H, W] to [N, channels, P, Q], where P = (H - 1) * stride + dilation *
 * (kernel - 1) + 1 + outputPadding - padding on both sides. Its weights are `weight` [C, channels / groups, R, S] and,
 * unless switched off, `bias` [channels], at the builder's path, as PyTorch has them.
 *
 * @param g - The builder; its path names the layer and its weights.
 * @param x - [N, C, H, W].
 * @param options - Channels, kernel, and what the layer has besides.
 * @returns [N, channels, P, Q].
 * @throws ShapeError when the sizes do not fit.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const doubled = convTranspose2d(g.at('up'), x, { channels: 64, kernel: 2, stride: 2 }); // [1, 64, 112, 112]
 */
export function convTranspose2d(
  g: GraphBuilder,
  x: Value,
  options: ConvTranspose2dOptions,
): Activation {
  const call = checkLayer(g, convTranspose2dOp, { x }, options);
  const attributes = {
    ...windowOf(options),
    outputPadding: pair(options.outputPadding ?? 0),
    groups: options.groups ?? 1,
  };
  const { kernel, groups } = attributes;
  checkFilters(call, options.channels, kernel);
  const [, channels = 1] = x.desc.shape;
  const groupOut = perGroup(options.channels, groups);
  const inputs: Partial<Record<Conv2dRole, Value>> = {
    x,
    weight: g.weight('weight', [channels, groupOut, ...kernel]),
  };
  if (options.bias ?? true) inputs.bias = g.weight('bias', [options.channels]);
  return g.add(convTranspose2dOp, attributes, inputs);
}

type Call = OpCall<ConvTranspose2dAttributes, Conv2dRole>;

function inferShape(call: Call): TensorDesc {
  const { groups, kernel } = call.attributes;
  const x = featureMap(call, 'x');
  const weight = inputShape(call, 'weight');
  const [inputChannels = 0, groupOut = 0] = weight;
  if (!shapesEqual(weight.slice(2), kernel)) {
    throw shapeError(
      call,
      `expects a weight [channels, output channels / groups, ${kernel.join(', ')}], got ${formatShape(weight)}`,
    );
  }
  if (inputChannels !== x.channels) {
    throw shapeError(
      call,
      `weight expects ${inputChannels} input channels, the input has ${x.channels} ${formatShape(inputShape(call, 'x'))}`,
    );
  }
  const channels = groupOut * groups;
  checkGroups(call, groups, inputChannels, channels);
  checkShape(call, 'bias', [channels]);
  const [height, width] = lay(call, call.attributes, [x.height, x.width]);
  return tensorDesc([x.batch, channels, height, width]);
}

/** Lays each input plane, spread and multiplied by each tap, on the output planes that it adds to. */
export function convTranspose2dReference(node: ConvTranspose2d, inputs: DataByRole): Float64Array {
  const g = problemOf(node, undefined);
  const x = requireData(node, inputs, 'x');
  const weight = requireData(node, inputs, 'weight');
  const [groupIn, groupOut] = [g.inputChannels / g.groups, g.outputChannels / g.groups];
  return sumOverPlanes(g, inputs.bias, (out, plane, i, o) => {
    const c = Math.floor(o / groupOut) * groupIn + i;
    layPlane(g, x, plane, weight, c * groupOut + (o % groupOut), out);
  });
}

function layPlane(
  g: ConvTranspose2dProblem,
  x: Float64Array,
  plane: number,
  weight: Float64Array,
  kernel: number,
  out: Float64Array,
): void {
  for (let r = 0; r < g.kernel[0]; r++) {
    for (let s = 0; s < g.kernel[1]; s++) {
      const w = at(weight, (kernel * g.kernel[0] + r) * g.kernel[1] + s);
      for (let h = 0; h < g.inputHeight; h++) {
        const row = h * g.stride[0] + r * g.dilation[0] - g.padding.top;
        if (row < 0 || row >= g.outputHeight) continue;
        for (let v = 0; v < g.inputWidth; v++) {
          const column = v * g.stride[1] + s * g.dilation[1] - g.padding.left;
          if (column < 0 || column >= g.outputWidth) continue;
          const to = row * g.outputWidth + column;
          out[to] = at(out, to) + w * at(x, (plane * g.inputHeight + h) * g.inputWidth + v);
        }
      }
    }
  }
}

export const convTranspose2dOp: OpDef<ConvTranspose2dAttributes, Conv2dRole> = {
  name: 'conv_transpose2d',
  inferShape,
  multiplyAdds(node) {
    const [, ...perInput] = inputShape(node, 'weight');
    return elementCount(inputShape(node, 'x')) * elementCount(perInput);
  },
  // Weights that are computed have no batch.
  mixesBatch: (node) => !hasConstants(node.inputs),
  channelAxis: 1,
  views: { x: 'map', y: 'map' },
  fusesEpilogue: true,
  candidates: candidatesOf(problemOf, [asConvolution('phases'), asConvolution('columns'), gather]),
};
