/**
 * The functions that ONNX has a name for. A row serves both ways: a file's node is built as it says, and an expression
 * is written under the name of the row whose build it equals.
 */
import {
  apply,
  type Expression,
  type ExpressionFunction,
} from '../../../shaders/lib/expression.ts';
import * as f from '../../../shaders/lib/expression_functions.ts';
import {
  clip,
  elu,
  gelu,
  hardSigmoid,
  hardSwish,
  leakyRelu,
  mish,
  relu,
  selu,
  softplus,
} from '../../layers/activations.ts';
import { pointwise } from '../../layers/pointwise.ts';
import { isPointwise } from '../../runtime/builtins.ts';
import type { Activation, Value } from '../../runtime/graph.ts';
import { GraphBuilder } from '../../runtime/graph_builder.ts';
import type { Attributes } from '../attribute.ts';

/** A function of one tensor. */
export interface NamedFunction {
  readonly opType: string;
  /** Adds it, with its parameters in their order. */
  readonly build: (g: GraphBuilder, x: Value, ...parameters: number[]) => Activation;
  /** Attributes that are numbers, by name, with ONNX's defaults. */
  readonly parameters?: Readonly<Record<string, number>>;
  /** The parameters are inputs in place of attributes: after which index each comes. */
  readonly inputs?: readonly number[];
  readonly attributes?: Attributes;
  /** The operator set that it came with, where that is later than what is written by default. */
  readonly since?: number;
}

function expressed(make: (x: Expression | number, parameter: number) => Expression) {
  return (g: GraphBuilder, x: Value, parameter = 1): Activation =>
    pointwise(g, [x], (v = 0) => make(v, parameter));
}

/** 2 atan(x / (1 + sqrt(1 - x^2))), which divides by no 0. */
function arcsine(x: Expression | number): Expression {
  const root = apply(f.sqrt, apply(f.sub, 1, apply(f.mul, x, x)));
  return apply(f.mul, apply(f.atan, apply(f.div, x, apply(f.add, root, 1))), 2);
}

/** x (c0 + c1 x^2 + c2 x^4 + ...), for what is odd and small. */
function series(x: Expression | number, ...coefficients: readonly number[]): Expression {
  const square = apply(f.mul, x, x);
  const [last = 0, ...lower] = coefficients.toReversed();
  const sum = lower.reduce<Expression | number>(
    (higher, c) => apply(f.add, apply(f.mul, square, higher), c),
    last,
  );
  return apply(f.mul, x, sum);
}

/** The logarithm of (1 + x) / (1 - x), halved; near 0, where that is the logarithm of about 1, a series. */
function areaTangent(x: Expression | number): Expression {
  const ratio = apply(f.div, apply(f.add, x, 1), apply(f.sub, 1, x));
  const near = series(x, 1, 1 / 3, 1 / 5, 1 / 7, 1 / 9, 1 / 11);
  const far = apply(f.mul, apply(f.log, ratio), 0.5);
  return apply(f.select, apply(f.less, apply(f.abs, x), 0.25), near, far);
}

/** log(x + sqrt(x^2 + shift)) of x that is no less than 1, whose square may be infinite. */
function logOfSum(x: Expression | number, shift: 1 | -1): Expression {
  const inverse = apply(f.div, 1, x);
  const root = apply(f.sqrt, apply(f.add, apply(f.mul, apply(f.mul, inverse, inverse), shift), 1));
  return apply(f.add, apply(f.log, x), apply(f.log, apply(f.add, root, 1)));
}

/** e^x / 2, which may be finite where e^x is not. */
function halfPower(x: Expression | number): Expression {
  const root = apply(f.exp, apply(f.mul, x, 0.5));
  return apply(f.mul, apply(f.mul, root, 0.5), root);
}

