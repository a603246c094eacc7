import type { Conv2dGatherProblem } from '../../shaders/conv2d_gather.wgsl.ts';
import type { Epilogue } from '../../shaders/lib/epilogue.ts';
import type { Node } from '../runtime/graph.ts';
import { inputDesc } from '../runtime/operator.ts';
import { mapStrides, nchw } from '../runtime/tensor.ts';
import { type Form, type Split, splitOf } from './conv_transpose2d_kernels/split.ts';
import { gatherTypesOf } from './conv2d_kernels/gather.ts';
import { type Conv2dAttributes, type Conv2dRole, hasConstants } from './conv2d_problem.ts';
import type { Pair } from './window.ts';

export interface ConvTranspose2dAttributes extends Conv2dAttributes {
  /** Rows and columns more, below and to the right. */
  readonly outputPadding: Pair;
}

export type ConvTranspose2d = Node<ConvTranspose2dAttributes, Conv2dRole>;

/** A transposed convolution as its kernels see it. */
export interface ConvTranspose2dProblem extends Conv2dGatherProblem {
  /** Ways to compute it by a convolution; none where the weights are not known when the model is loaded. */
  readonly splits: Readonly<Partial<Record<Form, Split | undefined>>>;
}

export function problemOf(
  node: ConvTranspose2d,
  epilogue: Epilogue | undefined,
): ConvTranspose2dProblem {
  const { groups, kernel, stride, dilation, padding } = node.attributes;
  const x = nchw(inputDesc(node, 'x').shape);
  const y = nchw(node.output.desc.shape);
  const problem: Conv2dGatherProblem = {
    transposed: true,
    batch: x.batch,
    inputChannels: x.channels,
    inputHeight: x.height,
    inputWidth: x.width,
    outputChannels: y.channels,
    outputHeight: y.height,
    outputWidth: y.width,
    groups,
    kernel,
    stride,
    dilation,
    padding,
    bias: 'bias' in node.inputs,
    epilogue,
    xStrides: mapStrides(inputDesc(node, 'x')),
    yStrides: mapStrides(node.output.desc),
    types: gatherTypesOf(node),
  };
  const forms: readonly Form[] = hasConstants(node.inputs) ? ['phases', 'columns'] : [];
  const splits = forms.map((form) => [form, splitOf(node, problem, form)]);
  return { ...problem, splits: Object.fromEntries(splits) as ConvTranspose2dProblem['splits'] };
}
