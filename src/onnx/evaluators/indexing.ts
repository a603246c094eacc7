/** Elements of constants, taken from or put to places that other constants say. */
import {
  denseStrides,
  elementCount,
  formatShape,
  offsetOf,
  positionOf,
  type Shape,
  shapesEqual,
} from '../../runtime/tensor.ts';
import { computed, seenAs, tabulated } from '../computed.ts';
import { roundingOf } from '../element_type.ts';
import { demand } from '../errors.ts';
import { axisOf, type ImportCall } from '../import_node.ts';
import { type Places, placesOf, reductionOf, within } from '../places.ts';
import type { Constant } from '../tensor.ts';
import { commonShape, stridesWithin } from './broadcast.ts';
import type { Evaluator, Evaluators } from './evaluator.ts';

/** The elements that strides lead to, from an offset on. */
function strided(x: Constant, shape: Shape, strides: readonly number[], offset = 0): Constant {
  return tabulated(
    shape,
    x.type,
    [x],
    (data) => (i) => data[offset + offsetOf(i, shape, strides)] ?? 0,
  );
}

/** [from, to) by steps, as in Python; ends may lie anywhere. */
const slice: Evaluator = (call) => {
  const x = call.known(0);
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
  const all = call.inputs.map((_, i) => call.known(i));
  const filled = all.filter(({ shape }) => elementCount(shape) > 0);
  const [first = all[0]] = filled;
  demand(first, 'has no inputs');
  const axis = call.axis(1, first.shape.length);
  const parts = filled.length > 0 ? filled : [first];
  const fits = parts.every(({ shape }) =>
    shapesEqual(shape.with(axis, 1), first.shape.with(axis, 1)),
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
  const [x, indices] = [call.known(0), call.known(1)];
  const axis = call.axis(0, x.shape.length);
  const extent = x.shape[axis] ?? 1;
  const inner = elementCount(x.shape.slice(axis + 1));
  const shape = x.shape.toSpliced(axis, 1, ...indices.shape);
  const row = elementCount(indices.shape) * inner;
  return tabulated(shape, x.type, [x, indices], (data, at) => (i) => {
    const index = within(at[Math.floor((i % row) / inner)] ?? 0, extent);
    return data[(Math.floor(i / row) * extent + index) * inner + (i % inner)] ?? 0;
  });
};

/** Rows of the input, by the places of indices. */
function gathered(call: ImportCall, { inner, shape, rows }: Places): Constant {
  const [x, indices] = [call.known(0), call.known(1)];
  return computed(shape, x.type, [x, indices], (data, at) => {
    const result = new Float64Array(elementCount(shape));
    for (const [i, row] of rows(at).entries()) {
      result.set(data.subarray(row * inner, (row + 1) * inner), i * inner);
    }
    return result;
  });
}

/** The input with updates in the places of indices, in their order. */
function scattered(call: ImportCall, { inner, shape, rows }: Places): Constant {
  const [x, indices] = [call.known(0), call.known(1)];
  const updates = call.known(2);
  const fits = shapesEqual(updates.shape, shape);
  demand(fits, `updates ${formatShape(updates.shape)} are not ${formatShape(shape)}`);
  const reduce = reductionOf(call)?.evaluate ?? ((_, update) => update);
  return computed(x.shape, x.type, [x, indices, updates], (data, at, more) => {
    const result = Float64Array.from(data);
    const rounding = roundingOf(x.type);
    for (const [i, row] of rows(at).entries()) {
      for (let j = 0; j < inner; j++) {
        const update = more[i * inner + j] ?? 0;
        result[row * inner + j] = rounding(reduce(result[row * inner + j] ?? 0, update));
      }
    }
    return result;
  });
}

export const indexing: Evaluators = {
  Slice: slice,
  Concat: concat,
  Gather: gather,
  GatherElements: (call) => gathered(call, placesOf(call)),
  GatherND: (call) => gathered(call, placesOf(call)),
  ScatterElements: (call) => scattered(call, placesOf(call)),
  ScatterND: (call) => scattered(call, placesOf(call)),
  Transpose(call) {
    const x = call.known(0);
    const axes = [...x.shape.keys()];
    const order = call.ints('perm') ?? axes.toReversed();
    const valid = shapesEqual(
      order.toSorted((a, b) => a - b),
      axes,
    );
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
    const x = call.known(0);
    const shape = commonShape(x.shape, call.numbers(1, 'the shape'));
    if (shapesEqual(shape, x.shape)) return seenAs(x, {});
    return strided(x, shape, stridesWithin(x.shape, shape));
  },
  /** The positions of all elements other than 0, axis by axis. */
  NonZero(call) {
    const { shape } = call.known(0);
    const data = call.data(0, 'the input');
    const found = [...data.keys()].filter((i) => data[i] !== 0);
    const positions = found.map((i) => positionOf(i, shape));
    const rows = Math.max(1, shape.length);
    const count = found.length;
    return tabulated([rows, count], 'int64', [], () => (i) => {
      return positions[i % count]?.[Math.floor(i / count)] ?? 0;
    });
  },
  /** Rows for which a condition holds. */
  Compress(call) {
    const x = call.known(0);
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
    return tabulated(shape, x.type, [whole], (data) => (i) => {
      const row = rows[Math.floor(i / inner) % rows.length] ?? 0;
      const outer = Math.floor(i / inner / rows.length);
      return data[(outer * extent + row) * inner + (i % inner)] ?? 0;
    });
  },
};
