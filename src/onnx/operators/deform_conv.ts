/** DeformConv. */
import { deformConv2dOp } from '../../layers/deform_conv2d.ts';
import { overPlanes } from '../../layers/volume.ts';
import type { Value } from '../../runtime/graph.ts';
import { elementCount, formatShape } from '../../runtime/tensor.ts';
import { demand } from '../errors.ts';
import { type Exporters, exporter, read } from '../exporter.ts';
import type { ImportCall, Importers } from '../import_node.ts';
import { kernelOf, Space, windowAttributes, windowOf } from './windows.ts';

function importDeformConv(call: ImportCall): Value {
  const [x, weight, offset] = [call.value(0), call.value(1), call.value(2)];
  const [bias, mask] = [3, 4].map((index) => call.inputs[index] && call.value(index));
  const kernel = kernelOf(call, weight.desc.shape);
  demand(x.desc.shape.length === 4, `expects a map, got ${formatShape(x.desc.shape)}`);
  const attributes = {
    ...overPlanes(windowOf(new Space(call, x, kernel, 'deformable convolutions'))),
    groups: call.int('group', 1),
  };
  const offsets = 2 * elementCount(kernel) * call.int('offset_group', 1);
  demand(
    offset.desc.shape[1] === offsets,
    `expects ${offsets} offsets a window, got ${formatShape(offset.desc.shape)}`,
  );
  const inputs = { x, weight, offset, ...(bias && { bias }), ...(mask && { mask }) };
  return call.g.add(deformConv2dOp, attributes, inputs);
}

export const importers: Importers = { DeformConv: importDeformConv };

export const exporters: Exporters = [
  exporter(deformConv2dOp, (node, writer) => {
    const { bias, mask, offset } = node.inputs;
    const { kernel, padding, groups } = node.attributes;
    const last = bias || !mask ? read(writer, node, 'bias', 'mask') : ['', writer.nameOf(mask)];
    const offsets = offset?.desc.shape[1] ?? 0;
    writer.requireOpset(19);
    writer.layer(node, 'DeformConv', [...read(writer, node, 'x', 'weight', 'offset'), ...last], {
      ...windowAttributes(node.attributes, padding),
      group: { int: groups },
      offset_group: { int: offsets / (2 * elementCount(kernel)) },
    });
  }),
];
