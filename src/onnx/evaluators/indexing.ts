/** Elements of constants, taken from or put to places that other constants say. */
import {
  denseStrides,
  elementCount,
  formatShape,
  offsetOf,
  positionOf,
  type Shape,
} from '../../runtime/tensor.ts';
import { computed, seenAs } from '../computed.ts';
import { demand } from '../errors.ts';
import { axisOf, type ImportCall } from '../import_node.ts';
import type { Constant, Numbers } from '../tensor.ts';
import { commonShape, stridesWithin } from './broadcast.ts';
import type { Evaluator, Evaluators } from './evaluator.ts';

/** The elements that strides lead to, from an offset on. */
function strided(x: Constant, shape: Shape, strides: readonly number[], offset = 0): Constant {
  return computed(shape, x.type, [x], (data) =>
    Float64Array.from(
      { length: elementCount(shape) },
      (_, i) => data[offset + offsetOf(i, shape, strides)] ?? 0,
    ),
  );
}

/** An index, counted from the end where it is negative. Throws UnsupportedError where it is out of the extent. */
function within(index: number, extent: number): number {
  const found = index < 0 ? index + extent : index;
  demand(found >= 0 && found < extent, `index ${index} is out of ${extent}`);
  return found;
}

/** [from, to) by steps, as in Python; ends may lie anywhere. */
const slice: Evaluator = (call) => {
  const x = call.known(0, 'the input');
  const [starts = [], ends = [], axes, steps] = ['starts', 'ends', 'axes', 'steps'].map(
    (name, i) => call.numbersIfGiven(i + 1, `the ${name}`) ?? call.bounds(name),
  );
  const shape = [...x.shape];
  const strides = [...denseStrides(x.shape)];
  let offset = 0;
  for (const [i, start] of starts.entries()) {
    const axis = axisOf(axes?.[i] ?? i, shape.length);
    const [extent = 1, step = 1, end = 0] = [x.shape[axis], steps?.[i], ends[i]];
    demand(step !== 0, 'slices by steps of 0');
    const [least, most] = step > 0 ? [0, extent] : [-1, extent - 1];
    const inside = (index: number) =>
      Math.min(Math.max(index < 0 ? index + extent : index, least), most);
    const from = inside(start);
    shape[axis] = Math.max(0, Math.ceil((inside(end) - from) / step));
    offset += from * (strides[axis] ?? 0);
    strides[axis] = (strides[axis] ?? 0) * step;
  }
  return strided(x, shape, strides, offset);
};

/** Side by side; all have the axes of those that are not empty. */
const concat: Evaluator = (call) => {
  const all = call.inputs.map((_, i) => call.known(i, 'a part'));
  const filled = all.filter(({ shape }) => elementCount(shape) > 0);
  const [first = all[0]] = filled;
  demand(first, 'has no inputs');
  const axis = call.axis(1, first.shape.length);
  const parts = filled.length > 0 ? filled : [first];
  const fits = parts.every(
    ({ shape }) => formatShape(shape.with(axis, 1)) === formatShape(first.shape.with(axis, 1)),
  );
  demand(fits, `parts ${parts.map(({ shape }) => formatShape(shape)).join(' and ')} do not fit`);
  const shape = first.shape.with(
    axis,
    parts.reduce((sum, part) => sum + (part.shape[axis] ?? 0), 0),
  );
  const outer = elementCount(shape.slice(0, axis));
  return computed(shape, first.type, parts, (...data) => {
    const result = new Float64Array(elementCount(shape));
    let at = 0;
    for (let row = 0; row < outer; row++) {
      for (const part of data) {
        const length = part.length / outer;
        result.set(part.subarray(row * length, (row + 1) * length), at);
        at += length;
      }
    }
    return result;
  });
};

