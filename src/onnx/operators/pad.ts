/** Pad: a constant is a movement, of any axes; edges and reflections are a kernel's, of height and width. */

import { pad2d, pad2dOp } from '../../layers/pad2d.ts';
import { rearrange } from '../../layers/rearrange.ts';
import { Pad } from '../../runtime/movement/index.ts';
import { formatShape } from '../../runtime/tensor.ts';
import { demand } from '../errors.ts';
import { exporter, type OperatorRows, read } from '../exporter.ts';
import { axisOf } from '../import_node.ts';

export const pad: OperatorRows = {
  importers: {
    Pad(call) {
      const x = call.value(0);
      const { shape } = x.desc;
      const mode = call.choice('mode', 'constant', 'edge', 'reflect');
      const pads = call.integers(1, 'pads') ?? call.ints('paddings') ?? [];
      const axes = call.numbersIfGiven(3, 'the axes') ?? [...shape.keys()];
      const paired = pads.length === 2 * axes.length;
      demand(paired, `pads ${axes.length} axes by ${pads.length} amounts [${pads}]`);
      const [before, after] = [shape.map(() => 0), shape.map(() => 0)];
      for (const [i, axis] of axes.entries()) {
        before[axisOf(axis, shape.length)] = pads[i] ?? 0;
        after[axisOf(axis, shape.length)] = pads[axes.length + i] ?? 0;
      }
      if (mode === 'constant') {
        const filling = call.numbersIfGiven(2, 'the value', 1) ?? [call.float('value', 0)];
        return rearrange(call.g, x, [new Pad({ before, after, value: filling[0] ?? 0 })]);
      }
      const [batch, channels, top = 0, left = 0] = before;
      const [batchAfter, channelsAfter, bottom = 0, right = 0] = after;
      demand(
        shape.length === 4 && !(batch || channels || batchAfter || channelsAfter),
        `pads ${formatShape(shape)} by [${pads}], ${mode}; only height and width are`,
      );
      return pad2d(call.g, x, { top, left, bottom, right }, { mode });
    },
    /** As much of the middle as there is, with zeros around it. */
    CenterCropPad(call) {
      const x = call.value(0);
      const { shape } = x.desc;
      const extents = call.numbers(1, 'the shape');
      const axes = call.ints('axes')?.map((axis) => axisOf(axis, shape.length)) ?? [
        ...shape.keys(),
      ];
      demand(axes.length === extents.length, `${extents.length} extents for ${axes.length} axes`);
      const [before, after] = [shape.map(() => 0), shape.map(() => 0)];
      for (const [i, axis] of axes.entries()) {
        // What is cut is a negative padding; of an odd rest, there is more at the end.
        const more = (extents[i] ?? 0) - (shape[axis] ?? 0);
        const first = Math.sign(more) * Math.floor(Math.abs(more) / 2);
        before[axis] = first;
        after[axis] = more - first;
      }
      return rearrange(call.g, x, [new Pad({ before, after, value: 0 })]);
    },
  },
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
