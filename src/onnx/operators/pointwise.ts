/** What computes each element from one of each input: activations, arithmetic, comparisons, conditions. */

import {
  apply,
  type Expression,
  type ExpressionFunction,
  operandsOf,
} from '../../../shaders/lib/expression.ts';
import * as f from '../../../shaders/lib/expression_functions.ts';
import { toF32 } from '../../../shaders/lib/expression_wgsl.ts';
import { gelu, silu } from '../../layers/activations.ts';
import { binary } from '../../layers/arithmetic.ts';
import { pointwise as layer, type OperandLike, pointwiseOp } from '../../layers/pointwise.ts';
import { rearrange } from '../../layers/rearrange.ts';
import { broadcastShape } from '../../runtime/broadcast.ts';
import type { PointwiseAttributes } from '../../runtime/builtins.ts';
import { UnsupportedError } from '../../runtime/errors.ts';
import type { Node, Value } from '../../runtime/graph.ts';
import { Unsqueeze } from '../../runtime/movement/index.ts';
import { formatShape, type Shape, shapesEqual } from '../../runtime/tensor.ts';
import { exporter } from '../exporter.ts';
import {
  axisOf,
  derived,
  type ImportCall,
  type Importer,
  type Importers,
  numberOf,
  operand,
  shapeOfOperand,
  value,
} from '../import_node.ts';
import type { OnnxWriter } from '../onnx_writer.ts';
import { TensorProto_DataType } from '../schema/onnx_pb.ts';
import { constant, isFloat, typeName } from '../tensor.ts';
import { writeExpression } from './expression_nodes.ts';
import { FUNCTIONS, NAMED, type NamedFunction, nameOf } from './functions.ts';
import type { OperatorRows } from './rows.ts';

type Part = Expression | number;

/** Inputs for an expression: a constant of one element is a number in it, where it adds no axis. */
function operands(call: ImportCall, count = call.inputs.length): readonly OperandLike[] {
  const inputs = Array.from({ length: count }, (_, i) => operand(call, i));
  const numbers = inputs.map(numberOf);
  const ranks = inputs.map((input, i) =>
    numbers[i] === undefined ? shapeOfOperand(input).length : -1,
  );
  return inputs.map((input, i) => {
    const number = numbers[i];
    const adds = shapeOfOperand(input).length > Math.max(...ranks);
    return number === undefined || adds || !Number.isFinite(number) ? value(call, i) : number;
  });
}

function expressed(count: number, make: (a: Part, b: Part, c: Part) => Expression): Importer {
  return (call) => layer(call.g, operands(call, count), (a = 0, b = 0, c = 0) => make(a, b, c));
}

function named({ build, parameters = {} }: NamedFunction): Importer {
  return (call) => {
    const given = Object.entries(parameters).map(([name, otherwise]) =>
      finite(name, call.attributes.float(name, otherwise)),
    );
    return build(call.g, value(call, 0), ...given);
  };
}

function finite(name: string, number: number): number {
  if (!Number.isFinite(number)) throw new UnsupportedError(`${name} is ${number}, not finite`);
  return number;
}

function ofFunction(fn: ExpressionFunction): Importer {
  const count = fn.evaluate.length;
  const aligned = expressed(count, (...args) => apply(fn, ...args.slice(0, count)));
  if (count !== 2) return aligned;
  return (call) => {
    if (call.opset >= 7 || !call.attributes.has('axis')) return aligned(call);
    const x = value(call, 0);
    return layer(call.g, [x, alignedAt(call, x, value(call, 1))], (a = 0, b = 0) =>
      apply(fn, a, b),
    );
  };
}

/** Before operator set 7, an axis said where the shorter shape begins in the longer. */
function alignedAt(call: ImportCall, x: Value, short: Value): Value {
  const rank = x.desc.shape.length;
  const axis = axisOf(call.attributes.int('axis', 0), rank);
  const own = short.desc.shape.length;
  const axes = Array.from({ length: Math.max(0, rank - axis - own) }, (_, i) => own + i);
  if (axes.length === 0) return short;
  const shape: Shape = [...short.desc.shape, ...axes.map(() => 1)];
  return short.kind === 'weight'
    ? derived(short, `as ${formatShape(shape)}`, shape, (data) => data)
    : rearrange(call.g.at('aligned'), short, [new Unsqueeze({ axes })]);
}

