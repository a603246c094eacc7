/** MaxUnpool, which reads MaxPool's indices. */
import { maxUnpool, maxUnpoolOp } from '../../layers/max_unpool.ts';
import type { Value } from '../../runtime/graph.ts';
import { formatShape, shapesEqual } from '../../runtime/tensor.ts';
import { demand } from '../errors.ts';
import { type Exporters, exporter, read } from '../exporter.ts';
import type { ImportCall, Importers } from '../import_node.ts';
import { DataType as Type } from '../schema/enums.ts';
import { listOf, padsOf } from './windows.ts';

/** Indices count the elements of the output, whose shape is given, or is what the window says. */
function importMaxUnpool(call: ImportCall): Value {
  const x = call.value(0);
  const { shape } = x.desc;
  const given = call.numbersIfGiven(2, 'the output shape');
  const size = given?.slice(2) ?? windowed(call, shape.slice(2));
  demand(
    !given || shapesEqual(given.slice(0, 2), shape.slice(0, 2)),
    `an output of [${given}] has not the images and channels of ${formatShape(shape)}`,
  );
  return maxUnpool(call.g, x, call.value(1), size);
}

function windowed(call: ImportCall, extents: readonly number[]): readonly number[] {
  const rank = extents.length;
  demand(call.has('kernel_shape'), 'kernel_shape is missing');
  const kernel = listOf(call, 'kernel_shape', rank, 1);
  const strides = listOf(call, 'strides', rank, 1);
  const { before, after } = padsOf(call, rank);
  return extents.map((extent, axis) => {
    const whole = (extent - 1) * (strides[axis] ?? 1) + (kernel[axis] ?? 1);
    return whole - (before[axis] ?? 0) - (after[axis] ?? 0);
  });
}

export const importers: Importers = { MaxUnpool: importMaxUnpool };

export const exporters: Exporters = [
  /** Windows of one element, as the shape is given: that of the input but for the size, whatever the batch. */
  exporter(maxUnpoolOp, (node, writer) => {
    const { size } = node.attributes;
    const [x = '', indices = ''] = read(writer, node, 'x', 'indices');
    const [from, to] = [writer.integers(node, 'from', [0]), writer.integers(node, 'to', [2])];
    const planes = writer.step(node, 'Slice', [writer.step(node, 'Shape', [x]), from, to]);
    const extents = writer.integers(node, 'size', size);
    const shape = writer.step(node, 'Concat', [planes, extents], { axis: { int: 0 } });
    const whole = writer.step(node, 'Cast', [indices], { to: { int: Type.INT64 } });
    const ones = { ints: size.map(() => 1) };
    writer.layer(node, 'MaxUnpool', [x, whole, shape], { kernel_shape: ones, strides: ones });
  }),
];