/** Rows of an axis, in the order and shape of the indices. */
const gather: Evaluator = (call) => {
  const [x, indices] = [call.known(0, 'the input'), call.known(1, 'the indices')];
  const axis = call.axis(0, x.shape.length);
  const extent = x.shape[axis] ?? 1;
  const inner = elementCount(x.shape.slice(axis + 1));
  const shape = x.shape.toSpliced(axis, 1, ...indices.shape);
  const row = elementCount(indices.shape) * inner;
  return computed(shape, x.type, [x, indices], (data, at) =>
    Float64Array.from({ length: elementCount(shape) }, (_, i) => {
      const index = within(at[Math.floor((i % row) / inner)] ?? 0, extent);
      return data[(Math.floor(i / row) * extent + index) * inner + (i % inner)] ?? 0;
    }),
  );
};

/** Where an element of the indices points to: its own position, but for an axis. */
function target(i: number, indices: Constant, at: Numbers, shape: Shape, axis: number): number {
  const position = positionOf(i, indices.shape).with(axis, within(at[i] ?? 0, shape[axis] ?? 1));
  return dot(position, denseStrides(shape));
}

function dot(position: readonly number[], strides: readonly number[]): number {
  return position.reduce((sum, at, axis) => sum + at * (strides[axis] ?? 0), 0);
}

const gatherElements: Evaluator = (call) => {
  const [x, indices] = [call.known(0, 'the input'), call.known(1, 'the indices')];
  const axis = call.axis(0, x.shape.length);
  demand(indices.shape.length === x.shape.length, 'indices have other axes than the input');
  return computed(indices.shape, x.type, [x, indices], (data, at) =>
    Float64Array.from(at, (_, i) => data[target(i, indices, at, x.shape, axis)] ?? 0),
  );
};

/** Where a tuple of indices points to: the start of what is inside of these axes. */
function startOf(tuple: ArrayLike<number>, shape: Shape, first: number): number {
  const strides = denseStrides(shape);
  return Array.from(tuple).reduce((sum, index, i) => {
    const axis = first + i;
    return sum + within(index, shape[axis] ?? 1) * (strides[axis] ?? 0);
  }, 0);
}

const gatherNd: Evaluator = (call) => {
  const [x, indices] = [call.known(0, 'the input'), call.known(1, 'the indices')];
  const batch = call.int('batch_dims', 0);
  const length = indices.shape.at(-1) ?? 0;
  const fits = batch >= 0 && batch < indices.shape.length && batch + length <= x.shape.length;
  demand(fits, `indices ${formatShape(indices.shape)} are not of ${formatShape(x.shape)}`);
  const part = x.shape.slice(batch + length);
  const shape = [...indices.shape.slice(0, -1), ...part];
  const inner = elementCount(part);
  const tuples = elementCount(indices.shape.slice(batch, -1));
  const each = elementCount(x.shape.slice(batch));
  return computed(shape, x.type, [x, indices], (data, at) =>
    Float64Array.from({ length: elementCount(shape) }, (_, i) => {
      const nth = Math.floor(i / inner);
      const start = startOf(at.subarray(nth * length, (nth + 1) * length), x.shape, batch);
      return data[Math.floor(nth / tuples) * each + start + (i % inner)] ?? 0;
    }),
  );
};

const REDUCTIONS: Readonly<Record<string, (old: number, update: number) => number>> = {
  none: (_, update) => update,
  add: (old, update) => old + update,
  mul: (old, update) => old * update,
  max: Math.max,
  min: Math.min,
};

/** The data with updates at places, in their order. */
function scattered(
  call: ImportCall,
  placeOf: (i: number, at: Numbers, indices: Constant, x: Constant) => number,
): Constant {
  const [x, indices] = [call.known(0, 'the input'), call.known(1, 'the indices')];
  const updates = call.known(2, 'the updates');
  const kind = call.choice('reduction', 'none', 'add', 'mul', 'max', 'min');
  const reduce = REDUCTIONS[kind] ?? Math.max;
  return computed(x.shape, x.type, [x, indices, updates], (data, at, more) => {
    const result = Float64Array.from(data);
    for (const [i, update] of more.entries()) {
      const place = placeOf(i, at, indices, x);
      result[place] = reduce(result[place] ?? 0, update);
    }
    return result;
  });
}

