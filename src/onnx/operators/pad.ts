/** Pad, and CenterCropPad, which says the size that is to come of it. */
import { pad as layer } from '../../layers/pad.ts';
import { pad2dOp } from '../../layers/pad2d.ts';
import { rearrange } from '../../layers/rearrange.ts';
import type { Value } from '../../runtime/graph.ts';
import { Pad } from '../../runtime/movement/index.ts';
import { demand } from '../errors.ts';
import { type Exporters, exporter, read } from '../exporter.ts';
import { axisOf, type ImportCall, type Importers } from '../import_node.ts';

function importPad(call: ImportCall): Value {
  const x = call.value(0);
  const { shape } = x.desc;
  const mode = call.choice('mode', 'constant', 'edge', 'reflect', 'wrap');
  const pads = call.integers(1, 'pads') ?? [];
  const axes = call.numbersIfGiven(3, 'the axes') ?? [...shape.keys()];
  const paired = pads.length === 2 * axes.length;
  demand(paired, `pads ${axes.length} axes by ${pads.length} amounts [${pads}]`);
  const [before, after] = [shape.map(() => 0), shape.map(() => 0)];
  for (const [i, axis] of axes.entries()) {
    before[axisOf(axis, shape.length)] = pads[i] ?? 0;
    after[axisOf(axis, shape.length)] = pads[axes.length + i] ?? 0;
  }
  const filling = mode === 'constant' ? call.numbersIfGiven(2, 'the value', 1) : undefined;
  const [value = 0] = filling ?? [call.float('value', 0)];
  return layer(call.g, x, { before, after, mode, value });
}

/** What is to be cut or padded is so on both sides, the odd one at the end, or of what is cut at the front. */
function importCenterCropPad(call: ImportCall): Value {
  const x = call.value(0);
  const { shape } = x.desc;
  const wanted = call.numbers(1, 'the shape');
  const axes = call.ints('axes')?.map((axis) => axisOf(axis, shape.length)) ?? [...shape.keys()];
  demand(wanted.length === axes.length, `[${wanted}] are not the extents of ${axes.length} axes`);
  const [before, after] = [shape.map(() => 0), shape.map(() => 0)];
  for (const [i, axis] of axes.entries()) {
    const more = (wanted[i] ?? 1) - (shape[axis] ?? 1);
    before[axis] = Math.trunc(more / 2);
    after[axis] = more - Math.trunc(more / 2);
  }
  return rearrange(call.g, x, [new Pad({ before, after, value: 0 })]);
}

export const importers: Importers = { Pad: importPad, CenterCropPad: importCenterCropPad };

export const exporters: Exporters = [
  exporter(pad2dOp, (node, writer) => {
    const { padding, mode, value } = node.attributes;
    const { top, left, bottom, right } = padding;
    const pads = writer.integers(node, 'pads', [0, 0, top, left, 0, 0, bottom, right]);
    if (mode === 'wrap') writer.requireOpset(19);
    const filling = mode === 'constant' ? [writer.scalar(node, 'value', value)] : [];
    const inputs = [...read(writer, node, 'x'), pads, ...filling];
    writer.layer(node, 'Pad', inputs, { mode: { string: mode } });
  }),
];
