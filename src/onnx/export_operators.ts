/**
 * What each operator becomes in ONNX. (https://onnx.ai/onnx/operators/)
 *
 * Graphs may have been through the passes: residuals and activations that were fused come out as the nodes
 * that they were.
 */
import type { AdaptiveAttributes } from '../layers/adaptive_average_pool2d.ts';
import { region } from '../layers/adaptive_average_pool2d.ts';
import type { ConcatAttributes } from '../layers/concat.ts';
import type { Conv2dAttributes } from '../layers/conv2d_geometry.ts';
import type { FlattenAttributes } from '../layers/flatten.ts';
import type { Pool2dAttributes } from '../layers/pool2d.ts';
import type { NearestRounding, Resize2dAttributes } from '../layers/resize2d.ts';
import type { SoftmaxAttributes } from '../layers/softmax.ts';
import type { Padding, Window } from '../layers/window.ts';
import type { Node } from '../runtime/graph.ts';
import { type BatchNormAttributes, type Epilogue, inputShape } from '../runtime/operator.ts';
import { nchw } from '../runtime/tensor.ts';
import type { Attribute } from './attribute.ts';
import { arithmeticExporters } from './export_arithmetic.ts';
import { type Exporter, read } from './exporter.ts';
import type { OnnxWriter } from './onnx_writer.ts';

/**
 * The names of its inputs, where the last may be missing: ONNX counts optional inputs from the end.
 */
function readWithBias(writer: OnnxWriter, node: Node): readonly string[] {
  const roles = 'bias' in node.inputs ? ['x', 'weight', 'bias'] : ['x', 'weight'];
  return read(writer, node, ...roles);
}

/** Writes a node, then what was fused behind it. */
function writeWithEpilogue(
  writer: OnnxWriter,
  node: Node<Epilogue>,
  opType: string,
  inputs: readonly string[],
  attributes: Readonly<Record<string, Attribute>> = {},
): void {
  const { residual } = node.inputs;
  const relu = node.attributes.activation === 'relu';
  const last = writer.nameOf(node.output);
  const afterOp = residual || relu ? writer.between(node, opType) : last;
  const afterAdd = residual && relu ? writer.between(node, 'Add') : last;
  writer.node(opType, node.name, inputs, afterOp, attributes);
  if (residual) {
    writer.node('Add', `${node.name}/Add`, [afterOp, writer.nameOf(residual)], afterAdd);
  }
  if (relu) writer.node('Relu', `${node.name}/Relu`, [residual ? afterAdd : afterOp], last);
}

function windowAttributes({ kernel, stride, dilation }: Window, pads: Padding) {
  return {
    kernel_shape: { ints: kernel },
    strides: { ints: stride },
    dilations: { ints: dilation },
    pads: { ints: [pads.top, pads.left, pads.bottom, pads.right] },
  };
}

const conv2d: Exporter<Conv2dAttributes> = (node, writer) => {
  writeWithEpilogue(writer, node, 'Conv', readWithBias(writer, node), {
    ...windowAttributes(node.attributes, node.attributes.padding),
    group: { int: node.attributes.groups },
  });
};

/** How far the last window reaches beyond the padded input, in ceil mode, as padding below and to the right. */
function overhang(node: Node<Pool2dAttributes>): Padding {
  const { kernel, stride, dilation, padding } = node.attributes;
  const x = nchw(inputShape(node, 'x'));
  const y = nchw(node.output.desc.shape);
  const reach = (axis: 0 | 1, positions: number) =>
    (positions - 1) * stride[axis] + (kernel[axis] - 1) * dilation[axis] + 1;
  const bottom = reach(0, y.height) - padding.top - x.height;
  const right = reach(1, y.width) - padding.left - x.width;
  return {
    ...padding,
    bottom: Math.max(bottom, padding.bottom),
    right: Math.max(right, padding.right),
  };
}

/** Ceil mode is written as padding, since runtimes do not agree on where it puts the last window. */
const maxPool2d: Exporter<Pool2dAttributes> = (node, writer) => {
  const attributes = windowAttributes(node.attributes, overhang(node));
  writer.node(
    'MaxPool',
    node.name,
    read(writer, node, 'x'),
    writer.nameOf(node.output),
    attributes,
  );
};

const averagePool2d: Exporter<Pool2dAttributes> = (node, writer) => {
  const { ceilMode, countIncludePad, dilation, padding } = node.attributes;
  const { dilations, ...window } = windowAttributes(
    node.attributes,
    // What hangs over never counts, padding may: only where it does not, either can stand for the other.
    countIncludePad ? padding : overhang(node),
  );
  const dilated = dilation.some((distance) => distance > 1);
  if (dilated) writer.requireOpset(19);
  writer.node('AveragePool', node.name, read(writer, node, 'x'), writer.nameOf(node.output), {
    ...window,
    ...(dilated && { dilations }),
    count_include_pad: { int: countIncludePad ? 1 : 0 },
    ceil_mode: { int: ceilMode && countIncludePad ? 1 : 0 },
  });
};

/**
 * ONNX has only the mean over everything. Where the output divides the input it is a pooling, else the
 * product with a matrix of means on either side: Y = rows X columns.
 */
