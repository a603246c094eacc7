import type { Conv2dGeometry } from '../../shaders/lib/conv2d_geometry.ts';
import type { Node } from '../runtime/graph.ts';
import { type Epilogue, inputShape, requireInput } from '../runtime/operator.ts';
import { mapStrides, nchw } from '../runtime/tensor.ts';
import { elementTypesOf } from './element_types.ts';
import type { Window } from './window.ts';

export interface Conv2dAttributes extends Window, Epilogue {
  readonly groups: number;
}

/** What the kernels compile in. */
export function geometryOf(node: Node<Conv2dAttributes>): Conv2dGeometry {
  const { attributes } = node;
  const x = nchw(inputShape(node, 'x'));
  const y = nchw(node.output.desc.shape);
  const reach = (axis: 0 | 1, positions: number): number =>
    (positions - 1) * attributes.stride[axis] +
    (attributes.kernel[axis] - 1) * attributes.dilation[axis];
  const { top, left } = attributes.padding;
  return {
    batch: x.batch,
    inputChannels: x.channels,
    inputHeight: x.height,
    inputWidth: x.width,
    outputChannels: y.channels,
    outputHeight: y.height,
    outputWidth: y.width,
    groups: attributes.groups,
    kernel: attributes.kernel,
    stride: attributes.stride,
    dilation: attributes.dilation,
    padding: { top, left },
    padded:
      top > 0 ||
      left > 0 ||
      reach(0, y.height) - top >= x.height ||
      reach(1, y.width) - left >= x.width,
    bias: 'bias' in node.inputs,
    residual: 'residual' in node.inputs,
    activation: attributes.activation ?? 'none',
    xStrides: mapStrides(requireInput(node, 'x').desc),
    yStrides: mapStrides(node.output.desc),
    residualStrides: mapStrides((node.inputs.residual ?? node.output).desc),
    types: {
      residual: (node.inputs.residual ?? requireInput(node, 'x')).desc.dtype,
      ...elementTypesOf(node, 'x', 'weight'),
    },
  };
}

/** Whether all feature maps are NCHW, which is all that the kernels for GPUs read and write. */
export function isRowMajor({ inputs, output }: Node): boolean {
  return [...Object.values(inputs), output].every(({ desc }) => desc.layout === 'row-major');
}
