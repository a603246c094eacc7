/** TopK: both outputs of it are one tensor here, of pairs. */
import { rearrange } from '../../layers/rearrange.ts';
import { topElements, topKOp } from '../../layers/top_k.ts';
import { Reshape, Slice, Transpose } from '../../runtime/movement/index.ts';
import { type Exporters, exporter, read } from '../exporter.ts';
import type { Importers } from '../import_node.ts';
import { DataType } from '../schema/enums.ts';

export const importers: Importers = {
  TopK(call) {
    const x = call.value(0);
    const { shape } = x.desc;
    const axis = call.axis(-1, shape.length);
    const [k = 0] = call.numbersIfGiven(1, 'k', 1) ?? [call.int('k', 0)];
    // The axis last, and all others as one.
    const [extent = 1] = shape.slice(axis);
    const order = [...shape.keys()].toSpliced(axis, 1).concat(axis);
    const rows = rearrange(call.g.at('rows'), x, [
      new Transpose({ order }),
      new Reshape({ extents: [-1, extent] }),
    ]);
    const pairs = topElements(
      call.g.at('pairs'),
      rows,
      k,
      call.flag('largest', true) ? 'largest' : 'least',
    );
    const found = order.map((from) => (from === axis ? k : (shape[from] ?? 1)));
    return ['values', 'indices'].map((part, i) =>
      rearrange(call.g.at(part), pairs, [
        new Slice({ axis: 2, from: i, to: i + 1, step: 1 }),
        new Reshape({ extents: found }),
        new Transpose({ order: order.map((_, to) => order.indexOf(to)) }),
      ]),
    );
  },
};

export const exporters: Exporters = [
  // Indices of what is not a number are another matter to every runtime.
  exporter(topKOp, (node, writer) => {
    const k = writer.integers(node, 'k', [node.attributes.k]);
    const [values, indices] = [writer.between(node, 'values'), writer.between(node, 'indices')];
    const inputs = [...read(writer, node, 'x'), k];
    writer.node('TopK', `${node.name}/TopK`, inputs, [values, indices], {
      axis: { int: 1 },
      largest: { int: node.attributes.order === 'largest' },
    });
    const floats = writer.step(node, 'Cast', [indices], {
      to: { int: DataType.FLOAT },
    });
    const last = writer.integers(node, 'axes', [2]);
    const pairs = [values, floats].map((part) => writer.step(node, 'Unsqueeze', [part, last]));
    writer.layer(node, 'Concat', pairs, { axis: { int: 2 } });
  }),
];
