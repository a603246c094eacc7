/** Conv. */
import { conv2dOp } from '../../layers/conv2d.ts';
import { UnsupportedError } from '../../runtime/errors.ts';
import { formatShape } from '../../runtime/tensor.ts';
import { exporter, readGiven } from '../exporter.ts';
import { known, value } from '../import_node.ts';
import type { OperatorRows } from './rows.ts';
import { pairOf, windowAttributes, windowOf } from './windows.ts';

export const conv: OperatorRows = {
  importers: {
    Conv(call) {
      const x = value(call, 0);
      const weight = call.weight(known(call, 1, 'the weight'));
      const [, , height, width, ...rest] = weight.desc.shape;
      if (height === undefined || width === undefined || rest.length > 0) {
        throw new UnsupportedError(
          `its weight is ${formatShape(weight.desc.shape)}; only 2-D convolutions are read`,
        );
      }
      const kernel = pairOf(call.attributes, 'kernel_shape', [height, width]);
      const attributes = { ...windowOf(call, x, kernel), groups: call.attributes.int('group', 1) };
      const bias = call.inputs[2] && call.weight(known(call, 2, 'the bias'));
      return call.g.add(conv2dOp, attributes, { x, weight, ...(bias && { bias }) });
    },
  },
  exporters: [
    exporter(conv2dOp, (node, writer) => {
      writer.layer(node, 'Conv', readGiven(writer, node, 'x', 'weight', 'bias'), {
        ...windowAttributes(node.attributes, node.attributes.padding),
        group: { int: node.attributes.groups },
      });
    }),
  ],
};
