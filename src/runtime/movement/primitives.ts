/** The steps that all others are made of. */
import { elementCount, formatShape, type Shape } from '../tensor.ts';
import { demand, isExtent, type Movement } from './movement.ts';
import type { StridedElements } from './strided_elements.ts';
import { padElements, sliceElements, tileElements, transposeElements } from './strided_steps.ts';

/**
 * Another shape for the same elements in the same order. One extent may be -1, for what is left; 0 stands for that of
 * the same axis before.
 */
export class Reshape implements Movement {
  readonly kind = 'reshape';
  readonly extents: readonly number[];

  constructor({ extents }: { readonly extents: readonly number[] }) {
    this.extents = extents;
  }

  shapeAfter(shape: Shape): Shape {
    const extents = this.extents.map((extent, axis) => extent || (shape[axis] ?? 0));
    const rest = elementCount(shape) / elementCount(extents.filter((extent) => extent !== -1));
    const result = extents.map((extent) => (extent === -1 ? rest : extent));
    const open = extents.filter((extent) => extent === -1).length;
    demand(
      open <= 1 && result.every(isExtent) && elementCount(result) === elementCount(shape),
      `${formatShape(shape)} has ${elementCount(shape)} elements, which cannot be seen as ${formatShape(this.extents)}`,
    );
    return result;
  }

  move(data: Float64Array): Float64Array {
    return data.slice();
  }

  lower(): boolean {
    return true;
  }

  mixesImages(): boolean {
    return false;
  }

  describe(): string {
    return formatShape(this.extents);
  }
}

/** Axis a of the result is axis `order[a]`. */
export class Transpose implements Movement {
  readonly kind = 'transpose';
  readonly order: readonly number[];

  constructor({ order }: { readonly order: readonly number[] }) {
    this.order = order;
  }

  shapeAfter(shape: Shape): Shape {
    const sorted = this.order.toSorted((a, b) => a - b);
    const valid = sorted.length === shape.length && sorted.every((axis, at) => axis === at);
    demand(valid, `${this.describe()} is no order of the axes of ${formatShape(shape)}`);
    return this.order.map((axis) => shape[axis] ?? 1);
  }

  move(data: Float64Array, from: Shape, to: Shape): Float64Array {
    return gathered(data, from, to, (index) =>
      from.map((_, axis) => component(index, this.order.indexOf(axis))),
    );
  }

  lower(elements: StridedElements, from: Shape): boolean {
    return transposeElements(elements, from, this.order);
  }

  mixesImages(): boolean {
    return this.order[0] !== 0;
  }

  describe(): string {
    return formatShape(this.order);
  }
}

/** `x[from:to:step]` along an axis, as in Python; without `to`, as far as there are elements. */
export class Slice implements Movement {
  readonly kind = 'slice';
  readonly axis: number;
  readonly from: number;
  readonly to: number | undefined;
  readonly step: number;

  constructor({
    axis,
    from,
    to,
    step = 1,
  }: Pick<Slice, 'axis' | 'from'> & { readonly to?: number | undefined; readonly step?: number }) {
    this.axis = axis;
    this.from = from;
    this.to = to;
    this.step = step;
  }

  shapeAfter(shape: Shape): Shape {
    const extent = shape[this.axis];
    demand(extent !== undefined, `${formatShape(shape)} has no axis ${this.axis} to slice`);
    const valid = [this.from, this.to ?? 0, this.step].every(Number.isInteger) && this.step !== 0;
    demand(valid, `slice ${this.describe()} needs integers, and a step other than 0`);
    const { count } = this.#range(extent);
    demand(count > 0, `slice ${this.describe()} leaves nothing of ${formatShape(shape)}`);
    return shape.with(this.axis, count);
  }

  move(data: Float64Array, from: Shape, to: Shape): Float64Array {
    const all = Array.from({ length: component(from, this.axis) }, (_, i) => i);
    const taken = pythonSlice(all, this);
    return gathered(data, from, to, (index) =>
      index.with(this.axis, component(taken, component(index, this.axis))),
    );
  }

  lower(elements: StridedElements, from: Shape): boolean {
    return sliceElements(elements, from, this.axis, {
      ...this.#range(from[this.axis] ?? 1),
      step: this.step,
    });
  }

  mixesImages(): boolean {
    return this.axis === 0 && (this.from !== 0 || this.to !== undefined || this.step !== 1);
  }

  describe(): string {
    return `${this.from}:${this.to ?? ''}:${this.step} of axis ${this.axis}`;
  }

  /** What it takes of an axis: `count` elements, the first is `from`. */
  #range(extent: number): { readonly from: number; readonly count: number } {
    const { from, to, step } = this;
    const [least, most] = step > 0 ? [0, extent] : [-1, extent - 1];
    const within = (index: number) =>
      Math.min(Math.max(index < 0 ? index + extent : index, least), most);
    const end = to === undefined ? (step > 0 ? extent : -1) : within(to);
    return { from: within(from), count: Math.max(0, Math.ceil((end - within(from)) / step)) };
  }
}

