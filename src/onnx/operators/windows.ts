/** Sliding windows, as Conv, MaxPool and AveragePool have them. */
import type { Padding, Pair, Window } from '../../layers/window.ts';
import type { Value } from '../../runtime/graph.ts';
import { formatShape, nchw } from '../../runtime/tensor.ts';
import { demand } from '../errors.ts';
import type { ImportCall } from '../import_node.ts';

/** The attribute of two axes. Throws UnsupportedError where it has others. */
export function pairOf(call: ImportCall, name: string, otherwise: Pair): Pair {
  const [height, width, ...rest] = call.ints(name) ?? otherwise;
  const two = height !== undefined && width !== undefined && rest.length === 0;
  demand(two, `${name} has not 2 axes; only 2-D windows are read`);
  return [height, width];
}

/** The windows of a node that is read. */
export function windowOf(call: ImportCall, x: Value, kernel: Pair): Window {
  const { shape } = x.desc;
  demand(shape.length === 4, `expects a feature map [N, C, H, W], got ${formatShape(shape)}`);
  const stride = pairOf(call, 'strides', [1, 1]);
  const dilation = pairOf(call, 'dilations', [1, 1]);
  const automatic = call.choice('auto_pad', 'NOTSET', 'VALID', 'SAME_UPPER', 'SAME_LOWER');
  if (automatic === 'SAME_UPPER' || automatic === 'SAME_LOWER') {
    const { height, width } = nchw(shape);
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
  const pads = automatic === 'VALID' ? undefined : call.ints('pads');
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
