/** What computes each element from one of each input: activations, arithmetic, comparisons, conditions. */

import {
  apply,
  type Expression,
  type ExpressionFunction,
  operandsOf,
} from '../../../shaders/lib/expression.ts';
import * as f from '../../../shaders/lib/expression_functions.ts';
import { toF32 } from '../../../shaders/lib/expression_wgsl.ts';
import { gelu, prelu, silu } from '../../layers/activations.ts';
import { binary } from '../../layers/arithmetic.ts';
import { pointwise as layer, type OperandLike, pointwiseOp } from '../../layers/pointwise.ts';
import { rearrange } from '../../layers/rearrange.ts';
import { broadcastShape } from '../../runtime/broadcast.ts';
import type { Value } from '../../runtime/graph.ts';
import { Unsqueeze } from '../../runtime/movement/index.ts';
import { inputShape, requireInput } from '../../runtime/operator.ts';
import { formatShape, type Shape, shapesEqual } from '../../runtime/tensor.ts';
import { demand } from '../errors.ts';
import { exporter, type OperatorRows } from '../exporter.ts';
import { derived, type ImportCall, type Importer, numberOf } from '../import_node.ts';
import { TensorProto_DataType } from '../schema/onnx_pb.ts';
import { constant, isFloat, typeName } from '../tensor.ts';
import { writeExpression } from './expression_nodes.ts';
import { FUNCTIONS, NAMED, type NamedFunction, nameOf } from './functions.ts';

type Part = Expression | number;

/** Inputs for an expression: a constant of one element is a number in it, where it adds no axis. */
function operands(call: ImportCall, count = call.inputs.length): readonly OperandLike[] {
  const inputs = Array.from({ length: count }, (_, i) => ({
    number: numberOf(call.operand(i)),
    rank: call.shape(i).length,
  }));
  const tensors = inputs.filter(({ number }) => number === undefined);
  const rank = Math.max(-1, ...tensors.map((tensor) => tensor.rank));
  return inputs.map(({ number = Number.NaN, rank: own }, i) =>
    own <= rank && Number.isFinite(number) ? number : call.value(i),
  );
}

function expressed(count: number, make: (a: Part, b: Part, c: Part) => Expression): Importer {
  return (call) => layer(call.g, operands(call, count), (a = 0, b = 0, c = 0) => make(a, b, c));
}

function named({ build, parameters = {} }: NamedFunction): Importer {
  return (call) => {
    const given = Object.entries(parameters).map(([name, otherwise]) =>
      finite(name, call.float(name, otherwise)),
    );
    return build(call.g, call.value(0), ...given);
  };
}

function finite(name: string, number: number): number {
  demand(Number.isFinite(number), `${name} is ${number}, not finite`);
  return number;
}

function ofFunction(fn: ExpressionFunction): Importer {
  const count = fn.evaluate.length;
  const aligned = expressed(count, (...args) => apply(fn, ...args.slice(0, count)));
  if (count !== 2) return aligned;
  return (call) => {
    if (call.opset >= 7 || !call.has('axis')) return aligned(call);
    const x = call.value(0);
    return layer(call.g, [x, alignedAt(call, x, call.value(1))], (a = 0, b = 0) => apply(fn, a, b));
  };
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
    ? derived(short, `as ${formatShape(shape)}`, shape, (data) => data)
    : rearrange(call.g.at('aligned'), short, [new Unsqueeze({ axes })]);
}

/** Of any number of inputs: two by two, which passes merge as far as a device can bind them. */
function ofMany(call: ImportCall, fn: f.Binary, g = call.g): Value {
  const [first = 0, second, ...rest] = operands(call);
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
    if (number === none || Number.isNaN(number)) return undefined;
    return Number.isFinite(number) ? number : toF32(number);
  };
  const least = bound(1, 'min', Number.NEGATIVE_INFINITY);
  const most = bound(2, 'max', Number.POSITIVE_INFINITY);
  return layer(call.g, [call.value(0), least ?? 0, most ?? 0], (x = 0, low = 0, high = 0) => {
    const raised = least === undefined ? x : apply(f.max, x, low);
    return most === undefined ? apply(f.add, raised, 0) : apply(f.min, raised, high);
  });
};

/** Every float is an f32 here, and true and false are 1 and 0. */
const cast: Importer = (call) => {
  const to = call.int('to', TensorProto_DataType.FLOAT);
  const x = call.operand(0);
  const bool = to === TensorProto_DataType.BOOL;
  if (x.constant) {
    const { shape, float, numbers } = x.constant;
    if (!bool && (isFloat(to) || !float)) return { ...x.constant, float: isFloat(to) };
    // Computed at once, so that a chain of casts does not become one of calls.
    const whole = Float64Array.from(numbers(), bool ? (n) => (n === 0 ? 0 : 1) : Math.trunc);
    return constant(shape, whole, false);
  }
  if (bool) return layer(call.g, [x.value], (v = 0) => apply(f.select, v, 1, 0));
  demand(isFloat(to), `casts to ${typeName(to)}; floats and truth values are read`);
  return x.value;
};

const importers: OperatorRows['importers'] = {
  ...Object.fromEntries(NAMED.map((row) => [row.opType, named(row)])),
  ...Object.fromEntries(FUNCTIONS.map((fn) => [nameOf(fn), ofFunction(fn)])),
  Clip: clip,
  Cast: cast,
  PRelu: (call) => prelu(call.g, call.value(0), call.value(1)),
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

export const pointwise: OperatorRows = {
  importers,
  exporters: [
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
  ],
};