/** So many elements of `value` around each axis; negative amounts cut. */
export class Pad implements Movement {
  readonly kind = 'pad';
  readonly before: readonly number[];
  readonly after: readonly number[];
  readonly value: number;

  constructor({ before, after, value }: Pick<Pad, 'before' | 'after' | 'value'>) {
    this.before = before;
    this.after = after;
    this.value = value;
  }

  shapeAfter(shape: Shape): Shape {
    const given = [this.before, this.after];
    const valid = given.every(
      (list) => list.length === shape.length && list.every(Number.isSafeInteger),
    );
    demand(valid, `pad ${this.describe()} needs an integer for each axis of ${formatShape(shape)}`);
    demand(!Number.isNaN(this.value), 'padding with NaN');
    return shape.map((extent, axis) => extent + (this.before[axis] ?? 0) + (this.after[axis] ?? 0));
  }

  move(data: Float64Array, from: Shape, to: Shape): Float64Array {
    const inner = (index: readonly number[]) =>
      index.map((i, axis) => i - component(this.before, axis));
    const isInside = (index: readonly number[]) =>
      index.every((i, axis) => i >= 0 && i < component(from, axis));
    return gathered(
      data,
      from,
      to,
      (index) => (isInside(inner(index)) ? inner(index) : undefined),
      this.value,
    );
  }

  lower(elements: StridedElements, from: Shape): boolean {
    return padElements(elements, from, this.before, this.after, this.value);
  }

  mixesImages(): boolean {
    return this.before[0] !== 0 || this.after[0] !== 0;
  }

  describe(): string {
    return `${formatShape(this.before)} before, ${formatShape(this.after)} after with ${this.value}`;
  }
}

/** The whole of each axis, so many times. */
export class Tile implements Movement {
  readonly kind = 'tile';
  readonly repeats: readonly number[];

  constructor({ repeats }: { readonly repeats: readonly number[] }) {
    this.repeats = repeats;
  }

  shapeAfter(shape: Shape): Shape {
    const valid = this.repeats.length === shape.length && this.repeats.every(isExtent);
    demand(valid, `tile ${this.describe()} needs a number for each axis of ${formatShape(shape)}`);
    return shape.map((extent, axis) => extent * (this.repeats[axis] ?? 1));
  }

  move(data: Float64Array, from: Shape, to: Shape): Float64Array {
    return gathered(data, from, to, (index) => index.map((i, axis) => i % component(from, axis)));
  }

  lower(elements: StridedElements, from: Shape): boolean {
    return tileElements(elements, from, this.repeats);
  }

  mixesImages(): boolean {
    return this.repeats[0] !== 1;
  }

  describe(): string {
    return formatShape(this.repeats);
  }
}

/** Python's own way to walk, which knows no count in advance. */
function pythonSlice(all: readonly number[], { from, to, step }: Slice): readonly number[] {
  const counted = (index: number) => (index < 0 ? index + all.length : index);
  const [first, end] =
    step > 0
      ? [
          Math.max(counted(from), 0),
          to === undefined ? all.length : Math.min(counted(to), all.length),
        ]
      : [
          Math.min(counted(from), all.length - 1),
          to === undefined ? -1 : Math.max(counted(to), -1),
        ];
  const taken: number[] = [];
  for (let i = first; step > 0 ? i < end : i > end; i += step) taken.push(i);
  return taken;
}

/** Takes each element from where `source` says; those that come from nowhere are `fill`. */
function gathered(
  data: Float64Array,
  from: Shape,
  to: Shape,
  source: (index: readonly number[]) => readonly number[] | undefined,
  fill?: number,
): Float64Array {
  const result = new Float64Array(elementCount(to));
  const index = to.map(() => 0);
  for (let at = 0; at < result.length; at++) {
    const found = source(index);
    const value = found ? data[rowMajorAt(found, from)] : fill;
    if (value === undefined) throw new RangeError(`${formatShape(index)} comes from nowhere`);
    result[at] = value;
    for (let axis = to.length - 1; axis >= 0; axis--) {
      const next = component(index, axis) + 1;
      index[axis] = next % component(to, axis);
      if (next < component(to, axis)) break;
    }
  }
  return result;
}

function component(values: readonly number[], axis: number): number {
  const value = values[axis];
  if (value === undefined)
    throw new RangeError(`there is no axis ${axis} in ${formatShape(values)}`);
  return value;
}

function rowMajorAt(index: readonly number[], shape: Shape): number {
  return index.reduce((at, i, axis) => {
    const inside = index.length === shape.length && i >= 0 && i < component(shape, axis);
    if (!inside) throw new RangeError(`${formatShape(index)} is beyond ${formatShape(shape)}`);
    return at * component(shape, axis) + i;
  }, 0);
}
