/** Constants along axes: sums and the like, orders, running sums. */
import { denseStrides, elementCount, offsetOf, type Shape } from '../../runtime/tensor.ts';
import { computed, integers, tabulated } from '../computed.ts';
import { roundingOf } from '../element_type.ts';
import { demand } from '../errors.ts';
import { axisOf } from '../import_node.ts';
import { constant, type Numbers } from '../tensor.ts';
import type { Evaluator, Evaluators } from './evaluator.ts';

type Reduce = (values: Numbers) => number;

function over(values: Numbers, f: (a: number, b: number) => number, first: number): number {
  let result = first;
  for (const value of values) result = f(result, value);
  return result;
}

const sum: Reduce = (values) => over(values, (a, b) => a + b, 0);
const largest: Reduce = (values) => over(values, Math.max, Number.NEGATIVE_INFINITY);
const smallest: Reduce = (values) => over(values, Math.min, Number.POSITIVE_INFINITY);

/** By ONNX's name, after Reduce. */
const REDUCTIONS: Readonly<Record<string, Reduce>> = {
  Sum: sum,
  Prod: (values) => over(values, (a, b) => a * b, 1),
  Max: largest,
  Min: smallest,
  Mean: (values) => sum(values) / values.length,
  L1: (values) => sum(values.map(Math.abs)),
  L2: (values) => Math.sqrt(sum(values.map((x) => x * x))),
  SumSquare: (values) => sum(values.map((x) => x * x)),
  LogSum: (values) => Math.log(sum(values)),
  LogSumExp(values) {
    const most = largest(values);
    return Number.isFinite(most)
      ? most + Math.log(sum(values.map((x) => Math.exp(x - most))))
      : most;
  },
};

/** A tensor as rows of what is along some of its axes; where an element of a row lies in it. */
function rowsOf(shape: Shape, axes: readonly number[]) {
  const others = [...shape.keys()].filter((axis) => !axes.includes(axis));
  const order = [...others, ...axes];
  const strides = denseStrides(shape);
  const [extents, steps] = [shape, strides].map((list) => order.map((axis) => list[axis] ?? 1));
  const length = elementCount(axes.map((axis) => shape[axis] ?? 1));
  const placeOf = (nth: number, i: number) =>
    offsetOf(nth * length + i, extents ?? [], steps ?? []);
  return {
    count: elementCount(others.map((axis) => shape[axis] ?? 1)),
    length,
    placeOf,
    row(data: Numbers, nth: number): Float64Array {
      const result = new Float64Array(length);
      for (let i = 0; i < length; i++) result[i] = data[placeOf(nth, i)] ?? 0;
      return result;
    },
  };
}

function without(shape: Shape, axes: readonly number[], keep: boolean): Shape {
  return shape.flatMap((extent, axis) => (axes.includes(axis) ? (keep ? [1] : []) : [extent]));
}

function reducing(reduce: Reduce): Evaluator {
  return (call) => {
    const x = call.known(0);
    const given = call.integers(1, 'axes') ?? [];
    const all = [...x.shape.keys()];
    const usual = call.flag('noop_with_empty_axes') ? [] : all;
    const axes = given.length === 0 ? usual : given.map((axis) => axisOf(axis, x.shape.length));
    const { row } = rowsOf(
      x.shape,
      all.filter((axis) => axes.includes(axis)),
    );
    const shape = without(x.shape, axes, call.flag('keepdims', true));
    return tabulated(shape, x.type, [x], (data) => (nth) => reduce(row(data, nth)));
  };
}

/** The order of the largest, or of the smallest, first of all what is not a number. */
function firstOf(most: 'largest' | 'least') {
  const sign = most === 'largest' ? 1 : -1;
  return (a: number, b: number): number =>
    Number(Number.isNaN(b)) - Number(Number.isNaN(a)) || sign * (b - a) || 0;
}

