/**
 * Nodes that compute constants from constants, shapes mostly: exporters write `x.view(x.shape[0], -1)` as Shape,
 * Gather, Unsqueeze, Concat, Reshape.
 */

import { alignedTo, broadcastShape, broadcastStrides } from '../layers/broadcast.ts';
import { UnsupportedError } from '../runtime/errors.ts';
import { elementCount, formatShape, type Shape } from '../runtime/tensor.ts';
import type { NodeAttributes } from './node_attributes.ts';
import { type Constant, isFloat } from './tensor.ts';

/** What a folded node reads. Inputs that are left out are undefined. */
export interface FoldCall {
  readonly name: string;
  readonly inputs: readonly (Constant | undefined)[];
  readonly attributes: NodeAttributes;
  /** Told of numbers before they are computed; throws where all of them would be too many. */
  spend(elements: number): void;
}

type Fold = (call: FoldCall) => Constant;

/** The largest constant that is computed, in elements: a VGG's largest weight has 1.03e8, a shape has 4. */
const MOST_ELEMENTS = 2 ** 24;

/** A constant of numbers that are here already. */
export function constant(
  name: string,
  shape: Shape,
  values: readonly number[] | Float32Array | Float64Array,
  float: boolean,
): Constant {
  return { name, shape, float, numbers: () => Float64Array.from(values) };
}

/** The axis counted from the front. Throws UnsupportedError where there is none such. */
export function axisOf(axis: number, rank: number): number {
  const positive = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(positive) || positive < 0 || positive >= Math.max(1, rank)) {
    throw new UnsupportedError(`axis ${axis} is not an axis of ${rank}`);
  }
  return positive;
}

/** The numbers of a small constant, such as a shape. */
export function listOf(value: Constant, most = 64): readonly number[] {
  if (elementCount(value.shape) > most) {
    throw new UnsupportedError(`expected at most ${most} numbers, got ${formatShape(value.shape)}`);
  }
  return [...value.numbers()];
}

function input({ inputs }: FoldCall, index: number): Constant {
  const found = inputs[index];
  if (!found) throw new UnsupportedError(`input ${index} is missing`);
  return found;
}

/** Axes as an attribute, or since operator set 13 as an input. */
function axes(call: FoldCall): readonly number[] | undefined {
  const given = call.inputs[1];
  return given ? listOf(given) : call.attributes.ints('axes');
}

/** The same data under another shape, which is not read for it. */
function reshaped(call: FoldCall, shape: Shape): Constant {
  const x = input(call, 0);
  if (elementCount(shape) !== elementCount(x.shape)) {
    throw new UnsupportedError(`${formatShape(x.shape)} cannot be seen as ${formatShape(shape)}`);
  }
  return { ...x, name: call.name, shape };
}

export function squeezed(shape: Shape, which: readonly number[] | undefined): Shape {
  const removed = which?.map((axis) => axisOf(axis, shape.length));
  if (removed?.some((axis) => shape[axis] !== 1)) {
    throw new UnsupportedError(`axes ${removed} of ${formatShape(shape)} are not all 1`);
  }
  return shape.filter((extent, axis) => (removed ? !removed.includes(axis) : extent !== 1));
}

export function unsqueezed(shape: Shape, which: readonly number[] = []): Shape {
  const rank = shape.length + which.length;
  const added = which.map((axis) => axisOf(axis, rank));
  if (new Set(added).size !== added.length || rank > 16) {
    throw new UnsupportedError(`axes ${which} cannot be added to ${formatShape(shape)}`);
  }
  const rest = [...shape];
  return Array.from({ length: rank }, (_, axis) =>
    added.includes(axis) ? 1 : (rest.shift() ?? 1),
  );
}

/** What a Reshape asks for, with 0 for an extent that is kept and -1 for the rest. */
export function requestedShape(shape: Shape, asked: readonly number[], allowZero: boolean): Shape {
  const kept = asked.map((extent, axis) =>
    extent === 0 && !allowZero ? (shape[axis] ?? 0) : extent,
  );
  const known = kept.filter((extent) => extent !== -1).reduce((a, b) => a * b, 1);
  return kept.map((extent) => (extent === -1 ? elementCount(shape) / known : extent));
}

