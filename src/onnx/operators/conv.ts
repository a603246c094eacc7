/** Conv. */
import { conv2dOp } from '../../layers/conv2d.ts';
import { formatShape, nchw } from '../../runtime/tensor.ts';
import { demand } from '../errors.ts';
import { exporter, type OperatorRows, read } from '../exporter.ts';
import { pairOf, windowAttributes, windowOf } from './windows.ts';

export const conv: OperatorRows = {
  importers: {
    Conv(call) {
      const x = call.value(0);
      const weight = call.place.weight(call.known(1, 'the weight'));
      const { shape } = weight.desc;
      demand(
        shape.length === 4,
        `its weight is ${formatShape(shape)}; only 2-D convolutions are read`,
      );
      const { height, width } = nchw(shape);
      const kernel = pairOf(call, 'kernel_shape', [height, width]);
      const attributes = { ...windowOf(call, x, kernel), groups: call.int('group', 1) };
      const bias = call.inputs[2] && call.place.weight(call.known(2, 'the bias'));
      return call.g.add(conv2dOp, attributes, { x, weight, ...(bias && { bias }) });
    },
  },
  exporters: [
    exporter(conv2dOp, (node, writer) => {
      writer.layer(node, 'Conv', read(writer, node, 'x', 'weight', 'bias'), {
        ...windowAttributes(node.attributes, node.attributes.padding),
        group: { int: node.attributes.groups },
      });
    }),
  ],
};