/** Where the largest, or the smallest, is along an axis. */
function locating(most: 'largest' | 'least'): Evaluator {
  const before = firstOf(most);
  return (call) => {
    const x = call.known(0);
    const axis = call.axis(0, x.shape.length);
    const last = call.flag('select_last_index');
    const { row } = rowsOf(x.shape, [axis]);
    const shape = without(x.shape, [axis], call.flag('keepdims', true));
    return tabulated(shape, 'int64', [x], (data) => (nth) => {
      const values = row(data, nth);
      let found = 0;
      for (const [i, value] of values.entries()) {
        const order = before(value, values[found] ?? 0);
        if (order < 0 || (last && order === 0)) found = i;
      }
      return found;
    });
  };
}

/** Each element with those before it, or after it. */
const runningSum: Evaluator = (call) => {
  const x = call.known(0);
  const [given = 0] = call.numbers(1, 'the axis', 1);
  const axis = axisOf(given, x.shape.length);
  const [exclusive, reverse] = [call.flag('exclusive'), call.flag('reverse')];
  const { count, length, placeOf, row } = rowsOf(x.shape, [axis]);
  return computed(x.shape, x.type, [x], (data) => {
    const result = new Float64Array(data.length);
    const rounding = roundingOf(x.type);
    for (let nth = 0; nth < count; nth++) {
      const values = row(data, nth);
      let total = 0;
      for (let step = 0; step < length; step++) {
        const i = reverse ? length - 1 - step : step;
        const before = total;
        total += values[i] ?? 0;
        result[placeOf(nth, i)] = rounding(exclusive ? before : total);
      }
    }
    return result;
  });
};

/** The first k of each row, in order, and where they were. */
const topK: Evaluator = (call) => {
  const x = call.known(0);
  const axis = call.axis(-1, x.shape.length);
  const [k = 0] = call.numbersIfGiven(1, 'k', 1) ?? [call.int('k', 0)];
  const before = firstOf(call.flag('largest', true) ? 'largest' : 'least');
  const extent = x.shape[axis] ?? 1;
  demand(k >= 0 && k <= extent, `asks for ${k} of ${extent}`);
  const { count, row } = rowsOf(x.shape, [axis]);
  const shape = x.shape.with(axis, k);
  const { placeOf } = rowsOf(shape, [axis]);
  const ofRows =
    (pick: (values: Float64Array, index: number) => number) =>
    (data: Numbers = new Float64Array()) => {
      const result = new Float64Array(elementCount(shape));
      for (let nth = 0; nth < count; nth++) {
        const values = row(data, nth);
        const indices = [...values.keys()].sort(
          (a, b) => before(values[a] ?? 0, values[b] ?? 0) || a - b,
        );
        for (const [i, index] of indices.slice(0, k).entries()) {
          result[placeOf(nth, i)] = pick(values, index);
        }
      }
      return result;
    };
  return [
    computed(
      shape,
      x.type,
      [x],
      ofRows((values, index) => values[index] ?? 0),
    ),
    computed(
      shape,
      'int64',
      [x],
      ofRows((_, index) => index),
    ),
  ];
};

/** The different elements, where each is first, which each element is, and how often there is each. */
const unique: Evaluator = (call) => {
  demand(
    !call.has('axis'),
    'takes the different rows of an axis; only different elements are found',
  );
  const x = call.known(0);
  const data = call.data(0, 'the input');
  const places = new Map<number, number[]>();
  for (const [i, value] of data.entries()) {
    const found = places.get(value);
    if (found) found.push(i);
    else places.set(value, [i]);
  }
  const found = call.flag('sorted', true) ? [...places].sort(([a], [b]) => a - b) : [...places];
  const numberOf = new Map(found.map(([value], nth) => [value, nth]));
  return [
    constant(
      [found.length],
      found.map(([value]) => value),
      x.type,
    ),
    integers(found.map(([, [first = 0]]) => first)),
    integers(Array.from(data, (value) => numberOf.get(value) ?? 0)),
    integers(found.map(([, all]) => all.length)),
  ];
};

export const reductions: Evaluators = {
  ...Object.fromEntries(
    Object.entries(REDUCTIONS).map(([name, reduce]) => [`Reduce${name}`, reducing(reduce)]),
  ),
  ArgMax: locating('largest'),
  ArgMin: locating('least'),
  CumSum: runningSum,
  TopK: topK,
  Unique: unique,
};
