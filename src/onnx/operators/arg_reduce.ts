/** ArgMax, ArgMin. */
import { argMax, argMin, argReduceOp } from '../../layers/arg_reduce.ts';
import { type Exporters, exporter, read } from '../exporter.ts';
import type { Importer, Importers } from '../import_node.ts';
import { DataType } from '../schema/enums.ts';

function finding(layer: typeof argMax): Importer {
  return (call) =>
    layer(call.g, call.value(0), {
      axis: call.axis(0, call.shape(0).length),
      keepAxis: call.flag('keepdims', true),
      takes: call.flag('select_last_index') ? 'last' : 'first',
    });
}

export const importers: Importers = { ArgMax: finding(argMax), ArgMin: finding(argMin) };

export const exporters: Exporters = [
  // Indices are numbers here.
  exporter(argReduceOp, (node, writer) => {
    const { order, axis, keepAxis, takes } = node.attributes;
    const opType = order === 'largest' ? 'ArgMax' : 'ArgMin';
    const found = writer.step(node, opType, read(writer, node, 'x'), {
      axis: { int: axis },
      keepdims: { int: keepAxis },
      select_last_index: { int: takes === 'last' },
    });
    writer.layer(node, 'Cast', [found], { to: { int: DataType.FLOAT } });
  }),
];
