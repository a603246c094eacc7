/** What computes each element from one of each input: activations, arithmetic, comparisons, conditions. */
import {
  apply,
  type Expression,
  type ExpressionFunction,
  operandsOf,
} from '../../../shaders/lib/expression.ts';
import * as f from '../../../shaders/lib/expression_functions.ts';
import { parameter } from '../../../shaders/lib/expression_parameters.ts';
import { toF32 } from '../../../shaders/lib/expression_wgsl.ts';
import { toBfloat16 } from '../../../shaders/lib/narrow_floats.ts';
import { gelu, prelu, silu } from '../../layers/activations.ts';
import { binary } from '../../layers/arithmetic.ts';
import { perChannel } from '../../layers/per_channel.ts';
import { pointwise as layer, type OperandLike, pointwiseOp } from '../../layers/pointwise.ts';
import { rearrange } from '../../layers/rearrange.ts';
import { broadcastShape } from '../../runtime/broadcast.ts';
import type { Value } from '../../runtime/graph.ts';
import { Unsqueeze } from '../../runtime/movement/index.ts';
import { inputShape, requireInput } from '../../runtime/operator.ts';
import { elementCount, formatShape, type Shape, shapesEqual } from '../../runtime/tensor.ts';
import { tabulated } from '../computed.ts';
import { bitsOf, isFloat, isInteger, rangeOf } from '../element_type.ts';
import { demand } from '../errors.ts';
import { castConstant } from '../evaluators/arithmetic.ts';
import { type Exporters, exporter } from '../exporter.ts';
import { type ImportCall, type Importer, type Importers, numberOf } from '../import_node.ts';
import { resultType } from '../result_type.ts';
import { normOfProduct, normOfQuotient } from './decomposed_norm.ts';
import { writeExpression } from './expression_nodes.ts';
import { FUNCTIONS, NAMED, type NamedFunction, nameOf } from './functions.ts';

type Part = Expression | number;

/** Inputs for an expression: a constant of one element is a number in it, where it adds no axis. */
export function operands(
  call: ImportCall,
  count: number = call.inputs.length,
): readonly OperandLike[] {
  const inputs = Array.from({ length: count }, (_, i) => ({
    number: numberOf(call.operand(i)),
    rank: call.shape(i).length,
  }));
  const tensors = inputs.filter(({ number }) => number === undefined);
  const rank = Math.max(-1, ...tensors.map((tensor) => tensor.rank));
  return inputs.map(({ number = Number.NaN, rank: own }, i) =>
    own <= rank && Number.isFinite(number) ? single(number) : call.value(i),
  );
}

function expressed(count: number, make: (a: Part, b: Part, c: Part) => Expression): Importer {
  return (call) => {
    const given = operands(call, count);
    // Single values are scaled by numbers in which layers differ, and in little else.
    const isOne = given.every(
      (one) => typeof one === 'number' || elementCount(one.desc.shape) === 1,
    );
    const bound = (part: Part) => (isOne && typeof part === 'number' ? parameter(part) : part);
    return layer(call.g, given, (a = 0, b = 0, c = 0) => make(bound(a), bound(b), bound(c)));
  };
}

function named({ build, parameters = {} }: NamedFunction): Importer {
  return (call) => {
    const given = Object.entries(parameters).map(([name, otherwise]) =>
      finite(name, call.float(name, otherwise)),
    );
    return build(call.g, call.value(0), ...given);
  };
}

/** A number of an expression, which computes in f32. Throws UnsupportedError where it is larger than any. */
function single(number: number): number {
  demand(Number.isFinite(Math.fround(number)), `${number} does not fit f32, in which is computed`);
  return number;
}

function finite(name: string, number: number): number {
  demand(Number.isFinite(number), `${name} is ${number}, not finite`);
  return number;
}

/** What leaves the range of a type that wraps around, where computing in floats would not. */
const WRAPPING = new Set(['Add', 'Sub', 'Mul', 'Neg', 'Pow']);
/** The same of types with a sign only: the least by -1. */
const WRAPPING_BY_SIGN = 'Div';

