/** 2-D convolution: any kernel size, stride, padding (each side its own), dilation and groups. */
import type { Conv2dProblem } from '../../shaders/lib/conv2d_problem.ts';
import type { Activation, DataByRole, OpCall, OpDef, Value } from '../runtime/graph.ts';
import { checkLayer, type GraphBuilder } from '../runtime/graph_builder.ts';
import type { Kernel } from '../runtime/kernel.ts';
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
import { depthwise } from './conv2d_kernels/depthwise.ts';
import { directGemm } from './conv2d_kernels/direct.ts';
import { direct, tiled } from './conv2d_kernels/gemm_kernel.ts';
import { tiledGemm } from './conv2d_kernels/tiled.ts';
import { winogradOn } from './conv2d_kernels/winograd.ts';
import {
  type Conv2d,
  type Conv2dAttributes,
  type Conv2dRole,
  checkFilters,
  checkGroups,
  perGroup,
  problemOf,
} from './conv2d_problem.ts';
import { sumOverPlanes } from './conv2d_reference.ts';
import { featureMap } from './feature_map.ts';
import { type PaddingLike, type PairLike, slide, windowOf } from './window.ts';

/** What `conv2d` is told besides its input: as PyTorch's `Conv2d`, sizes as one number or [height, width]. */
export interface Conv2dOptions {
  /** Output channels. */
  readonly channels: number;
  /** Taps of the window: [R, S], or one number for both. */
  readonly kernel: PairLike;
  /** 1 by default. */
  readonly stride?: PairLike;
  /** Zeros round the input; 0 by default. */
  readonly padding?: PaddingLike;
  /** Distance between the taps of the kernel; 1 by default. */
  readonly dilation?: PairLike;
  /** Input and output channels are cut into so many groups that do not see each other; 1 by default. */
  readonly groups?: number;
  /** true by default. */
  readonly bias?: boolean;
}

/**
 * Adds a convolution: `x` [N, C, H, W] to [N, channels, P, Q]. Its weights are `weight` [channels, C / groups, R, S]
 * and, unless switched off, `bias` [channels], at the builder's path.
 *
 * @param g - The builder; its path names the layer and its weights.
 * @param x - [N, C, H, W].
 * @param options - Channels, kernel, and what the layer has besides.
 * @returns [N, channels, P, Q], where P = floor((H + padding on both sides - dilation * (kernel - 1) - 1) / stride) +
 *   1.
 * @throws ShapeError when the sizes do not fit.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const y = conv2d(g.at('conv1'), x, { channels: 128, kernel: 3, stride: 2, padding: 1 });
 * // [1, 128, 28, 28]; reads conv1.weight [128, 64, 3, 3] and conv1.bias [128]
 */
export function conv2d(g: GraphBuilder, x: Value, options: Conv2dOptions): Activation {
  const call = checkLayer(g, conv2dOp, { x }, options);
  const attributes = { ...windowOf(options), groups: options.groups ?? 1 };
  const { kernel, groups } = attributes;
  checkFilters(call, options.channels, kernel);
  const [, channels = 1] = x.desc.shape;
  const inputs: Partial<Record<Conv2dRole, Value>> = {
    x,
    weight: g.weight('weight', [options.channels, perGroup(channels, groups), ...kernel]),
  };
  if (options.bias ?? true) inputs.bias = g.weight('bias', [options.channels]);
  return g.add(conv2dOp, attributes, inputs);
}

function inferShape(call: OpCall<Conv2dAttributes, Conv2dRole>): TensorDesc {
  const { groups, kernel } = call.attributes;
  const shape = inputShape(call, 'x');
  const x = featureMap(call, 'x');
  const weight = inputShape(call, 'weight');
  const [outputChannels = 0, groupChannels = 0] = weight;
  if (!shapesEqual(weight.slice(2), kernel)) {
    throw shapeError(
      call,
      `expects a weight [channels, channels / groups, ${kernel.join(', ')}], got ${formatShape(weight)}`,
    );
  }
  checkGroups(call, groups, x.channels, outputChannels);
  if (groupChannels * groups !== x.channels) {
    throw shapeError(
      call,
      `weight expects ${groupChannels * groups} input channels, the input has ${x.channels} ${formatShape(shape)}`,
    );
  }
  checkShape(call, 'bias', [outputChannels]);
  const [height, width] = slide(call, call.attributes, [x.height, x.width]);
  return tensorDesc([x.batch, outputChannels, height, width]);
}

export function conv2dReference(node: Conv2d, inputs: DataByRole): Float64Array {
  const g = problemOf(node, undefined);
  const x = requireData(node, inputs, 'x');
  const weight = requireData(node, inputs, 'weight');
  const groupIn = g.inputChannels / g.groups;
  return sumOverPlanes(g, inputs.bias, (out, plane, i, o) =>
    addPlane(g, x, plane, weight, o * groupIn + i, out),
  );
}

/** Adds one input plane, convolved with one kernel, to an output plane. */
function addPlane(
  g: Conv2dProblem,
  x: Float64Array,
  plane: number,
  weight: Float64Array,
  kernel: number,
  out: Float64Array,
): void {
  for (let r = 0; r < g.kernel[0]; r++) {
    for (let s = 0; s < g.kernel[1]; s++) {
      const w = at(weight, (kernel * g.kernel[0] + r) * g.kernel[1] + s);
      for (let p = 0; p < g.outputHeight; p++) {
        const row = p * g.stride[0] + r * g.dilation[0] - g.padding.top;
        if (row < 0 || row >= g.inputHeight) continue;
        const from = (plane * g.inputHeight + row) * g.inputWidth;
        for (let q = 0; q < g.outputWidth; q++) {
          const column = q * g.stride[1] + s * g.dilation[1] - g.padding.left;
          if (column < 0 || column >= g.inputWidth) continue;
          const to = p * g.outputWidth + q;
          out[to] = at(out, to) + w * at(x, from + column);
        }
      }
    }
  }
}

export const conv2dKernels: readonly Kernel<Conv2dProblem>[] = [
  tiled,
  direct,
  winogradOn(directGemm),
  winogradOn(tiledGemm),
  depthwise,
];

export const conv2dOp: OpDef<Conv2dAttributes, Conv2dRole> = {
  name: 'conv2d',
  inferShape,
  multiplyAdds(node) {
    const [, ...perOutput] = inputShape(node, 'weight');
    return elementCount(node.output.desc.shape) * elementCount(perOutput);
  },
  channelAxis: 0,
  views: { x: 'map', y: 'map' },
  fusesEpilogue: true,
  candidates: candidatesOf(problemOf, conv2dKernels),
};
