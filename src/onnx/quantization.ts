/** How integers stand for floats: (q - zero point) * scale. */
import { elementCount, formatShape } from '../runtime/tensor.ts';
import { seenAs } from './computed.ts';
import { demand } from './errors.ts';
import { axisOf, type ImportCall, type Operand } from './import_node.ts';

/** What a scale is for, where it is not one for all: so many elements along an axis, within one channel 1. */
export interface Quantization {
  readonly axis: number;
  readonly block: number;
}

/** Throws UnsupportedError where scales do not fit the input. */
export function quantizationOf(call: ImportCall): Quantization {
  const [x, scale] = [call.shape(0), call.shape(1)];
  if (elementCount(scale) === 1) return { axis: 0, block: 1 };
  const axis = axisOf(call.int('axis', 1), x.length);
  const block = call.int('block_size', 0);
  const shown = `scales ${formatShape(scale)} do not fit ${formatShape(x)} along axis ${axis}`;
  if (block <= 0) {
    demand(scale.length === 1 && scale[0] === x[axis], shown);
    return { axis, block: 1 };
  }
  const wanted = x.with(axis, Math.ceil((x[axis] ?? 1) / block));
  demand(formatShape(wanted) === formatShape(scale), shown);
  return { axis, block };
}

/** A scale or zero point in a shape that is repeated to the input's. Throws UnsupportedError for blocks. */
export function alongAxis(call: ImportCall, index: number): Operand {
  const operand = call.operand(index);
  const rank = call.shape(0).length;
  const { axis, block } = quantizationOf(call);
  demand(
    block === 1,
    'blocks of computed values have scales of their own; those of weights are read',
  );
  if (operand.value || elementCount(operand.constant.shape) === 1) return operand;
  const shape = operand.constant.shape.concat(Array<number>(rank - axis - 1).fill(1));
  return { constant: seenAs(operand.constant, { shape }), type: operand.type };
}