function ofFunction(fn: ExpressionFunction): Importer {
  const count = fn.evaluate.length;
  const aligned = expressed(count, (...args) => apply(fn, ...args.slice(0, count)));
  if (count !== 2) return aligned;
  return (call) => {
    demandNoWrapping(call);
    if (call.opset >= 7 || !call.has('axis')) return aligned(call);
    const x = call.value(0);
    return layer(call.g, [x, alignedAt(call, x, call.value(1))], (a = 0, b = 0) => apply(fn, a, b));
  };
}

function demandNoWrapping(call: ImportCall): void {
  const type = call.type(0);
  const { opType } = call.node;
  const leaves = WRAPPING.has(opType) || (opType === WRAPPING_BY_SIGN && rangeOf(type)[0] < 0);
  const wraps = isInteger(type) && bitsOf(type) < 32 && leaves;
  const known = call.inputs.every((input) => input?.constant);
  demand(
    known || !wraps,
    `wraps around in ${type}, as floats do not; cast to int32 or float first`,
  );
}

/** Towards zero, of integers. */
const div: Importer = (call) => {
  const quotient = ofFunction(f.div);
  if (!isInteger(call.type(0))) return quotient(call);
  demandNoWrapping(call);
  return expressed(2, wholeQuotient)(call);
};

/** GPUs take logarithms, of whose sums integers come out near the whole. */
const pow: Importer = (call) => {
  const power = ofFunction(f.pow);
  if (!isInteger(call.type(0))) return power(call);
  demandNoWrapping(call);
  return expressed(2, (a, b) => apply(f.round, apply(f.pow, a, b)))(call);
};

const mul = ofFunction(f.mul);

/** Of the divisor's sign, as in Python, or with `fmod` of the dividend's, as in C. */
const mod: Importer = (call) => {
  const [cutsOff, whole] = [call.flag('fmod'), isInteger(call.type(0))];
  return expressed(2, (a, b) => {
    if (!whole) return remainder(a, b, (cutsOff ? truncated : floored)(apply(f.div, a, b)));
    const rest = remainder(a, b, wholeQuotient(a, b));
    const opposite = apply(f.less, apply(f.mul, rest, apply(f.sign, b)), 0);
    return cutsOff ? rest : apply(f.add, rest, apply(f.select, opposite, b, 0));
  })(call);
};

function remainder(a: Part, b: Part, quotient: Part): Expression {
  return apply(f.sub, a, apply(f.mul, quotient, b));
}

function floored(x: Part): Expression {
  return apply(f.floor, x);
}

/** Without its fraction. */
export function truncated(x: Part): Expression {
  return apply(f.select, apply(f.less, x, 0), apply(f.ceil, x), apply(f.floor, x));
}

/** The quotient of two integers of up to 2^22, cut off towards zero. */
export function wholeQuotient(a: Part, b: Part): Expression {
  const sign = apply(f.mul, apply(f.sign, a), apply(f.sign, b));
  const [dividend, divisor] = [apply(f.abs, a), apply(f.abs, b)];
  const quotient = apply(f.floor, apply(f.div, dividend, divisor));
  return apply(f.mul, sign, corrected(quotient, dividend, divisor));
}

/**
 * A quotient of integers from 0 on that may be one off: GPUs divide to 2.5 units in the last place, so that 6 / 3 may
 * fall short of 2. What remains tells.
 */
export function corrected(quotient: Part, a: Part, b: Part): Expression {
  const rest = remainder(a, b, quotient);
  return apply(f.sub, apply(f.add, quotient, apply(f.less_equal, b, rest)), apply(f.less, rest, 0));
}

