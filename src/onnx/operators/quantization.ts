/**
 * Arithmetic on integers that stand for floats, as the file says it: quantised values are floats here that hold
 * integers. Products are summed in f32, which is exact up to 2^24.
 */

import { apply, type Expression } from '../../../shaders/lib/expression.ts';
import * as f from '../../../shaders/lib/expression_functions.ts';
import { parameter } from '../../../shaders/lib/expression_parameters.ts';
import { type OperandLike, pointwise } from '../../layers/pointwise.ts';
import { reduce } from '../../layers/reduce.ts';
import type { Value } from '../../runtime/graph.ts';
import { elementCount } from '../../runtime/tensor.ts';
import { computed, seenAs } from '../computed.ts';
import { type ElementType, isFloat, rangeOf } from '../element_type.ts';
import { demand } from '../errors.ts';
import {
  type ImportCall,
  type Importer,
  type Importers,
  numberOf,
  type Operand,
} from '../import_node.ts';
import { MUST_BE_KNOWN } from '../problems.ts';
import { alongAxis } from '../quantization.ts';
import { quantizedType } from '../result_type.ts';
import { type Constant, constant } from '../tensor.ts';
import { importConv } from './conv.ts';
import { importMatMul } from './linear.ts';

type Part = Expression | number;

/** A scale or zero point in an expression: a number where it is one for all and known. */
function part(call: ImportCall, operand: Operand | undefined, otherwise = 0): OperandLike {
  if (!operand) return otherwise;
  const { value, constant } = operand;
  return numberOf(operand) ?? value ?? call.place.weight(constant);
}

/** Layers differ in their scales and zero points, and in little else. */
function bound(given: Part): Expression {
  return typeof given === 'number' ? parameter(given) : given;
}

/** saturate(round(x / scale) + zero point), halves to even; NaN becomes the least integer, as in onnxruntime. */
function quantized(x: Part, scale: Part, zero: Part, type: ElementType): Expression {
  demand(!isFloat(type), `makes ${type}; integers are made`);
  const [least, most] = rangeOf(type);
  const shifted = apply(f.add, apply(f.round, apply(f.div, x, bound(scale))), bound(zero));
  // Of NaN, the comparison is false.
  return apply(f.select, apply(f.greater, shifted, least), apply(f.min, shifted, most), least);
}

/** QuantizeLinear: of inputs x, scale and zero point. */
export function quantize(call: ImportCall): Value {
  const zero = call.inputs[2] && alongAxis(call, 2);
  const type = quantizedType(call);
  const inputs = [call.value(0), part(call, alongAxis(call, 1)), part(call, zero)];
  return pointwise(call.g, inputs, (x = 0, scale = 1, shift = 0) =>
    quantized(x, scale, shift, type),
  );
}

/** DequantizeLinear: of inputs q, scale and zero point. */
export function dequantize(call: ImportCall): Value {
  const zero = call.inputs[2] && alongAxis(call, 2);
  const inputs = [call.value(0), part(call, zero), part(call, alongAxis(call, 1))];
  return pointwise(call.g, inputs, (q = 0, shift = 0, scale = 1) =>
    apply(f.mul, apply(f.sub, q, bound(shift)), bound(scale)),
  );
}

/** To 8 bits between the least and the most of the values, of which 0 is one. */
const quantizeBySize: Importer = (call) => {
  const x = call.value(0);
  const most = reduce(call.g.at('most'), x, 'max', { keepAxes: false });
  const least = reduce(call.g.at('least'), x, 'min', { keepAxes: false });
  const scale = pointwise(call.g.at('scale'), [most, least], (high = 0, low = 0) => {
    const range = apply(f.sub, apply(f.max, high, 0), apply(f.min, low, 0));
    return apply(f.select, apply(f.equal, range, 0), 1, apply(f.div, range, 255));
  });
  const zero = pointwise(call.g.at('zero'), [least, scale], (low = 0, step = 1) =>
    quantized(apply(f.neg, apply(f.min, low, 0)), step, 0, 'uint8'),
  );
  const y = pointwise(call.g, [x, scale, zero], (v = 0, step = 1, shift = 0) =>
    quantized(v, step, shift, 'uint8'),
  );
  return [y, scale, zero];
};