/** Of rows that fit, the first is written: those that are made of others stand before them. */
export const NAMED: readonly NamedFunction[] = [
  { opType: 'HardSwish', build: hardSwish },
  { opType: 'HardSigmoid', build: hardSigmoid, parameters: { alpha: 0.2, beta: 0.5 } },
  { opType: 'Mish', build: mish, since: 18 },
  {
    opType: 'Gelu',
    build: (g, x) => gelu(g, x, 'tanh'),
    attributes: { approximate: { string: 'tanh' } },
    since: 20,
  },
  { opType: 'Gelu', build: (g, x) => gelu(g, x), since: 20 },
  {
    opType: 'Selu',
    build: selu,
    parameters: { alpha: 1.6732632423543772, gamma: 1.0507009873554805 },
  },
  { opType: 'Elu', build: elu, parameters: { alpha: 1 } },
  {
    opType: 'Celu',
    build: expressed((x, alpha) => {
      const power = apply(f.exp, apply(f.div, apply(f.min, x, 0), alpha));
      const below = apply(f.mul, apply(f.sub, power, 1), alpha);
      return apply(f.select, apply(f.less, x, 0), below, x);
    }),
    parameters: { alpha: 1 },
  },
  {
    opType: 'ThresholdedRelu',
    build: expressed((x, alpha) => apply(f.select, apply(f.greater, x, alpha), x, 0)),
    parameters: { alpha: 1 },
  },
  { opType: 'LeakyRelu', build: leakyRelu, parameters: { alpha: 0.01 } },
  { opType: 'Softplus', build: softplus },
  {
    opType: 'Softsign',
    build: expressed((x) => apply(f.div, x, apply(f.add, apply(f.abs, x), 1))),
  },
  {
    opType: 'Shrink',
    build: (g, x, bias = 0, lambd = 0.5) =>
      pointwise(g, [x], (v = 0) => {
        const above = apply(f.select, apply(f.greater, v, lambd), apply(f.sub, v, bias), 0);
        return apply(f.select, apply(f.less, v, -lambd), apply(f.add, v, bias), above);
      }),
    parameters: { bias: 0, lambd: 0.5 },
  },
  { opType: 'Acos', build: expressed((x) => apply(f.sub, Math.PI / 2, arcsine(x))) },
  { opType: 'Asin', build: expressed(arcsine) },
  { opType: 'Tan', build: expressed((x) => apply(f.div, apply(f.sin, x), apply(f.cos, x))) },
  {
    opType: 'Sinh',
    build: expressed((x) => {
      const near = series(x, 1, 1 / 6, 1 / 120, 1 / 5040, 1 / 362880);
      const far = apply(f.sub, halfPower(x), halfPower(apply(f.neg, x)));
      return apply(f.select, apply(f.less, apply(f.abs, x), 1), near, far);
    }),
  },
  {
    opType: 'Cosh',
    build: expressed((x) => apply(f.add, halfPower(x), halfPower(apply(f.neg, x)))),
  },
  {
    opType: 'Asinh',
    build: expressed((x) => {
      const size = apply(f.abs, x);
      const root = apply(f.sqrt, apply(f.add, apply(f.mul, x, x), 1));
      const far = apply(f.mul, apply(f.sign, x), logOfSum(size, 1));
      return apply(f.select, apply(f.less, size, 1), areaTangent(apply(f.div, x, root)), far);
    }),
  },
  {
    opType: 'Acosh',
    build: expressed((x) => {
      const roots = [-1, 1].map((shift) => apply(f.sqrt, apply(f.add, x, shift)));
      const near = areaTangent(
        apply(f.div, apply(f.mul, ...(roots as [Expression, Expression])), x),
      );
      return apply(f.select, apply(f.less, x, 2), near, logOfSum(x, -1));
    }),
  },
  { opType: 'Atanh', build: expressed(areaTangent) },
  { opType: 'Relu', build: relu },
  { opType: 'Reciprocal', build: expressed((x) => apply(f.div, 1, x)) },
  {
    opType: 'Clip',
    build: (g, x, least, most) => clip(g, x, { least, most }),
    inputs: [1, 2],
  },
  { opType: 'Clip', build: (g, x, least) => clip(g, x, { least }), inputs: [1] },
  { opType: 'Clip', build: (g, x, most) => clip(g, x, { most }), inputs: [2] },
];

/** All functions of expressions. */
export const FUNCTIONS: readonly ExpressionFunction[] = Object.values(f);

/** What one is called. */
export function nameOf(fn: ExpressionFunction): string {
  if (fn === f.select) return 'Where';
  if (fn === f.is_nan) return 'IsNaN';
  if (fn === f.is_inf) return 'IsInf';
  if (fn === f.less_equal) return 'LessOrEqual';
  if (fn === f.greater_equal) return 'GreaterOrEqual';
  return `${fn.name.charAt(0).toUpperCase()}${fn.name.slice(1)}`;
}

/** The expression that a row builds. */
export function expressionOf({ build }: NamedFunction, parameters: readonly number[]): Expression {
  const g = GraphBuilder.create();
  g.output('y', build(g, g.input('x', [1]), ...parameters));
  const [node] = g.build('function').nodes;
  if (!node || !isPointwise(node)) throw new Error('a function of one tensor is pointwise');
  return node.attributes.expression;
}
