/** Sliding windows, as Conv, MaxPool and AveragePool have them. */
import type { Padding, Pair, Window } from '../../layers/window.ts';
import { UnsupportedError } from '../../runtime/errors.ts';
import type { Value } from '../../runtime/graph.ts';
import { formatShape, nchw } from '../../runtime/tensor.ts';
import type { ImportCall } from '../import_node.ts';
import type { NodeAttributes } from '../node_attributes.ts';

/** The attribute of two axes. Throws UnsupportedError where it has others. */
export function pairOf(attributes: NodeAttributes, name: string, otherwise: Pair): Pair {
  const [height, width, ...rest] = attributes.ints(name) ?? otherwise;
  if (height === undefined || width === undefined || rest.length > 0) {
    throw new UnsupportedError(`${name} has not 2 axes; only 2-D windows are read`);
  }
  return [height, width];
}

/** The windows of a node that is read. */
export function windowOf({ attributes }: ImportCall, x: Value, kernel: Pair): Window {
  if (x.desc.shape.length !== 4) {
    throw new UnsupportedError(
      `expects a feature map [N, C, H, W], got ${formatShape(x.desc.shape)}`,
    );
  }
  const stride = pairOf(attributes, 'strides', [1, 1]);
  const dilation = pairOf(attributes, 'dilations', [1, 1]);
  const automatic = attributes.string('auto_pad', 'NOTSET');
  if (automatic === 'SAME_UPPER' || automatic === 'SAME_LOWER') {
    const { height, width } = nchw(x.desc.shape);
    const same = (axis: 0 | 1, extent: number): Pair => {
      const positions = Math.ceil(extent / stride[axis]);
      const reach = (kernel[axis] - 1) * dilation[axis] + 1;
      const total = Math.max(0, (positions - 1) * stride[axis] + reach - extent);
      const less = Math.floor(total / 2);
      return automatic === 'SAME_UPPER' ? [less, total - less] : [total - less, less];
    };
    const [top, bottom] = same(0, height);
    const [left, right] = same(1, width);
    return { kernel, stride, dilation, padding: { top, left, bottom, right } };
  }
  if (automatic !== 'NOTSET' && automatic !== 'VALID') {
    throw new UnsupportedError(`auto_pad is ${automatic}`);
  }
  const pads = automatic === 'VALID' ? undefined : attributes.ints('pads');
  const [top = 0, left = 0, bottom = 0, right = 0] = pads ?? [];
  return { kernel, stride, dilation, padding: { top, left, bottom, right } };
}

/** The attributes of a node that is written. */
export function windowAttributes({ kernel, stride, dilation }: Window, pads: Padding) {
  return {
    kernel_shape: { ints: kernel },
    strides: { ints: stride },
    dilations: { ints: dilation },
    pads: { ints: [pads.top, pads.left, pads.bottom, pads.right] },
  };
}
