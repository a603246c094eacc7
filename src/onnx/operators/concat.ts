/** Concat. */
import { concatOp, concat as layer } from '../../layers/concat.ts';
import { elementCount } from '../../runtime/tensor.ts';
import { exporter, type OperatorRows } from '../exporter.ts';

export const concat: OperatorRows = {
  importers: {
    Concat(call) {
      // Exporters put empty lists between those of which they make a shape.
      const filled = call.inputs.flatMap((_, i) =>
        elementCount(call.shape(i)) > 0 ? [call.value(i)] : [],
      );
      const [first] = filled;
      const axis = call.axis(1, first?.desc.shape.length ?? 0);
      return first && filled.length === 1 ? first : layer(call.g, filled, axis);
    },
  },
  exporters: [
    exporter(concatOp, (node, writer) => {
      const inputs = Object.values(node.inputs).map((value) => writer.nameOf(value));
      writer.layer(node, 'Concat', inputs, { axis: { int: node.attributes.axis } });
    }),
  ],
};
