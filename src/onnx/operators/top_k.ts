/** TopK: both outputs of it are one tensor here, of pairs. */

import { rearrange } from '../../layers/rearrange.ts';
import { topElements, topKOp } from '../../layers/top_k.ts';
import { UnsupportedError } from '../../runtime/errors.ts';
import { Slice, Squeeze } from '../../runtime/movement/index.ts';
import { formatShape } from '../../runtime/tensor.ts';
import { exporter, read } from '../exporter.ts';
import { axisOf, known, listOf, value } from '../import_node.ts';
import { TensorProto_DataType } from '../schema/onnx_pb.ts';
import type { OperatorRows } from './rows.ts';

export const topK: OperatorRows = {
  importers: {
    TopK(call) {
      const { attributes, g } = call;
      const x = value(call, 0);
      const { shape } = x.desc;
      const axis = axisOf(attributes.int('axis', -1), shape.length);
      if (shape.length !== 2 || axis !== 1 || attributes.int('largest', 1) !== 1) {
        throw new UnsupportedError(
          `is of ${formatShape(shape)}, axis ${axis}; the largest of rows [N, C] are read`,
        );
      }
      const [k = 0] = call.inputs[1] ? listOf(known(call, 1, 'k'), 1) : [attributes.int('k', 0)];
      const pairs = topElements(g, x, k);
      return ['values', 'indices'].map((part, i) =>
        rearrange(g.at(part), pairs, [
          new Slice({ axis: 2, from: i, to: i + 1, step: 1 }),
          new Squeeze({ axes: [2] }),
        ]),
      );
    },
  },
  exporters: [
    // Indices of what is not a number are another matter to every runtime.
    exporter(topKOp, (node, writer) => {
      const k = writer.integers(node, 'k', [node.attributes.k]);
      const [values, indices] = [writer.between(node, 'values'), writer.between(node, 'indices')];
      const inputs = [...read(writer, node, 'x'), k];
      writer.node('TopK', `${node.name}/TopK`, inputs, [values, indices], { axis: { int: 1 } });
      const floats = writer.step(node, 'Cast', [indices], {
        to: { int: TensorProto_DataType.FLOAT },
      });
      const last = writer.integers(node, 'axes', [2]);
      const pairs = [values, floats].map((part) => writer.step(node, 'Unsqueeze', [part, last]));
      writer.layer(node, 'Concat', pairs, { axis: { int: 2 } });
    }),
  ],
};