/** Gathers elements: `at` gives the index in x of each element of the result. */
function rearranged(
  call: FoldCall,
  shape: Shape,
  at: (index: readonly number[]) => number,
): Constant {
  const x = input(call, 0);
  checkSize(shape);
  call.spend(elementCount(shape) + elementCount(x.shape));
  const data = x.numbers();
  const values = new Float64Array(elementCount(shape));
  const index = shape.map(() => 0);
  for (let i = 0; i < values.length; i++) {
    values[i] = data[at(index)] ?? 0;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis] = (index[axis] ?? 0) + 1;
      if ((index[axis] ?? 0) < (shape[axis] ?? 0)) break;
      index[axis] = 0;
    }
  }
  return constant(call.name, shape, values, x.float);
}

function checkSize(shape: Shape): void {
  if (!(elementCount(shape) <= MOST_ELEMENTS)) {
    throw new UnsupportedError(
      `a constant of ${formatShape(shape)} is computed; at most ${MOST_ELEMENTS} elements are`,
    );
  }
}

function stridesOf(shape: Shape): readonly number[] {
  return shape.map((_, axis) => elementCount(shape.slice(axis + 1)));
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
}

const gather: Fold = (call) => {
  const x = input(call, 0);
  const indices = input(call, 1);
  const axis = axisOf(call.attributes.int('axis', 0), x.shape.length);
  const extent = x.shape[axis] ?? 1;
  const wanted = listOf(indices, 4096).map((i) => (i < 0 ? i + extent : i));
  if (wanted.some((i) => !(i >= 0 && i < extent))) {
    throw new UnsupportedError(`indices are out of the ${extent} along axis ${axis}`);
  }
  const rank = indices.shape.length;
  const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
  const strides = stridesOf(x.shape);
  const inIndices = stridesOf(indices.shape);
  return rearranged(call, shape, (index) => {
    const picked = wanted[dot(index.slice(axis, axis + rank), inIndices)] ?? 0;
    return dot([...index.slice(0, axis), picked, ...index.slice(axis + rank)], strides);
  });
};

const transpose: Fold = (call) => {
  const { shape } = input(call, 0);
  const order = permutationOf(call.attributes, shape.length);
  const strides = stridesOf(shape);
  return rearranged(
    call,
    order.map((axis) => shape[axis] ?? 1),
    (index) => index.reduce((sum, value, i) => sum + value * (strides[order[i] ?? 0] ?? 0), 0),
  );
};

export function permutationOf(attributes: NodeAttributes, rank: number): readonly number[] {
  const order = attributes.ints('perm') ?? Array.from({ length: rank }, (_, i) => rank - 1 - i);
  if (order.length !== rank || !order.every((_, axis) => order.includes(axis))) {
    throw new UnsupportedError(`perm [${order}] is no order of ${rank} axes`);
  }
  return order;
}

const slice: Fold = (call) => {
  const { shape } = input(call, 0);
  const list = (index: number, name: string) => {
    const given = call.inputs[index];
    return given ? listOf(given) : call.attributes.ints(name);
  };
  const starts = list(1, 'starts') ?? [];
  const ends = list(2, 'ends') ?? [];
  const which = list(3, 'axes') ?? starts.map((_, i) => i);
  const steps = list(4, 'steps') ?? starts.map(() => 1);
  const from = shape.map(() => 0);
  const extents = [...shape];
  for (const [i, given] of which.entries()) {
    const axis = axisOf(given, shape.length);
    const extent = shape[axis] ?? 1;
    if (steps[i] !== 1)
      throw new UnsupportedError(`slices by steps of ${steps[i]}; only 1 is read`);
    const bound = (at = 0) => Math.min(Math.max(at < 0 ? at + extent : at, 0), extent);
    from[axis] = bound(starts[i]);
    extents[axis] = Math.max(0, bound(ends[i]) - bound(starts[i]));
  }
  const strides = stridesOf(shape);
  return rearranged(call, extents, (index) => dot(index, strides) + dot(from, strides));
};