const adaptiveAveragePool2d: Exporter<AdaptiveAttributes> = (node, writer) => {
  const x = nchw(inputShape(node, 'x'));
  const [height, width] = node.attributes.outputSize;
  const inputs = read(writer, node, 'x');
  const output = writer.nameOf(node.output);
  if (height === 1 && width === 1) {
    writer.node('GlobalAveragePool', node.name, inputs, output);
  } else if (x.height % height === 0 && x.width % width === 0) {
    const window = { ints: [x.height / height, x.width / width] };
    const attributes = { kernel_shape: window, strides: window };
    writer.node('AveragePool', node.name, inputs, output, attributes);
  } else {
    const columns = writer.floats(
      `${node.name}/columns`,
      [x.width, width],
      transposed(meanMatrix(x.width, width), width, x.width),
    );
    const rows = writer.floats(
      `${node.name}/rows`,
      [height, x.height],
      meanMatrix(x.height, height),
    );
    const between = writer.between(node, 'MatMul');
    writer.node('MatMul', `${node.name}/MatMul`, [...inputs, columns], between);
    writer.node('MatMul', node.name, [rows, between], output);
  }
};

/** [output, input]: row i takes the mean of the inputs that make output i. */
function meanMatrix(input: number, output: number): Float32Array {
  const matrix = new Float32Array(output * input);
  for (let i = 0; i < output; i++) {
    const [from, to] = region(i, input, output);
    matrix.fill(1 / (to - from), i * input + from, i * input + to);
  }
  return matrix;
}

function transposed(matrix: Float32Array, rows: number, columns: number): Float32Array {
  return matrix.map((_, i) => matrix[(i % rows) * columns + Math.floor(i / rows)] ?? 0);
}

const batchNorm: Exporter<BatchNormAttributes> = (node, writer) => {
  const inputs = read(writer, node, 'x', 'weight', 'bias', 'running_mean', 'running_var');
  const epsilon = { float: node.attributes.epsilon };
  writeWithEpilogue(writer, node, 'BatchNormalization', inputs, { epsilon });
};

const add: Exporter<Epilogue> = (node, writer) => {
  writeWithEpilogue(writer, node, 'Add', read(writer, node, 'a', 'b'));
};

const relu: Exporter<object> = (node, writer) => {
  writer.node('Relu', node.name, read(writer, node, 'x'), writer.nameOf(node.output));
};

const linear: Exporter<Epilogue> = (node, writer) => {
  writeWithEpilogue(writer, node, 'Gemm', readWithBias(writer, node), { transB: { int: 1 } });
};

const softmax: Exporter<SoftmaxAttributes> = (node, writer) => {
  const axis = { int: node.attributes.axis };
  writer.node('Softmax', node.name, read(writer, node, 'x'), writer.nameOf(node.output), { axis });
};

const flatten: Exporter<FlattenAttributes> = (node, writer) => {
  const { axis } = node.attributes;
  const inputs = read(writer, node, 'x');
  const output = writer.nameOf(node.output);
  // ONNX's Flatten gives a matrix, whatever comes before the axis; 0 keeps an extent in a Reshape.
  if (axis === 1) writer.node('Flatten', node.name, inputs, output, { axis: { int: 1 } });
  else {
    const kept = Array.from({ length: axis }, () => 0);
    const shape = writer.integers(`${node.name}/shape`, [...kept, -1]);
    writer.node('Reshape', node.name, [...inputs, shape], output);
  }
};

/** By its size, since ONNX rounds a scale to f32; of height and width alone, so that the batch may be left open. */
const resize2d: Exporter<Resize2dAttributes> = (node, writer) => {
  const { mode, coordinates, rounding } = node.attributes;
  writer.requireOpset(coordinates === 'half_pixel_symmetric' ? 19 : 18);
  const sizes = writer.integers(`${node.name}/sizes`, node.output.desc.shape.slice(2));
  const inputs = [...read(writer, node, 'x'), '', '', sizes];
  writer.node('Resize', node.name, inputs, writer.nameOf(node.output), {
    axes: { ints: [2, 3] },
    mode: { string: mode === 'bilinear' ? 'linear' : 'nearest' },
    coordinate_transformation_mode: { string: coordinates },
    nearest_mode: { string: rounded(rounding) },
  });
};

function rounded(rounding: NearestRounding): string {
  return rounding.startsWith('prefer') ? `round_${rounding}` : rounding;
}

const concat: Exporter<ConcatAttributes> = (node, writer) => {
  const axis = { int: node.attributes.axis };
  const inputs = read(writer, node, ...Object.keys(node.inputs));
  writer.node('Concat', node.name, inputs, writer.nameOf(node.output), { axis });
};

const table: Readonly<Record<string, Exporter>> = {
  ...arithmeticExporters,
  conv2d,
  max_pool2d: maxPool2d,
  average_pool2d: averagePool2d,
  adaptive_average_pool2d: adaptiveAveragePool2d,
  batch_norm: batchNorm,
  add,
  relu,
  linear,
  softmax,
  flatten,
  concat,
  resize2d,
};

/** By the operator's name. */
export const exporters: ReadonlyMap<string, Exporter> = new Map(Object.entries(table));