/** A factor less its zero point, which may be one for each channel, along `axis`. */
export function centred(call: ImportCall, index: number, zero: number, axis: number): Operand {
  const operand = call.operand(index);
  const { value, constant } = operand;
  const shift = call.inputs[zero];
  if (!shift) return operand;
  const one = elementCount(call.shape(zero)) === 1;
  const rank = call.shape(index).length;
  const channel = axis < 0 ? axis + rank : axis;
  if (constant && shift.constant) {
    const inner = elementCount(constant.shape.slice(channel + 1));
    const extent = constant.shape[channel] ?? 1;
    const fits = one || elementCount(shift.constant.shape) === extent;
    demand(fits, `zero points are not as many as channels: ${extent}`);
    const made = computed(constant.shape, 'float32', [constant, shift.constant], (q, zeros) =>
      Float32Array.from(q, (v, i) => v - (zeros[one ? 0 : Math.floor(i / inner) % extent] ?? 0)),
    );
    return { constant: { ...made, name: `${call.name}.centred${index}` }, type: 'float32' };
  }
  const shape = one ? [] : [call.shape(zero)[0] ?? 1, ...Array<number>(rank - channel - 1).fill(1)];
  const aligned: Operand = shift.constant
    ? { constant: seenAs(shift.constant, { shape }), type: shift.type }
    : shift;
  demand(one || aligned.constant, `zero points of channels ${MUST_BE_KNOWN}`);
  const x = value ?? call.place.weight(constant);
  const g = call.g.at(`centred${index}`);
  const moved = pointwise(g, [x, part(call, aligned)], (q = 0, z = 0) => apply(f.sub, q, bound(z)));
  return { value: moved, type: 'float32' };
}

/** The node as one of floats: the same attributes, with other inputs. */
export function asFloats(
  call: ImportCall,
  product: (call: ImportCall) => Value,
  inputs: readonly (Operand | undefined)[],
): Value {
  return product(call.with({ g: call.g.at('product'), inputs }));
}

/** A product of quantised factors, of which the scales are inputs 1 and 4, times these. */
export function scaledBack(
  call: ImportCall,
  product: Value,
  channels: (scale: Constant) => Constant = (scale) => scale,
): Value {
  const scales = [1, 4].map((index): OperandLike => {
    const operand = call.operand(index);
    return operand.constant && elementCount(operand.constant.shape) > 1
      ? call.place.weight(channels(operand.constant))
      : part(call, operand);
  });
  return pointwise(call.g.at('scaled'), [product, ...scales], (sum = 0, a = 1, b = 1) =>
    apply(f.mul, apply(f.mul, sum, bound(a)), bound(b)),
  );
}

/** A result in floats, quantised as inputs say: a scale and, after it, a zero point, by default 0 of a type. */
export function quantizedAs(
  call: ImportCall,
  value: Value,
  scale: number,
  type: ElementType = 'uint8',
): Value {
  const floats: Operand = { value, type: 'float32' };
  const zero = call.inputs[scale + 1] ?? { constant: constant([], [0], type), type };
  return quantize(call.with({ inputs: [floats, call.operand(scale), zero] }));
}

export const importers: Importers = {
  QuantizeLinear: quantize,
  DequantizeLinear: dequantize,
  DynamicQuantizeLinear: quantizeBySize,
  ConvInteger: (call) =>
    asFloats(call, importConv, [centred(call, 0, 2, 1), centred(call, 1, 3, 0)]),
  MatMulInteger: (call) =>
    asFloats(call, importMatMul, [centred(call, 0, 2, -2), centred(call, 1, 3, -1)]),
  QLinearConv(call) {
    const factors = [centred(call, 0, 2, 1), centred(call, 3, 5, 0)];
    const product = asFloats(call, importConv, [...factors, call.inputs[8]]);
    const spatial = Array<number>(Math.max(0, product.desc.shape.length - 2)).fill(1);
    const channels = (scale: Constant) =>
      seenAs(scale, { shape: [elementCount(scale.shape), ...spatial] });
    return quantizedAs(call, scaledBack(call, product, channels), 6);
  },
  QLinearMatMul(call) {
    const product = asFloats(call, importMatMul, [
      centred(call, 0, 2, -2),
      centred(call, 3, 5, -1),
    ]);
    return quantizedAs(call, scaledBack(call, product), 6);
  },
};
