/** MaxPool, AveragePool, and pools of whole maps. */
import { adaptiveAveragePool2dOp, region } from '../../layers/adaptive_average_pool2d.ts';
import {
  averagePool2d,
  averagePool2dOp,
  maxPool2d,
  maxPool2dOp,
  type Pool2dAttributes,
} from '../../layers/pool2d.ts';
import type { Padding } from '../../layers/window.ts';
import type { Node } from '../../runtime/graph.ts';
import { inputShape } from '../../runtime/operator.ts';
import { nchw } from '../../runtime/tensor.ts';
import { demand } from '../errors.ts';
import { exporter, type OperatorRows, read } from '../exporter.ts';
import type { ImportCall, Importer } from '../import_node.ts';
import { turned } from './linear.ts';
import { reduced } from './reduce.ts';
import { pairOf, windowAttributes, windowOf } from './windows.ts';

function pooling(call: ImportCall) {
  const x = call.value(0);
  demand(call.has('kernel_shape'), 'kernel_shape is missing');
  const kernel = pairOf(call, 'kernel_shape', [1, 1]);
  return [x, { ...windowOf(call, x, kernel), ceilMode: call.flag('ceil_mode') }] as const;
}

function ofWholeMaps(kind: 'mean' | 'max'): Importer {
  return (call) => reduced(call, kind, [...call.shape(0).keys()].slice(2), true);
}

/** How far the last window reaches beyond the padded input, in ceil mode, as padding below and to the right. */
function overhang(node: Node<Pool2dAttributes, 'x'>): Padding {
  const { kernel, stride, dilation, padding } = node.attributes;
  const x = nchw(inputShape(node, 'x'));
  const y = nchw(node.output.desc.shape);
  const reach = (axis: 0 | 1, positions: number) =>
    (positions - 1) * stride[axis] + (kernel[axis] - 1) * dilation[axis] + 1;
  const bottom = Math.max(padding.bottom, reach(0, y.height) - padding.top - x.height);
  const right = Math.max(padding.right, reach(1, y.width) - padding.left - x.width);
  return { ...padding, bottom, right };
}

/** [output, input]: row i takes the mean of the inputs that make output i. */
function meanMatrix(input: number, output: number): Float32Array {
  const matrix = new Float32Array(output * input);
  for (let i = 0; i < output; i++) {
    const [from, to] = region(i, input, output);
    matrix.fill(1 / (to - from), i * input + from, i * input + to);
  }
  return matrix;
}

export const pool: OperatorRows = {
  importers: {
    MaxPool: (call) => maxPool2d(call.g, ...pooling(call)),
    AveragePool(call) {
      const [x, options] = pooling(call);
      const countIncludePad = call.flag('count_include_pad');
      return averagePool2d(call.g, x, { ...options, countIncludePad });
    },
    GlobalAveragePool: ofWholeMaps('mean'),
    GlobalMaxPool: ofWholeMaps('max'),
  },
  exporters: [
    // Ceil mode is written as padding, since runtimes do not agree on where it puts the last window.
    exporter(maxPool2dOp, (node, writer) => {
      const attributes = windowAttributes(node.attributes, overhang(node));
      writer.layer(node, 'MaxPool', read(writer, node, 'x'), attributes);
    }),
    exporter(averagePool2dOp, (node, writer) => {
      const { ceilMode, countIncludePad, dilation, padding } = node.attributes;
      // What hangs over never counts, padding may: only where it does not, either can stand for the other.
      const pads = countIncludePad ? padding : overhang(node);
      const { dilations, ...window } = windowAttributes(node.attributes, pads);
      const dilated = dilation.some((distance) => distance > 1);
      if (dilated) writer.requireOpset(19);
      writer.layer(node, 'AveragePool', read(writer, node, 'x'), {
        ...window,
        ...(dilated && { dilations }),
        count_include_pad: { int: countIncludePad },
        ceil_mode: { int: ceilMode && countIncludePad },
      });
    }),
    /**
     * ONNX has only the mean over everything. Where the output divides the input it is a pooling, else the
     * product with a matrix of means on either side: Y = rows X columns.
     */
    exporter(adaptiveAveragePool2dOp, (node, writer) => {
      const x = nchw(inputShape(node, 'x'));
      const [height, width] = node.attributes.outputSize;
      const inputs = read(writer, node, 'x');
      if (height === 1 && width === 1) {
        writer.layer(node, 'GlobalAveragePool', inputs);
      } else if (x.height % height === 0 && x.width % width === 0) {
        const window = { ints: [x.height / height, x.width / width] };
        writer.layer(node, 'AveragePool', inputs, { kernel_shape: window, strides: window });
      } else {
        const means = turned(meanMatrix(x.width, width), width, x.width);
        const columns = writer.floats(`${node.name}/columns`, [x.width, width], means);
        const rows = writer.floats(
          `${node.name}/rows`,
          [height, x.height],
          meanMatrix(x.height, height),
        );
        writer.layer(node, 'MatMul', [rows, writer.step(node, 'MatMul', [...inputs, columns])]);
      }
    }),
  ],
};
