/** How integers stand for floats: (q - zero point) * scale. */

import { elementCount, formatShape, type Shape, shapesEqual } from '../runtime/tensor.ts';
import { seenAs, tabulated } from './computed.ts';
import { demand } from './errors.ts';
import { axisOf, type ImportCall, type Operand } from './import_node.ts';
import { MUST_BE_KNOWN } from './problems.ts';

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
  demand(shapesEqual(wanted, scale), shown);
  return { axis, block };
}

/** A scale or zero point in a shape that is repeated to the input's. Throws UnsupportedError where it is computed. */
export function alongAxis(call: ImportCall, index: number): Operand {
  const operand = call.operand(index);
  if (elementCount(call.shape(index)) === 1) return operand;
  const { constant } = operand;
  demand(constant, `scales of channels or blocks ${MUST_BE_KNOWN}`);
  const x = call.shape(0);
  const { type, shape } = constant;
  if (call.int('block_size', 0) > 0) {
    const placeOf = scaleOf(x, shape, quantizationOf(call));
    const repeated = tabulated(x, type, [constant], (scales) => (i) => scales[placeOf(i)] ?? 0);
    return { constant: { ...repeated, name: `${constant.name} repeated` }, type };
  }
  const inner = x.slice(quantizationOf(call).axis + 1).map(() => 1);
  return { constant: seenAs(constant, { shape: [...shape, ...inner] }), type };
}

/** Where the scale of an element of the input is. */
export function scaleOf(
  x: Shape,
  scales: Shape,
  { axis, block }: Quantization,
): (element: number) => number {
  if (elementCount(scales) === 1) return () => 0;
  const extent = x[axis] ?? 1;
  const inner = elementCount(x.slice(axis + 1));
  if (scales.length < x.length || x.length === 1) {
    return (i) => Math.floor((Math.floor(i / inner) % extent) / block);
  }
  const parts = Math.ceil(extent / block);
  return (i) => {
    const along = Math.floor(i / inner);
    const part = Math.floor(along / extent) * parts + Math.floor((along % extent) / block);
    return part * inner + (i % inner);
  };
}
