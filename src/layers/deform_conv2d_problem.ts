import type { Conv2dGatherProblem } from '../../shaders/conv2d_gather.wgsl.ts';
import type { DeformColumnsProblem } from '../../shaders/deform_columns.wgsl.ts';
import type { Conv2dProblem } from '../../shaders/lib/conv2d_problem.ts';
import type { Epilogue } from '../../shaders/lib/epilogue.ts';
import type { Activation, Node } from '../runtime/graph.ts';
import { elementTypesOf, inputDesc, inputShape, requireInput } from '../runtime/operator.ts';
import {
  channelMajor,
  elementCount,
  mapStrides,
  nchw,
  tensorDesc,
  withView,
} from '../runtime/tensor.ts';
import { conv2dOp } from './conv2d.ts';
import { gatherTypesOf } from './conv2d_kernels/gather.ts';
import {
  type Conv2d,
  type Conv2dAttributes,
  type Conv2dRole,
  problemOf as conv2dProblemOf,
  hasConstants,
} from './conv2d_problem.ts';

export type DeformRole = Conv2dRole | 'offset' | 'mask';

export type DeformConv2d = Node<Conv2dAttributes, DeformRole>;

/** A deformable convolution as its kernels see it: what makes the columns, and the 1x1 convolution of these. */
export interface DeformConv2dProblem {
  readonly columns: DeformColumnsProblem;
  readonly convolution: Conv2dProblem;
  /** The same by weights that are known only when the network runs; undefined where they are constants. */
  readonly dynamic: Conv2dGatherProblem | undefined;
}

/** The 1x1 convolution of the columns, a map [N, C * taps, P, Q]. */
export function convolutionOf(node: DeformConv2d): Conv2d {
  const { kernel, groups } = node.attributes;
  const { channels } = nchw(inputShape(node, 'x'));
  const y = nchw(node.output.desc.shape);
  const taps = elementCount(kernel);
  const shape = [y.batch, channels * taps, y.height, y.width];
  const desc = withView(tensorDesc(shape), channelMajor(shape));
  const columns: Activation = { kind: 'activation', name: `columns of ${node.name}`, desc };
  const given = requireInput(node, 'weight');
  const [outputs = 1, groupIn = 1] = given.desc.shape;
  const weight = {
    ...given,
    desc: { ...given.desc, shape: [outputs, groupIn * taps, 1, 1] },
  };
  const { bias } = node.inputs;
  return {
    ...node,
    op: conv2dOp,
    attributes: {
      ...{ kernel: [1, 1], stride: [1, 1], dilation: [1, 1], groups },
      padding: { top: 0, left: 0, bottom: 0, right: 0 },
    },
    inputs: { x: columns, weight, ...(bias && { bias }) },
  };
}

export function problemOf(node: DeformConv2d, epilogue: Epilogue | undefined): DeformConv2dProblem {
  const inner = convolutionOf(node);
  const convolution = conv2dProblemOf(inner, epilogue);
  return {
    columns: columnsOf(node, inner),
    convolution,
    dynamic: hasConstants(node.inputs)
      ? undefined
      : { ...convolution, transposed: false, types: gatherTypesOf(inner) },
  };
}

function columnsOf(node: DeformConv2d, inner: Conv2d): DeformColumnsProblem {
  const { kernel, stride, dilation, padding } = node.attributes;
  const x = nchw(inputShape(node, 'x'));
  const y = nchw(node.output.desc.shape);
  const { mask } = node.inputs;
  const [, offsets = 1] = inputShape(node, 'offset');
  const types = elementTypesOf(node, 'x', 'offset');
  return {
    batch: x.batch,
    channels: x.channels,
    inputHeight: x.height,
    inputWidth: x.width,
    outputWidth: y.width,
    windows: { first: 0, count: y.height * y.width },
    offsetGroups: offsets / (2 * elementCount(kernel)),
    kernel,
    stride,
    dilation,
    padding,
    xStrides: mapStrides(inputDesc(node, 'x')),
    offsetStrides: mapStrides(inputDesc(node, 'offset')),
    maskStrides: mask && mapStrides(mask.desc),
    columnStrides: mapStrides(inputDesc(inner, 'x')),
    types: { ...types, mask: mask?.desc.dtype ?? types.offset, y: 'f32' },
  };
}

/** Bytes of the columns. */
export function columnBytes({ columns }: DeformConv2dProblem): number {
  const { channels, kernel, columnStrides } = columns;
  return Float32Array.BYTES_PER_ELEMENT * channels * elementCount(kernel) * columnStrides.channel;
}

/** Some of the windows of each image, whose columns are maps of one row. */
export function bandOf(
  { columns, convolution, dynamic }: DeformConv2dProblem,
  windows: DeformColumnsProblem['windows'],
): DeformConv2dProblem {
  const { first, count } = windows;
  const [image = 0, channel = 0] = channelMajor([columns.batch, 1, 1, count]).strides;
  const columnStrides = { offset: 0, image, channel };
  const cut = <P extends Pick<Conv2dProblem, 'yStrides' | 'epilogue'>>(whole: P): P => ({
    ...whole,
    ...{ inputHeight: 1, inputWidth: count, outputHeight: 1, outputWidth: count },
    xStrides: columnStrides,
    yStrides: { ...whole.yStrides, offset: whole.yStrides.offset + first },
    epilogue: whole.epilogue && epilogueFrom(whole.epilogue, first),
  });
  return {
    columns: { ...columns, windows, columnStrides },
    convolution: cut(convolution),
    dynamic: dynamic && cut(dynamic),
  };
}

/** An epilogue of planes without their first places. */
function epilogueFrom(epilogue: Epilogue, first: number): Epilogue {
  const operands = epilogue.operands.map(({ strides, ...operand }) => ({
    ...operand,
    strides: { ...strides, offset: strides.offset + strides.place * first },
  }));
  return { ...epilogue, operands };
}
