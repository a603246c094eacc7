/** Functions of single elements. */

import type { Call, Row } from '../call.ts';
import { demand } from '../errors.ts';
import { isFloat } from '../tensor_type.ts';

/** A node that is the same in ONNX. */
function same(opType: string): Row {
  return { translate: (call) => call.node(opType, call.inputs) };
}

/** One that may have an activation after it, which is the first of its options. */
function arithmetic(opType: string): Row {
  return { ...same(opType), activation: 0 };
}

function negated(opType: string): Row {
  return { translate: (call) => call.node('Not', [call.node(opType, call.inputs)]) };
}

function clipped(least: number, most: number): Row {
  return { translate: (call) => clip(call, call.input(0), least, most) };
}

function clip(call: Call, x: string, least: number, most: number): string {
  return call.node('Clip', [x, call.constant(least), call.constant(most)]);
}

/** What comes after an operator, by the numbers of TFLite's schema. */
const ACTIVATIONS: readonly ((call: Call, x: string) => string)[] = [
  (_, x) => x,
  (call, x) => call.node('Relu', [x]),
  (call, x) => clip(call, x, -1, 1),
  (call, x) => clip(call, x, 0, 6),
  (call, x) => call.node('Tanh', [x]),
];

export function activated(call: Call, x: string, activation: number): string {
  const activate = ACTIVATIONS[activation];
  demand(activate, `has activation ${activation} after it, which is not read`);
  return activate(call, x);
}

export const pointwiseRows: Readonly<Record<string, Row>> = {
  ADD: arithmetic('Add'),
  SUB: arithmetic('Sub'),
  MUL: arithmetic('Mul'),
  DIV: arithmetic('Div'),
  MAXIMUM: same('Max'),
  MINIMUM: same('Min'),
  POW: same('Pow'),
  ADD_N: same('Sum'),
  FLOOR_DIV: { translate: floorDivided },
  FLOOR_MOD: { translate: floorRemainder },
  SQUARED_DIFFERENCE: { translate: (call) => squared(call, call.node('Sub', call.inputs)) },
  SQUARE: { translate: (call) => squared(call, call.input(0)) },

  EQUAL: same('Equal'),
  NOT_EQUAL: negated('Equal'),
  LESS: same('Less'),
  LESS_EQUAL: same('LessOrEqual'),
  GREATER: same('Greater'),
  GREATER_EQUAL: same('GreaterOrEqual'),
  LOGICAL_AND: same('And'),
  LOGICAL_OR: same('Or'),
  LOGICAL_NOT: same('Not'),
  SELECT: { translate: select },
  SELECT_V2: same('Where'),

  ABS: same('Abs'),
  NEG: same('Neg'),
  SIGN: same('Sign'),
  FLOOR: same('Floor'),
  CEIL: same('Ceil'),
  ROUND: same('Round'),
  EXP: same('Exp'),
  LOG: same('Log'),
  SIN: same('Sin'),
  COS: same('Cos'),
  SQRT: same('Sqrt'),
  RSQRT: {
    translate: (call) => call.node('Reciprocal', [call.node('Sqrt', [call.input(0)])]),
  },

  RELU: same('Relu'),
  RELU6: clipped(0, 6),
  RELU_N1_TO_1: clipped(-1, 1),
  RELU_0_TO_1: clipped(0, 1),
  LOGISTIC: same('Sigmoid'),
  TANH: same('Tanh'),
  HARD_SWISH: same('HardSwish'),
  ELU: same('Elu'),
  PRELU: same('PRelu'),
  LEAKY_RELU: {
    translate: (call) =>
      call.node('LeakyRelu', [call.input(0)], { alpha: { float: call.float(0) } }),
  },
  GELU: {
    translate: (call) =>
      call.node('Gelu', [call.input(0)], {
        approximate: { string: call.flag(0) ? 'tanh' : 'none' },
      }),
  },

  CAST: {
    held: true,
    translate: (call) => call.node('Cast', [call.input(0)], { to: { int: call.outputType() } }),
  },
  // What is read is real, and what is given becomes integers, wherever the file says so.
  QUANTIZE: { translate: (call) => call.input(0) },
  DEQUANTIZE: { translate: (call) => call.input(0) },
  DENSIFY: { translate: (call) => call.input(0) },
};

function squared(call: Call, x: string): string {
  return call.node('Mul', [x, x]);
}

function floorDivided(call: Call): string {
  if (isFloat(call.tensor(0))) return call.node('Floor', [call.node('Div', call.inputs)]);
  const [a = '', b = ''] = call.inputs;
  return call.node('Div', [call.node('Sub', [a, call.node('Mod', [a, b])]), b]);
}

/** With the sign of the divisor, as ONNX has it of integers. */
function floorRemainder(call: Call): string {
  if (!isFloat(call.tensor(0))) return call.node('Mod', call.inputs);
  const [a = '', b = ''] = call.inputs;
  return call.node('Sub', [a, call.node('Mul', [floorDivided(call), b])]);
}

/** A condition of one axis chooses rows. */
function select(call: Call): string {
  const missing = call.rank(1) - call.rank(0);
  const [condition = '', ...rest] = call.inputs;
  if (missing <= 0 || call.rank(0) === 0) return call.node('Where', [condition, ...rest]);
  const axes = Array.from({ length: missing }, (_, i) => call.rank(0) + i);
  const rows = call.node('Unsqueeze', [condition, call.integers(axes)]);
  return call.node('Where', [rows, ...rest]);
}
