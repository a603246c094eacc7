/** TopK: both outputs of it are one tensor here, of pairs. */

import { rearrange } from '../../layers/rearrange.ts';
import { topElements, topKOp } from '../../layers/top_k.ts';
import { Slice, Squeeze } from '../../runtime/movement/index.ts';
import { formatShape } from '../../runtime/tensor.ts';
import { demand } from '../errors.ts';
import { exporter, type OperatorRows, read } from '../exporter.ts';
import { TensorProto_DataType } from '../schema/onnx_pb.ts';

export const topK: OperatorRows = {
  importers: {
    TopK(call) {
      const x = call.value(0);
      const { shape } = x.desc;
      const axis = call.axis(-1, shape.length);
      demand(
        shape.length === 2 && axis === 1 && call.flag('largest', true),
        `is of ${formatShape(shape)}, axis ${axis}; the largest of rows [N, C] are read`,
      );
      const [k = 0] = call.numbersIfGiven(1, 'k', 1) ?? [call.int('k', 0)];
      const pairs = topElements(call.g, x, k);
      return ['values', 'indices'].map((part, i) =>
        rearrange(call.g.at(part), pairs, [
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
