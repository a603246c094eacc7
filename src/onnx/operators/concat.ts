/** Concat. */
import { concatOp, concat as layer } from '../../layers/concat.ts';
import { elementCount } from '../../runtime/tensor.ts';
import { MOST_ELEMENTS } from '../bounds.ts';
import { demand } from '../errors.ts';
import { type Exporters, exporter } from '../exporter.ts';
import type { Importers } from '../import_node.ts';

export const importers: Importers = {
  Concat(call) {
    // Exporters put empty lists between those of which they make a shape.
    const filled = call.inputs.flatMap((_, i) =>
      elementCount(call.shape(i)) > 0 ? [call.value(i)] : [],
    );
    const [first] = filled;
    const axis = call.axis(1, first?.desc.shape.length ?? 0);
    const elements = filled.reduce((sum, { desc }) => sum + elementCount(desc.shape), 0);
    demand(elements < MOST_ELEMENTS, `makes ${elements} elements, more than ${MOST_ELEMENTS - 1}`);
    return first && filled.length === 1 ? first : layer(call.g, filled, axis);
  },
};

export const exporters: Exporters = [
  exporter(concatOp, (node, writer) => {
    const inputs = Object.values(node.inputs).map((value) => writer.nameOf(value));
    writer.layer(node, 'Concat', inputs, { axis: { int: node.attributes.axis } });
  }),
];