/** Before operator set 7, an axis said where the shorter shape begins in the longer. */
function alignedAt(call: ImportCall, x: Value, short: Value): Value {
  const rank = x.desc.shape.length;
  const axis = call.axis(0, rank);
  const own = short.desc.shape.length;
  const axes = Array.from({ length: Math.max(0, rank - axis - own) }, (_, i) => own + i);
  if (axes.length === 0) return short;
  const shape: Shape = [...short.desc.shape, ...axes.map(() => 1)];
  return short.kind === 'weight'
    ? call.derived(short, `as ${formatShape(shape)}`, shape, (data) => data)
    : rearrange(call.g.at('aligned'), short, [new Unsqueeze({ axes })]);
}

/**
 * Of any number of inputs, in any order: two by two, which passes merge as far as a device can bind them. Numbers come
 * last, since two of them make no layer.
 */
function ofMany(call: ImportCall, fn: f.Binary, g = call.g): Value {
  const isNumber = (operand: OperandLike): number => Number(typeof operand === 'number');
  const [first = 0, second, ...rest] = operands(call).toSorted((a, b) => isNumber(a) - isNumber(b));
  if (second === undefined) return call.value(0);
  return rest.reduce<Value>(
    (sum, next, i) => binary(g.at(`part${i}`), fn, sum, next),
    binary(g, fn, first, second),
  );
}

const mean: Importer = (call) => {
  const sum = ofMany(call, f.add, call.g.at('sum'));
  const count = call.inputs.length;
  return count > 1 ? binary(call.g, f.div, sum, count) : sum;
};

/** Bounds as attributes, or since operator set 11 as inputs: the largest numbers by default; infinite ones are none. */
const clip: Importer = (call) => {
  const bound = (index: number, name: string, none: number): OperandLike | undefined => {
    const given = call.inputs[index];
    const number = given ? numberOf(given) : call.float(name, toF32(none));
    if (number === undefined) return call.value(index);
    if (number === none) return undefined;
    demand(!Number.isNaN(number), `${name} is not a number`);
    return Number.isFinite(number) ? number : toF32(number);
  };
  const least = bound(1, 'min', Number.NEGATIVE_INFINITY);
  const most = bound(2, 'max', Number.POSITIVE_INFINITY);
  return layer(call.g, [call.value(0), least ?? 0, most ?? 0], (x = 0, low = 0, high = 0) => {
    const raised = least === undefined ? x : apply(f.max, x, low);
    return most === undefined ? apply(f.add, raised, 0) : apply(f.min, raised, high);
  });
};

/**
 * Every float is an f32 here, of which a bfloat16 is one with fewer digits; integers are floats without a fraction, and
 * true and false are 1 and 0.
 */
const cast: Importer = (call) => {
  // Of another type's tensor, only the type is read.
  if (call.operand(0).constant) return castConstant(call);
  const [from, to] = [call.type(0), resultType(call, 0)];
  const x = call.value(0);
  if (from === to || from === 'bool') return x;
  if (to === 'bfloat16') return layer(call.g, [x], (v = 0) => apply(toBfloat16, v));
  if (isFloat(to)) return x;
  if (to === 'bool') return layer(call.g, [x], (v = 0) => apply(f.select, v, 1, 0));
  if (isFloat(from)) return layer(call.g, [x], (v = 0) => truncated(apply(f.add, v, 0)));
  const [least, most] = rangeOf(to);
  const [first, last] = rangeOf(from);
  // Beyond 32 bits, floats have no lower bits to keep.
  if ((first >= least && last <= most) || bitsOf(to) >= 32) return x;
  const count = most - least + 1;
  return layer(call.g, [x], (v = 0) => {
    const turns = apply(f.floor, apply(f.div, apply(f.sub, v, least), count));
    return apply(f.sub, v, apply(f.mul, turns, count));
  });
};