const scatterElements: Evaluator = (call) => {
  const axis = call.axis(0, call.shape(0).length);
  const alike = formatShape(call.shape(1)) === formatShape(call.shape(2));
  demand(alike && call.shape(1).length === call.shape(0).length, 'indices and updates do not fit');
  return scattered(call, (i, at, indices, x) => target(i, indices, at, x.shape, axis));
};

const scatterNd: Evaluator = (call) => {
  const [shape, indices] = [call.shape(0), call.shape(1)];
  const length = indices.at(-1) ?? 0;
  const wanted = [...indices.slice(0, -1), ...shape.slice(length)];
  const fits = length <= shape.length && formatShape(wanted) === formatShape(call.shape(2));
  demand(fits, `updates ${formatShape(call.shape(2))} are not ${formatShape(wanted)}`);
  const inner = elementCount(shape.slice(length));
  return scattered(call, (i, at) => {
    const nth = Math.floor(i / inner);
    return startOf(at.subarray(nth * length, (nth + 1) * length), shape, 0) + (i % inner);
  });
};

export const indexing: Evaluators = {
  Slice: slice,
  Concat: concat,
  Gather: gather,
  GatherElements: gatherElements,
  GatherND: gatherNd,
  ScatterElements: scatterElements,
  ScatterND: scatterNd,
  Transpose(call) {
    const x = call.known(0, 'the input');
    const axes = [...x.shape.keys()];
    const order = call.ints('perm') ?? axes.toReversed();
    const valid = formatShape(order.toSorted((a, b) => a - b)) === formatShape(axes);
    demand(valid, `${formatShape(order)} is no order of the axes of ${formatShape(x.shape)}`);
    const strides = denseStrides(x.shape);
    const along = (axis: number) => strides[axis] ?? 0;
    return strided(
      x,
      order.map((axis) => x.shape[axis] ?? 1),
      order.map(along),
    );
  },
  Expand(call) {
    const x = call.known(0, 'the input');
    const shape = commonShape(x.shape, call.numbers(1, 'the shape'));
    if (formatShape(shape) === formatShape(x.shape)) return seenAs(x, {});
    return strided(x, shape, stridesWithin(x.shape, shape));
  },
  /** The positions of all elements other than 0, axis by axis. */
  NonZero(call) {
    const { shape } = call.known(0, 'the input');
    const data = call.data(0, 'the input');
    const found = [...data.keys()].filter((i) => data[i] !== 0);
    const positions = found.map((i) => positionOf(i, shape));
    const rows = Math.max(1, shape.length);
    return computed([rows, found.length], 'int64', [], () =>
      Array.from({ length: rows }, (_, axis) => positions.map((at) => at[axis] ?? 0)).flat(),
    );
  },
  /** Rows for which a condition holds. */
  Compress(call) {
    const x = call.known(0, 'the input');
    const whole = call.has('axis') ? x : seenAs(x, { shape: [elementCount(x.shape)] });
    const axis = call.axis(0, whole.shape.length);
    const chosen = call.data(1, 'the condition');
    const rows = [...chosen.keys()].filter((i) => chosen[i] !== 0);
    const extent = whole.shape[axis] ?? 1;
    demand(
      rows.every((row) => row < extent),
      `chooses rows out of ${extent}`,
    );
    const inner = elementCount(whole.shape.slice(axis + 1));
    const shape = whole.shape.with(axis, rows.length);
    return computed(shape, x.type, [whole], (data) =>
      Float64Array.from({ length: elementCount(shape) }, (_, i) => {
        const row = rows[Math.floor(i / inner) % rows.length] ?? 0;
        const outer = Math.floor(i / inner / rows.length);
        return data[(outer * extent + row) * inner + (i % inner)] ?? 0;
      }),
    );
  },
};
