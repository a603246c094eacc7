/** The two passes of a transposed convolution as problems of their kernels: see as_convolution.ts. */
import type { Col2imProblem } from '../../../shaders/col2im.wgsl.ts';
import type { Conv2dGatherProblem } from '../../../shaders/conv2d_gather.wgsl.ts';
import type { Conv2dProblem } from '../../../shaders/lib/conv2d_problem.ts';
import type { Value } from '../../runtime/graph.ts';
import { requireInput } from '../../runtime/operator.ts';
import {
  byteLength,
  channelMajor,
  mapStrides,
  tensorDesc,
  withView,
} from '../../runtime/tensor.ts';
import { type Conv2d, problemOf } from '../conv2d_problem.ts';
import type { Pair } from '../window.ts';

export type Form = 'phases' | 'columns';

/** Along one axis. */
export interface Axis {
  /** Products that the convolution gives for each of its positions; tap a + k * products belongs to product a. */
  readonly products: number;
  /** Taps of each product. */
  readonly taps: number;
  readonly dilation: number;
  /** Zeros before x. */
  readonly padding: number;
  /** Positions of the convolution. */
  readonly positions: number;
  /** What the second pass does with the products. */
  readonly overlap: { readonly dilation: number; readonly padding: number };
}

/** Undefined where the phases of an axis would be convolutions that do not go together. */
function axisOf(g: Conv2dGatherProblem, form: Form, axis: 0 | 1): Axis | undefined {
  const [kernel, stride, dilation] = [g.kernel[axis], g.stride[axis], g.dilation[axis]];
  const extent = axis === 0 ? g.inputHeight : g.inputWidth;
  const pad = axis === 0 ? g.padding.top : g.padding.left;
  const outputs = axis === 0 ? g.outputHeight : g.outputWidth;
  if (form === 'columns') {
    const overlap = { dilation, padding: pad };
    return { products: kernel, taps: 1, dilation: 1, padding: 0, positions: extent, overlap };
  }
  if (stride > 1 && dilation > 1 && kernel > 1) return undefined;
  const taps = Math.ceil(kernel / stride);
  const own = stride === 1 ? dilation : 1;
  const reach = (taps - 1) * own;
  // Positions that the padding cuts away are left out, as far as the convolution can begin later.
  const skipped = Math.min(Math.floor(pad / stride), reach);
  const last = Math.min(Math.floor((outputs - 1 + pad) / stride) + 1, extent + reach);
  return {
    ...{ products: stride, taps, dilation: own, padding: reach - skipped },
    // A 1x1 convolution of whole planes is a product of matrices as they lie.
    positions: taps === 1 ? extent : last - skipped,
    overlap: { dilation: 1, padding: pad - skipped * stride },
  };
}

export interface Split {
  readonly axes: readonly [Axis, Axis];
  /** What gives the products. */
  readonly convolution: Conv2dProblem;
  /** What adds them up; undefined where they are the result. */
  readonly overlap: Col2imProblem | undefined;
  /** Bytes of the products. */
  readonly bytes: number;
}

/** Undefined where the form does not exist. */
export function splitOf(node: Conv2d, g: Conv2dGatherProblem, form: Form): Split | undefined {
  const [down, across] = [axisOf(g, form, 0), axisOf(g, form, 1)];
  if (!down || !across) return undefined;
  const axes = [down, across] as const;
  const each = (part: (axis: Axis) => number): Pair => [part(down), part(across)];
  const { bias, epilogue, yStrides, outputChannels, outputHeight, outputWidth } = g;
  const channels = outputChannels * down.products * across.products;
  const attributes = {
    kernel: each(({ taps }) => taps),
    stride: [1, 1] as const,
    dilation: each(({ dilation }) => dilation),
    padding: { top: down.padding, left: across.padding, bottom: 0, right: 0 },
    groups: g.groups,
  };
  const [x, given] = [requireInput(node, 'x'), requireInput(node, 'weight')];
  const groupIn = g.inputChannels / g.groups;
  const shape = [channels, groupIn, ...attributes.kernel];
  const weight: Value = { ...given, desc: { ...given.desc, shape } };
  const whole =
    [...g.stride, down.products, across.products].every((extent) => extent === 1) &&
    axes.every(({ overlap }) => overlap.padding === 0) &&
    down.positions === outputHeight &&
    across.positions === outputWidth;
  if (whole) {
    const inputs = { ...node.inputs, weight };
    const convolution = problemOf({ ...node, attributes, inputs }, epilogue);
    return { axes, convolution, overlap: undefined, bytes: 0 };
  }
  const products = [g.batch, channels, down.positions, across.positions];
  const desc = withView(tensorDesc(products), channelMajor(products));
  const inputs = { x, weight };
  const output = { ...node.output, desc };
  return {
    axes,
    convolution: problemOf({ ...node, attributes, inputs, output }, undefined),
    overlap: {
      ...{ batch: g.batch, outputChannels, outputHeight, outputWidth },
      ...{ height: down.positions, width: across.positions, products: mapStrides(desc) },
      kernel: each((axis) => axis.products),
      stride: g.stride,
      dilation: each(({ overlap }) => overlap.dilation),
      padding: { top: down.overlap.padding, left: across.overlap.padding },
      ...{ bias, epilogue, yStrides, types: { products: 'f32', y: g.types.y } },
    },
    bytes: byteLength(desc),
  };
}