/** What is on a diagonal and above it, or below it; the rest is 0. */
const triangle: Importer = (call) => {
  const x = call.value(0);
  const [rows = 1, columns = 1] = x.desc.shape.slice(-2);
  const [offset = 0] = call.numbersIfGiven(1, 'the diagonal', 1) ?? [];
  const upper = call.flag('upper', true);
  const mask = tabulated([rows, columns], 'bool', [], () => (i) => {
    const distance = (i % columns) - Math.floor(i / columns) - offset;
    return Number(upper ? distance >= 0 : distance <= 0);
  });
  const inside = call.place.weight({ ...mask, name: `${call.name}.mask` });
  return layer(call.g, [inside, x], (condition = 0, v = 0) => apply(f.select, condition, v, 0));
};

/** With a sign, where only that one counts. */
const isInf: Importer = (call) => {
  const [negative, positive] = [
    call.flag('detect_negative', true),
    call.flag('detect_positive', true),
  ];
  return layer(call.g, [call.value(0)], (x = 0) => {
    const infinite = apply(f.is_inf, x);
    if (negative && positive) return infinite;
    if (!negative && !positive) return apply(f.mul, infinite, 0);
    return apply(f.mul, infinite, apply(positive ? f.greater : f.less, x, 0));
  });
};

export const importers: Importers = {
  ...Object.fromEntries(NAMED.map((row) => [row.opType, named(row)])),
  ...Object.fromEntries(FUNCTIONS.map((fn) => [nameOf(fn), ofFunction(fn)])),
  Div: (call) => normOfQuotient(call) ?? div(call),
  Mul: (call) => normOfProduct(call) ?? mul(call),
  Mod: mod,
  Pow: pow,
  Clip: clip,
  Cast: cast,
  CastLike: cast,
  Trilu: triangle,
  IsInf: isInf,
  PRelu(call) {
    const [x, slope] = [call.value(0), call.value(1)];
    const { shape } = x.desc;
    // Before operator set 7, a slope was a value a channel, or one for all.
    const along = call.opset < 7 && slope.desc.shape[0] === shape[1];
    return prelu(call.g, x, along ? perChannel(call.g, slope, shape.length) : slope);
  },
  Gelu: (call) => gelu(call.g, call.value(0), call.choice('approximate', 'none', 'tanh')),
  Swish(call) {
    const alpha = finite('alpha', call.float('alpha', 1));
    if (alpha === 1) return silu(call.g, call.value(0));
    return layer(call.g, [call.value(0)], (x = 0) =>
      apply(f.mul, x, apply(f.sigmoid, apply(f.mul, x, alpha))),
    );
  },
  And: expressed(2, (a, b) => apply(f.mul, a, b)),
  Or: expressed(2, (a, b) => apply(f.max, a, b)),
  Xor: expressed(2, (a, b) => apply(f.abs, apply(f.sub, a, b))),
  Not: expressed(1, (a) => apply(f.sub, 1, a)),
  Sum: (call) => ofMany(call, f.add),
  Min: (call) => ofMany(call, f.min),
  Max: (call) => ofMany(call, f.max),
  Mean: mean,
};

export const exporters: Exporters = [
  // How values are stored is every runtime's own choice.
  exporter(pointwiseOp, (node, writer) => {
    const { expression } = node.attributes;
    const { shape } = node.output.desc;
    const reached = operandsOf(expression)
      .map((role) => inputShape(node, role))
      .reduce<Shape>((all, next) => broadcastShape(all, next) ?? all, []);
    const operand = (role: string) => writer.nameOf(requireInput(node, role));
    const output = writer.nameOf(node.output);
    if (shapesEqual(reached, shape)) {
      writeExpression(node, writer, expression, { operand, output, last: node.name });
      return;
    }
    // An input that no step reads still says how often the result is repeated.
    let result = writer.between(node, 'once');
    writeExpression(node, writer, expression, { operand, output: result, last: result });
    for (const value of Object.values(node.inputs)) {
      const extents = writer.step(node, 'Shape', [writer.nameOf(value)]);
      result = writer.step(node, 'Expand', [result, extents]);
    }
    writer.layer(node, 'Identity', [result]);
  }),
];
