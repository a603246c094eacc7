/** Conv, ConvTranspose: of weights that are known, and of weights that are computed. */
import { convTranspose2dOp } from '../../layers/conv_transpose2d.ts';
import {
  type ConvTranspose3dAttributes,
  convolveTransposed3d,
} from '../../layers/conv_transpose3d.ts';
import { conv2dOp } from '../../layers/conv2d.ts';
import { conv2dDynamicOp } from '../../layers/conv2d_dynamic.ts';
import type { Conv2d } from '../../layers/conv2d_problem.ts';
import { conv2dOpFor, convolve3d } from '../../layers/conv3d.ts';
import { overPlanes } from '../../layers/volume.ts';
import type { Pair } from '../../layers/window.ts';
import type { Value } from '../../runtime/graph.ts';
import { type Exporters, exporter, read } from '../exporter.ts';
import type { ImportCall, Importers } from '../import_node.ts';
import type { OnnxWriter } from '../onnx_writer.ts';
import {
  alongAxes,
  automaticPadding,
  endsOf,
  kernelOf,
  NO_PADDING,
  parted,
  Space,
  windowAttributes,
  windowOf,
} from './windows.ts';

/** The space that a node works on, and its weights there. */
function reading(call: ImportCall) {
  const given = call.value(1);
  const kernel = kernelOf(call, given.desc.shape);
  const space = new Space(call, call.value(0), kernel, 'convolutions');
  const bias = call.inputs[2] && call.value(2);
  return { space, weights: { weight: space.weight(given), ...(bias && { bias }) } };
}

export function importConv(call: ImportCall): Value {
  const { space, weights } = reading(call);
  const [window, groups] = [windowOf(space), call.int('group', 1)];
  if (space.isVolume) return convolve3d(call.g, space.x, weights, { ...window, groups });
  const inputs = { x: space.x, ...weights };
  const attributes = { ...overPlanes(window), groups };
  return space.restored(call.g.add(conv2dOpFor(weights), attributes, inputs));
}

function importConvTranspose(call: ImportCall): Value {
  const { space, weights } = reading(call);
  const [window, groups] = [transposedWindowOf(space), call.int('group', 1)];
  if (space.isVolume) return convolveTransposed3d(call.g, space.x, weights, { ...window, groups });
  const [, ...outputPadding] = window.outputPadding;
  const attributes = { ...overPlanes(window), outputPadding, groups };
  return space.restored(call.g.add(convTranspose2dOp, attributes, { x: space.x, ...weights }));
}

/** Where the size of the output is given, by itself or as a multiple of the input's, it says how much is cut off. */
function transposedWindowOf(space: Space): Omit<ConvTranspose3dAttributes, 'groups'> {
  const { call, kernel, extents } = space;
  const stride = space.triple('strides', 1);
  const dilation = space.triple('dilations', 1);
  const outputPadding = space.triple('output_padding', 0);
  const automatic = automaticPadding(call);
  const same = automatic === 'SAME_UPPER' || automatic === 'SAME_LOWER';
  const window = { kernel, stride, dilation, outputPadding };
  const sized = call.has('output_shape');
  if (!sized && !same) {
    return { ...window, padding: automatic === 'VALID' ? NO_PADDING : space.pads() };
  }
  const wanted = sized ? space.triple('output_shape', 1) : undefined;
  const all = alongAxes((axis) => {
    const whole =
      (extents[axis] - 1) * stride[axis] +
      (kernel[axis] - 1) * dilation[axis] +
      1 +
      outputPadding[axis];
    const surplus = whole - (wanted?.[axis] ?? extents[axis] * stride[axis]);
    const ends: Pair = parted(Math.max(0, surplus), automatic === 'SAME_UPPER');
    return { ends, more: outputPadding[axis] + Math.max(0, -surplus) };
  });
  return {
    ...window,
    padding: endsOf(alongAxes((axis) => all[axis].ends)),
    outputPadding: alongAxes((axis) => all[axis].more),
  };
}

function writeConv(node: Conv2d, writer: OnnxWriter): void {
  writer.layer(node, 'Conv', read(writer, node, 'x', 'weight', 'bias'), {
    ...windowAttributes(node.attributes, node.attributes.padding),
    group: { int: node.attributes.groups },
  });
}

export const importers: Importers = { Conv: importConv, ConvTranspose: importConvTranspose };

export const exporters: Exporters = [
  exporter(conv2dOp, writeConv),
  exporter(conv2dDynamicOp, writeConv),
  exporter(convTranspose2dOp, (node, writer) => {
    writer.layer(node, 'ConvTranspose', read(writer, node, 'x', 'weight', 'bias'), {
      ...windowAttributes(node.attributes, node.attributes.padding),
      output_padding: { ints: node.attributes.outputPadding },
      group: { int: node.attributes.groups },
    });
  }),
];
