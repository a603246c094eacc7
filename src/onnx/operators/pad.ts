/** Pad: a constant is a movement, of any axes; edges and reflections are a kernel's, of height and width. */

import { pad2d, pad2dOp } from '../../layers/pad2d.ts';
import { UnsupportedError } from '../../runtime/errors.ts';
import { Pad } from '../../runtime/movement/index.ts';
import { formatShape } from '../../runtime/tensor.ts';
import { exporter, read } from '../exporter.ts';
import { axisOf, type Importer, integers, knownIfGiven, listOf, value } from '../import_node.ts';
import { moveBy } from './rearrange.ts';
import type { OperatorRows } from './rows.ts';

const importPad: Importer = (call) => {
  const x = value(call, 0);
  const { shape } = x.desc;
  const mode = call.attributes.string('mode', 'constant');
  const pads = integers(call, 1, 'pads') ?? call.attributes.ints('paddings') ?? [];
  const which = knownIfGiven(call, 3, 'the axes');
  const axes = which ? listOf(which) : shape.map((_, axis) => axis);
  if (pads.length !== 2 * axes.length) {
    throw new UnsupportedError(`pads ${axes.length} axes by ${pads.length} amounts [${pads}]`);
  }
  const [before, after] = [shape.map(() => 0), shape.map(() => 0)];
  for (const [i, axis] of axes.entries()) {
    before[axisOf(axis, shape.length)] = pads[i] ?? 0;
    after[axisOf(axis, shape.length)] = pads[axes.length + i] ?? 0;
  }
  if (mode === 'constant') {
    const filling = knownIfGiven(call, 2, 'the value');
    const fill = filling ? (listOf(filling, 1)[0] ?? 0) : call.attributes.float('value', 0);
    return moveBy(call, x, [new Pad({ before, after, value: fill })]);
  }
  if (mode !== 'edge' && mode !== 'reflect') {
    throw new UnsupportedError(`mode is ${mode}; constant, edge and reflect are read`);
  }
  if (shape.length !== 4 || before[0] || before[1] || after[0] || after[1]) {
    throw new UnsupportedError(
      `pads ${formatShape(shape)} by [${pads}], ${mode}; only height and width are`,
    );
  }
  const [, , top = 0, left = 0] = before;
  const [, , bottom = 0, right = 0] = after;
  return pad2d(call.g, x, { top, left, bottom, right }, { mode });
};

export const pad: OperatorRows = {
  importers: { Pad: importPad },
  exporters: [
    exporter(pad2dOp, (node, writer) => {
      const { padding, mode, value } = node.attributes;
      const { top, left, bottom, right } = padding;
      const pads = writer.integers(node, 'pads', [0, 0, top, left, 0, 0, bottom, right]);
      const filling = mode === 'constant' ? [writer.scalar(node, 'value', value)] : [];
      const inputs = [...read(writer, node, 'x'), pads, ...filling];
      writer.layer(node, 'Pad', inputs, { mode: { string: mode } });
    }),
  ],
};
