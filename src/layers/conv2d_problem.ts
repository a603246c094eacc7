import type { Conv2dProblem } from '../../shaders/lib/conv2d_problem.ts';
import type { Epilogue } from '../../shaders/lib/epilogue.ts';
import { isConstant, type Node, type Value } from '../runtime/graph.ts';
import { elementTypesOf, inputDesc, type Named, shapeError } from '../runtime/operator.ts';
import { mapStrides, nchw } from '../runtime/tensor.ts';
import { checkIntegers, type Window } from './window.ts';

export interface Conv2dAttributes extends Window {
  readonly groups: number;
}

export type Conv2dRole = 'x' | 'weight' | 'bias';

export type Conv2d = Node<Conv2dAttributes, Conv2dRole>;

/** What a convolution multiplies by, and adds. */
export interface ConvWeights {
  readonly weight: Value;
  readonly bias?: Value | undefined;
}

/** Input channels, or output channels, of one of the groups: one at least, so that what does not fit has a shape. */
export function perGroup(channels: number, groups: number): number {
  return Math.max(1, Math.floor(channels / Math.max(1, groups)));
}

/** Throws ShapeError where weights would have no shape: for options that are left out, say. */
export function checkFilters(call: Named, channels: number, kernel: readonly number[]): void {
  checkIntegers(call, 'channels', [channels], 1);
  checkIntegers(call, 'kernel', kernel, 1);
}

/** Throws ShapeError where groups cut the channels, whose taps could be as many as whole groups. */
export function checkGroups(call: Named, groups: number, inputs: number, outputs: number): void {
  if (!Number.isSafeInteger(groups) || groups < 1 || inputs % groups || outputs % groups) {
    throw shapeError(
      call,
      `${groups} groups must divide ${inputs} input channels and ${outputs} output channels`,
    );
  }
}

/** Whether weight and bias are known when the model is loaded. */
export function hasConstants({ weight, bias }: Partial<ConvWeights>): boolean {
  return [weight, bias].every((value) => !value || isConstant(value));
}

export function problemOf(node: Conv2d, epilogue: Epilogue | undefined): Conv2dProblem {
  const { groups, kernel, stride, dilation, padding } = node.attributes;
  const x = nchw(inputDesc(node, 'x').shape);
  const y = nchw(node.output.desc.shape);
  const reach = (axis: 0 | 1, positions: number): number =>
    (positions - 1) * stride[axis] + (kernel[axis] - 1) * dilation[axis];
  const { top, left } = padding;
  const padded =
    top > 0 ||
    left > 0 ||
    reach(0, y.height) - top >= x.height ||
    reach(1, y.width) - left >= x.width;
  const xStrides = mapStrides(inputDesc(node, 'x'));
  const plane = x.height * x.width;
  const together = x.batch === 1 || xStrides.image === plane;
  return {
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
    padding: { top, left },
    padded,
    bias: 'bias' in node.inputs,
    epilogue,
    xStrides,
    yStrides: mapStrides(node.output.desc),
    types: elementTypesOf(node, 'x', 'weight'),
    // Of one image, or of a channel-major batch, this is what a 1x1 kernel of stride 1 reads.
    columns:
      [...kernel, ...stride].every((extent) => extent === 1) &&
      !padded &&
      together &&
      xStrides.channel >= x.batch * plane,
  };
}
