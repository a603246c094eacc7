/** Conv, MaxPool and AveragePool: sliding windows. */
import { conv2dOp } from '../layers/conv2d.ts';
import { averagePool2d, maxPool2d } from '../layers/pool2d.ts';
import type { Padding, Pair } from '../layers/window.ts';
import { UnsupportedError } from '../runtime/errors.ts';
import type { Value } from '../runtime/graph.ts';
import { formatShape, nchw } from '../runtime/tensor.ts';
import { type ImportCall, known, value } from './import_node.ts';
import type { NodeAttributes } from './node_attributes.ts';

interface Windows {
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly dilation: Pair;
  readonly padding: Padding;
}

function pairOf(attributes: NodeAttributes, name: string, otherwise: Pair): Pair {
  const [height, width, ...rest] = attributes.ints(name) ?? otherwise;
  if (height === undefined || width === undefined || rest.length > 0) {
    throw new UnsupportedError(`${name} has not 2 axes; only 2-D windows are read`);
  }
  return [height, width];
}

function windowsOf({ attributes }: ImportCall, x: Value, kernel: Pair): Windows {
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

export function conv(call: ImportCall): Value {
  const x = value(call, 0);
  const weight = call.weight(known(call, 1, 'the weight'));
  const [, , height, width, ...rest] = weight.desc.shape;
  if (height === undefined || width === undefined || rest.length > 0) {
    throw new UnsupportedError(
      `its weight is ${formatShape(weight.desc.shape)}; only 2-D convolutions are read`,
    );
  }
  const kernel = pairOf(call.attributes, 'kernel_shape', [height, width]);
  const attributes = { ...windowsOf(call, x, kernel), groups: call.attributes.int('group', 1) };
  const bias = call.inputs[2] && call.weight(known(call, 2, 'the bias'));
  return call.g.add(conv2dOp, attributes, { x, weight, ...(bias && { bias }) });
}

function pooling(call: ImportCall): readonly [Value, Windows & { readonly ceilMode: boolean }] {
  const x = value(call, 0);
  if (!call.attributes.has('kernel_shape')) throw new UnsupportedError('kernel_shape is missing');
  const kernel = pairOf(call.attributes, 'kernel_shape', [1, 1]);
  const ceilMode = call.attributes.int('ceil_mode', 0) === 1;
  return [x, { ...windowsOf(call, x, kernel), ceilMode }];
}

export function maxPool(call: ImportCall): Value {
  const [x, options] = pooling(call);
  return maxPool2d(call.g, x, options);
}

export function averagePool(call: ImportCall): Value {
  const [x, options] = pooling(call);
  const countIncludePad = call.attributes.int('count_include_pad', 0) === 1;
  return averagePool2d(call.g, x, { ...options, countIncludePad });
}