const concat: Fold = (call) => {
  const parts = call.inputs.map((_, i) => input(call, i));
  const [first] = parts;
  const axis = axisOf(call.attributes.int('axis', 0), first?.shape.length ?? 0);
  if (!parts.every(({ shape }) => shape.length === 1) || axis !== 0) {
    throw new UnsupportedError('only vectors of constants are concatenated');
  }
  const values = parts.flatMap((part) => listOf(part, 4096));
  return constant(call.name, [values.length], values, first?.float ?? false);
};

function arithmetic(formula: (a: number, b: number) => number): Fold {
  return (call) => {
    const [a, b] = [input(call, 0), input(call, 1)];
    const shape = broadcastShape(a.shape, b.shape);
    if (!shape) {
      const shapes = `${formatShape(a.shape)} and ${formatShape(b.shape)}`;
      throw new UnsupportedError(`shapes ${shapes} do not go together`);
    }
    const [stridesA, stridesB] = [a, b].map((x) =>
      broadcastStrides(alignedTo(x.shape, shape.length)),
    );
    const left = rearranged(call, shape, (index) => dot(index, stridesA ?? []));
    const right = rearranged({ ...call, inputs: [b] }, shape, (index) =>
      dot(index, stridesB ?? []),
    );
    const [x, y] = [left.numbers(), right.numbers()];
    const float = a.float || b.float;
    const values = Float64Array.from(x, (value, i) => {
      const result = formula(value, y[i] ?? 0);
      return float ? result : Math.trunc(result);
    });
    return constant(call.name, shape, values, float);
  };
}

const constantOfShape: Fold = (call) => {
  const shape = listOf(input(call, 0));
  if (!shape.every((extent) => Number.isSafeInteger(extent) && extent >= 0)) {
    throw new UnsupportedError(`${formatShape(shape)} is no shape`);
  }
  checkSize(shape);
  const tensor = call.attributes.tensor('value');
  const [value = 0] = tensor
    ? [
        ...tensor.floatData,
        ...tensor.int64Data.map(Number),
        ...rawScalar(tensor.rawData, tensor.dataType),
      ]
    : [];
  const float = tensor ? isFloat(tensor.dataType) : true;
  const numbers = () => new Float64Array(elementCount(shape)).fill(value);
  return { name: call.name, shape, float, numbers };
};

/** An f32 or an i64, which is what exporters fill constants with. */
function rawScalar(raw: Uint8Array, dataType: number): readonly number[] {
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  if (raw.length === 4 && isFloat(dataType)) return [view.getFloat32(0, true)];
  if (raw.length === 8 && !isFloat(dataType)) return [Number(view.getBigInt64(0, true))];
  return [];
}

const table: Readonly<Record<string, Fold>> = {
  Gather: gather,
  Transpose: transpose,
  Slice: slice,
  Concat: concat,
  ConstantOfShape: constantOfShape,
  Add: arithmetic((a, b) => a + b),
  Sub: arithmetic((a, b) => a - b),
  Mul: arithmetic((a, b) => a * b),
  Div: arithmetic((a, b) => a / b),
  Identity: (call) => ({ ...input(call, 0), name: call.name }),
  Dropout: (call) => ({ ...input(call, 0), name: call.name }),
  Cast: (call) => {
    const x = input(call, 0);
    const float = isFloat(call.attributes.int('to', 1));
    if (float || !x.float) return { ...x, name: call.name, float };
    // Computed at once, so that a chain of casts does not become one of calls.
    call.spend(elementCount(x.shape));
    return constant(call.name, x.shape, x.numbers().map(Math.trunc), false);
  },
  Squeeze: (call) => reshaped(call, squeezed(input(call, 0).shape, axes(call))),
  Unsqueeze: (call) => reshaped(call, unsqueezed(input(call, 0).shape, axes(call))),
  Reshape: (call) => {
    const asked = listOf(input(call, 1));
    const allowZero = call.attributes.int('allowzero', 0) === 1;
    return reshaped(call, requestedShape(input(call, 0).shape, asked, allowZero));
  },
};

/** By ONNX's name of the operator. */
export const folds: ReadonlyMap<string, Fold> = new Map(Object.entries(table));
