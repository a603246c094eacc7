/** 2-D convolution: any kernel size, stride, padding (each side its own), dilation and groups. */
import type { Conv2dGeometry } from '../../shaders/lib/conv2d_geometry.ts';
import type { Activation, Node, Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import {
  inputShape,
  type OpCall,
  type OpDef,
  requireData,
  shapeError,
} from '../runtime/operator.ts';
import {
  formatShape,
  nchw,
  type Shape,
  shapesEqual,
  type TensorDesc,
  tensorDesc,
} from '../runtime/tensor.ts';
import { type Conv2dAttributes, geometryOf } from './conv2d_geometry.ts';
import { depthwise } from './conv2d_kernels/depthwise.ts';
import { direct, tiled } from './conv2d_kernels/gemm_kernel.ts';
import { splitK } from './conv2d_kernels/split_k.ts';
import { winograd } from './conv2d_kernels/winograd.ts';
import { featureMap } from './feature_map.ts';
import { type PaddingLike, type PairLike, padding, pair, slide } from './window.ts';

export interface Conv2dOptions {
  /** Output channels. */
  readonly channels: number;
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
 * Adds a convolution: `x` [N, C, H, W] to [N, channels, P, Q]. Its weights are `weight`
 * [channels, C / groups, R, S] and, unless switched off, `bias` [channels], at the builder's path.
 * Throws ShapeError when the sizes do not fit.
 */
export function conv2d(g: GraphBuilder, x: Value, options: Conv2dOptions): Activation {
  const groups = options.groups ?? 1;
  const kernel = pair(options.kernel);
  const [, channels = 1] = x.desc.shape;
  const inputs: Record<string, Value> = {
    x,
    weight: g.weight('weight', [
      options.channels,
      Math.max(1, Math.floor(channels / Math.max(1, groups))),
      ...kernel,
    ]),
  };
  if (options.bias ?? true) inputs.bias = g.weight('bias', [options.channels]);
  const attributes = {
    kernel,
    stride: pair(options.stride ?? 1),
    dilation: pair(options.dilation ?? 1),
    padding: padding(options.padding ?? 0),
    groups,
  };
  return g.add(conv2dOp, attributes, inputs);
}

function inferShape(call: OpCall<Conv2dAttributes>): TensorDesc {
  const { groups, kernel } = call.attributes;
  const shape = inputShape(call, 'x');
  const x = featureMap(call, 'x');
  const weight = inputShape(call, 'weight');
  const [outputChannels = 0, groupChannels = 0] = weight;
  if (weight.length !== 4 || weight[2] !== kernel[0] || weight[3] !== kernel[1]) {
    throw shapeError(
      call,
      `expects a weight [channels, channels / groups, ${kernel.join(', ')}], got ${formatShape(weight)}`,
    );
  }
  if (
    !Number.isSafeInteger(groups) ||
    groups < 1 ||
    x.channels % groups ||
    outputChannels % groups
  ) {
    throw shapeError(
      call,
      `${groups} groups must divide ${x.channels} input channels and ${outputChannels} output channels`,
    );
  }
  if (groupChannels * groups !== x.channels) {
    throw shapeError(
      call,
      `weight expects ${groupChannels * groups} input channels, the input has ${x.channels} ${formatShape(shape)}`,
    );
  }
  checkShape(call, 'bias', [outputChannels]);
  const [height, width] = slide(call, call.attributes, [x.height, x.width], false);
  const output = tensorDesc([x.batch, outputChannels, height, width]);
  checkShape(call, 'residual', output.shape);
  return output;
}

function checkShape(call: OpCall<object>, role: string, expected: Shape): void {
  const got = call.inputs[role]?.desc.shape;
  if (got && !shapesEqual(got, expected)) {
    throw shapeError(call, `expects ${role} ${formatShape(expected)}, got ${formatShape(got)}`);
  }
}

function reference(
  node: Node<Conv2dAttributes>,
  inputs: Readonly<Record<string, Float64Array>>,
): Float64Array {
  const g = geometryOf(node);
  const x = requireData(node, inputs, 'x');
  const weight = requireData(node, inputs, 'weight');
  const { bias, residual } = inputs;
  const groupIn = g.inputChannels / g.groups;
  const groupOut = g.outputChannels / g.groups;
  const plane = g.outputHeight * g.outputWidth;
  const y = new Float64Array(g.batch * g.outputChannels * plane);
  for (let n = 0; n < g.batch; n++) {
    for (let o = 0; o < g.outputChannels; o++) {
      const out = y.subarray(
        (n * g.outputChannels + o) * plane,
        (n * g.outputChannels + o + 1) * plane,
      );
      if (bias) out.fill(bias[o] ?? 0);
      for (let c = 0; c < groupIn; c++) {
        const channel = n * g.inputChannels + Math.floor(o / groupOut) * groupIn + c;
        addPlane(g, x, channel, weight, o * groupIn + c, out);
      }
    }
  }
  if (residual) for (let i = 0; i < y.length; i++) y[i] = (y[i] ?? 0) + (residual[i] ?? 0);
  return g.activation === 'relu' ? y.map((value) => Math.max(value, 0)) : y;
}

/** Adds one input plane, convolved with one kernel, to an output plane. */
function addPlane(
  g: Conv2dGeometry,
  x: Float64Array,
  plane: number,
  weight: Float64Array,
  kernel: number,
  out: Float64Array,
): void {
  for (let r = 0; r < g.kernel[0]; r++) {
    for (let s = 0; s < g.kernel[1]; s++) {
      const w = weight[(kernel * g.kernel[0] + r) * g.kernel[1] + s] ?? 0;
      for (let p = 0; p < g.outputHeight; p++) {
        const row = p * g.stride[0] + r * g.dilation[0] - g.padding.top;
        if (row < 0 || row >= g.inputHeight) continue;
        const from = (plane * g.inputHeight + row) * g.inputWidth;
        for (let q = 0; q < g.outputWidth; q++) {
          const column = q * g.stride[1] + s * g.dilation[1] - g.padding.left;
          if (column < 0 || column >= g.inputWidth) continue;
          const at = p * g.outputWidth + q;
          out[at] = (out[at] ?? 0) + w * (x[from + column] ?? 0);
        }
      }
    }
  }
}

export const conv2dOp: OpDef<Conv2dAttributes> = {
  name: 'conv2d',
  inferShape,
  reference,
  multiplyAdds(node) {
    const [outputChannels = 0, ...rest] = inputShape(node, 'weight');
    const y = nchw(node.output.desc.shape);
    const perOutput = rest.reduce((product, extent) => product * extent, 1);
    return y.batch * outputChannels * y.height * y.width * perOutput;
  },
  fuses: ['residual', 'relu'],
  channelMajor: { reads: ['x', 'residual'], writes: true },
  kernels: [tiled, direct, winograd, splitK, depthwise],
};
