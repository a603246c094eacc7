/** Softmax. */
import { reshapeTo } from '../../layers/rearrange.ts';
import { softmax as layer, softmaxOp } from '../../layers/softmax.ts';
import { elementCount } from '../../runtime/tensor.ts';
import { exporter, read } from '../exporter.ts';
import { axisOf, value } from '../import_node.ts';
import type { OperatorRows } from './rows.ts';

export const softmax: OperatorRows = {
  importers: {
    Softmax(call) {
      const x = value(call, 0);
      const { shape } = x.desc;
      const axis = axisOf(call.attributes.int('axis', call.opset < 13 ? 1 : -1), shape.length);
      const inner = shape.slice(axis);
      if (call.opset >= 13 || elementCount(inner.slice(1)) === 1) return layer(call.g, x, axis);
      // Before operator set 13, all axes from `axis` on count as one.
      const matrix = reshapeTo(call.g.at('rows'), x, [-1, elementCount(inner)]);
      const rows = layer(call.g.at('softmax'), matrix);
      return reshapeTo(call.g, rows, axis > 0 ? [-1, ...shape.slice(1)] : shape);
    },
  },
  exporters: [
    exporter(softmaxOp, (node, writer) => {
      const axis = { int: node.attributes.axis };
      writer.layer(node, 'Softmax', read(writer, node, 'x'), { axis });
    }),
  ],
};
