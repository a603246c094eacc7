/** Col2Im. */
import { col2imOp, col2im as layer } from '../../layers/col2im.ts';
import { demand } from '../errors.ts';
import { type Exporters, exporter, read } from '../exporter.ts';
import type { Importers } from '../import_node.ts';
import { listOf, padsOf, windowAttributes } from './windows.ts';

export const importers: Importers = {
  Col2Im(call) {
    const sizes = call.numbers(1, 'the shape of the image');
    const kernel = call.numbers(2, 'the shape of the block');
    const rank = sizes.length;
    demand(kernel.length === rank, `a block of [${kernel}] is none of an image of [${sizes}]`);
    const strides = listOf(call, 'strides', rank, 1);
    const dilations = listOf(call, 'dilations', rank, 1);
    const { before, after } = padsOf(call, rank);
    const axes = sizes.map((size, axis) => ({
      size,
      kernel: kernel[axis] ?? 1,
      stride: strides[axis] ?? 1,
      dilation: dilations[axis] ?? 1,
      padding: [before[axis] ?? 0, after[axis] ?? 0] as const,
    }));
    return layer(call.g, call.value(0), axes);
  },
};

export const exporters: Exporters = [
  exporter(col2imOp, (node, writer) => {
    const { size, kernel, padding } = node.attributes;
    const shapes = [writer.integers(node, 'image', size), writer.integers(node, 'block', kernel)];
    const { kernel_shape, ...attributes } = windowAttributes(node.attributes, padding);
    writer.requireOpset(18);
    writer.layer(node, 'Col2Im', [...read(writer, node, 'x'), ...shapes], attributes);
  }),
];
