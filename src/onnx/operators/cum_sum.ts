/** CumSum. */
import { cumSumOp, cumSum as layer } from '../../layers/cum_sum.ts';
import { type Exporters, exporter, read } from '../exporter.ts';
import { axisOf, type Importers } from '../import_node.ts';

export const importers: Importers = {
  CumSum(call) {
    const x = call.value(0);
    const [axis = 0] = call.numbers(1, 'the axis', 1);
    const [exclusive, reverse] = [call.flag('exclusive'), call.flag('reverse')];
    return layer(call.g, x, axisOf(axis, x.desc.shape.length), { exclusive, reverse });
  },
};

export const exporters: Exporters = [
  exporter(cumSumOp, (node, writer) => {
    const { axis, exclusive, reverse } = node.attributes;
    const inputs = [...read(writer, node, 'x'), writer.integers(node, 'axis', [axis])];
    writer.layer(node, 'CumSum', inputs, {
      exclusive: { int: exclusive },
      reverse: { int: reverse },
    });
  }),
];