/** Of any number of inputs: two by two, which passes merge as far as a device can bind them. */
function ofMany(fn: f.Binary): Importer {
  return (call) => {
    const [first = 0, second, ...rest] = operands(call);
    if (second === undefined) return value(call, 0);
    return rest.reduce<Value>(
      (sum, next, i) => binary(call.g.at(`part${i}`), fn, sum, next),
      binary(call.g, fn, first, second),
    );
  };
}

const mean: Importer = (call) => {
  const sum = ofMany(f.add)({ ...call, g: call.g.at('sum') });
  const count = call.inputs.length;
  return 'kind' in sum && count > 1 ? binary(call.g, f.div, sum, count) : sum;
};

/** Bounds as attributes, or since operator set 11 as inputs: the largest numbers by default; infinite ones are none. */
const clip: Importer = (call) => {
  const bound = (index: number, name: string, none: number): OperandLike | undefined => {
    const given = call.inputs[index];
    const number = given ? numberOf(given) : call.attributes.float(name, toF32(none));
    if (number === undefined) return value(call, index);
    if (number === none || Number.isNaN(number)) return undefined;
    return Number.isFinite(number) ? number : toF32(number);
  };
  const least = bound(1, 'min', Number.NEGATIVE_INFINITY);
  const most = bound(2, 'max', Number.POSITIVE_INFINITY);
  return layer(call.g, [value(call, 0), least ?? 0, most ?? 0], (x = 0, low = 0, high = 0) => {
    const raised = least === undefined ? x : apply(f.max, x, low);
    return most === undefined ? apply(f.add, raised, 0) : apply(f.min, raised, high);
  });
};

/** Every float is an f32 here, and true and false are 1 and 0. */
const cast: Importer = (call) => {
  const to = call.attributes.int('to', TensorProto_DataType.FLOAT);
  const x = operand(call, 0);
  const bool = to === TensorProto_DataType.BOOL;
  if (x.constant) {
    const { shape, float, numbers } = x.constant;
    if (!bool && (isFloat(to) || !float)) return { ...x.constant, float: isFloat(to) };
    // Computed at once, so that a chain of casts does not become one of calls.
    const whole = Float64Array.from(numbers(), bool ? (n) => (n === 0 ? 0 : 1) : Math.trunc);
    return constant('', shape, whole, false);
  }
  if (bool) return layer(call.g, [x.value], (v = 0) => apply(f.select, v, 1, 0));
  if (isFloat(to)) return x.value;
  throw new UnsupportedError(`casts to ${typeName(to)}; floats and truth values are read`);
};

const importers: Importers = {
  ...Object.fromEntries(NAMED.map((row) => [row.opType, named(row)])),
  ...Object.fromEntries(FUNCTIONS.map((fn) => [nameOf(fn), ofFunction(fn)])),
  Clip: clip,
  Cast: cast,
  Gelu(call) {
    const approximate = call.attributes.string('approximate', 'none');
    if (approximate !== 'none' && approximate !== 'tanh') {
      throw new UnsupportedError(`approximate is ${approximate}; none and tanh are read`);
    }
    return gelu(call.g, value(call, 0), approximate);
  },
  Swish(call) {
    const alpha = finite('alpha', call.attributes.float('alpha', 1));
    if (alpha === 1) return silu(call.g, value(call, 0));
    return layer(call.g, [value(call, 0)], (x = 0) =>
      apply(f.mul, x, apply(f.sigmoid, apply(f.mul, x, alpha))),
    );
  },
  And: expressed(2, (a, b) => apply(f.mul, a, b)),
  Or: expressed(2, (a, b) => apply(f.max, a, b)),
  Xor: expressed(2, (a, b) => apply(f.abs, apply(f.sub, a, b))),
  Not: expressed(1, (a) => apply(f.sub, 1, a)),
  Sum: ofMany(f.add),
  Min: ofMany(f.min),
  Max: ofMany(f.max),
  Mean: mean,
};

function write(node: Node<PointwiseAttributes>, writer: OnnxWriter): void {
  const { expression } = node.attributes;
  const { shape } = node.output.desc;
  const read = operandsOf(expression);
  const inputOf = (role: string): Value => {
    const value = node.inputs[role];
    if (!value) throw new Error(`pointwise "${node.name}" has no input "${role}"`);
    return value;
  };
  const reached = read
    .map((role) => inputOf(role).desc.shape)
    .reduce<Shape>((all, next) => broadcastShape(all, next) ?? all, []);
  const operand = (role: string) => writer.nameOf(inputOf(role));
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
}

export const pointwise: OperatorRows = {
  importers,
  // How values are stored is every runtime's own choice.
  exporters: [exporter(pointwiseOp, write)],
};
