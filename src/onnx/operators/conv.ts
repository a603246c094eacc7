/** Conv, ConvTranspose: of weights that are known, and of weights that are computed. */

import { convTranspose2dOp } from '../../layers/conv_transpose2d.ts';
import type { ConvTranspose2dAttributes } from '../../layers/conv_transpose2d_problem.ts';
import { conv2dOp } from '../../layers/conv2d.ts';
import { conv2dDynamicOp } from '../../layers/conv2d_dynamic.ts';
import type { Conv2d } from '../../layers/conv2d_problem.ts';
import type { Pair } from '../../layers/window.ts';
import { isConstant, type Value } from '../../runtime/graph.ts';
import { formatShape } from '../../runtime/tensor.ts';
import { demand } from '../errors.ts';
import { exporter, type OperatorRows, read } from '../exporter.ts';
import type { ImportCall } from '../import_node.ts';
import type { OnnxWriter } from '../onnx_writer.ts';
import { automaticPadding, Plane, parted, windowAttributes, windowOf } from './windows.ts';

/** The plane that a node works on, and its inputs there. */
function reading(call: ImportCall) {
  const given = call.value(1);
  const [, , ...kernel] = given.desc.shape;
  demand(kernel.length > 0, `its weight is ${formatShape(given.desc.shape)}, without a kernel`);
  const stated = call.ints('kernel_shape');
  demand(
    !stated || formatShape(stated) === formatShape(kernel),
    `kernel_shape is [${stated}], its weight ${formatShape(given.desc.shape)}`,
  );
  const plane = new Plane(call, call.value(0), kernel, 'convolutions');
  const bias = call.inputs[2] && call.value(2);
  const inputs = { x: plane.x, weight: plane.weight(given), ...(bias && { bias }) };
  return { plane, inputs };
}

function importConv(call: ImportCall): Value {
  const { plane, inputs } = reading(call);
  const attributes = { ...windowOf(plane), groups: call.int('group', 1) };
  const known = [inputs.weight, inputs.bias].every((value) => !value || isConstant(value));
  return plane.restored(call.g.add(known ? conv2dOp : conv2dDynamicOp, attributes, inputs));
}

function importConvTranspose(call: ImportCall): Value {
  const { plane, inputs } = reading(call);
  const attributes = { ...transposedWindowOf(plane), groups: call.int('group', 1) };
  return plane.restored(call.g.add(convTranspose2dOp, attributes, inputs));
}

/** Where the size of the output is given, by itself or as a multiple of the input's, it says how much is cut off. */
function transposedWindowOf(plane: Plane): Omit<ConvTranspose2dAttributes, 'groups'> {
  const { call, kernel, extents } = plane;
  const stride = plane.pair('strides', 1);
  const dilation = plane.pair('dilations', 1);
  const outputPadding = plane.pair('output_padding', 0);
  const automatic = automaticPadding(call);
  const same = automatic === 'SAME_UPPER' || automatic === 'SAME_LOWER';
  const window = { kernel, stride, dilation, outputPadding };
  const sized = call.has('output_shape');
  if (!sized && !same) {
    const none = { top: 0, left: 0, bottom: 0, right: 0 };
    return { ...window, padding: automatic === 'VALID' ? none : plane.pads() };
  }
  const wanted = sized ? plane.pair('output_shape', 1) : undefined;
  const along = (axis: 0 | 1) => {
    const whole =
      (extents[axis] - 1) * stride[axis] +
      (kernel[axis] - 1) * dilation[axis] +
      1 +
      outputPadding[axis];
    const surplus = whole - (wanted?.[axis] ?? extents[axis] * stride[axis]);
    const ends = parted(Math.max(0, surplus), automatic === 'SAME_UPPER');
    return { ends, more: outputPadding[axis] + Math.max(0, -surplus) };
  };
  const [down, across] = [along(0), along(1)];
  const [[top, bottom], [left, right]] = [down.ends, across.ends];
  const more: Pair = [down.more, across.more];
  return { ...window, padding: { top, left, bottom, right }, outputPadding: more };
}

function writeConv(node: Conv2d, writer: OnnxWriter): void {
  writer.layer(node, 'Conv', read(writer, node, 'x', 'weight', 'bias'), {
    ...windowAttributes(node.attributes, node.attributes.padding),
    group: { int: node.attributes.groups },
  });
}

export const conv: OperatorRows = {
  importers: { Conv: importConv, ConvTranspose: importConvTranspose },
  exporters: [
    exporter(conv2dOp, writeConv),
    exporter(conv2dDynamicOp, writeConv),
    exporter(convTranspose2dOp, (node, writer) => {
      writer.layer(node, 'ConvTranspose', read(writer, node, 'x', 'weight', 'bias'), {
        ...windowAttributes(node.attributes, node.attributes.padding),
        output_padding: { ints: node.attributes.outputPadding },
        group: { int: node.attributes.groups },
      });
    }),
  ],
};
