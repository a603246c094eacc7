/**
 * What the primitive steps do to strided elements. Each says whether it could be taken; where not, what it leaves is of
 * no use.
 */
import { elementCount, type Shape } from '../tensor.ts';
import { type Atom, type StridedElements, whole } from './strided_elements.ts';

/** Indices along an axis: `from`, `from + step`, ... */
export interface Range {
  readonly from: number;
  readonly step: number;
  readonly count: number;
}

export function transposeElements(
  elements: StridedElements,
  shape: Shape,
  order: readonly number[],
): boolean {
  // Axes of extent 1 can be anywhere.
  const kept = order.filter((axis) => shape[axis] !== 1);
  const sorted = kept.toSorted((a, b) => a - b);
  // Axes that stay neighbours are one block, named by its first.
  const before = (axes: readonly number[], axis: number) => axes[axes.indexOf(axis) - 1];
  const first = (axis: number) =>
    before(kept, axis) === undefined || before(kept, axis) !== before(sorted, axis);
  const starts = sorted.filter(first);
  const extents = starts.map((axis, at) => elementCount(shape.slice(axis, starts[at + 1])));
  const blocks = elements.atomsAlong(extents);
  if (!blocks) return false;
  return elements.become(kept.filter(first).flatMap((axis) => blocks[starts.indexOf(axis)] ?? []));
}

/** A negative step is that along the axis in reverse. */
export function sliceElements(
  elements: StridedElements,
  shape: Shape,
  axis: number,
  { from, step, count }: Range,
): boolean {
  const extent = shape[axis] ?? 1;
  if (count === extent && (step === 1 || extent === 1)) return true;
  const outer = elementCount(shape.slice(0, axis));
  const inner = elementCount(shape.slice(axis + 1));
  if (step === 1) {
    const range = { from: from * inner, step, count: count * inner };
    return elements.replace([outer, extent * inner], (atoms) => selected(elements, atoms, range));
  }
  return elements.replace([outer, extent, inner], (atoms) =>
    step > 0
      ? selected(elements, atoms, { from, step, count })
      : selected(elements, reversed(elements, atoms), {
          from: extent - 1 - from,
          step: -step,
          count,
        }),
  );
}

/** So many elements of `value` around each axis; negative amounts cut. */
export function padElements(
  elements: StridedElements,
  shape: Shape,
  before: readonly number[],
  after: readonly number[],
  value: number,
): boolean {
  const cut = [...shape];
  for (const [axis, extent] of shape.entries()) {
    const from = Math.max(0, -(before[axis] ?? 0));
    const count = extent - from - Math.max(0, -(after[axis] ?? 0));
    if (count <= 0) {
      const extents = shape.map((n, at) => n + (before[at] ?? 0) + (after[at] ?? 0));
      return elements.becomeFill(elementCount(extents), value);
    }
    if (!sliceElements(elements, cut, axis, { from, step: 1, count })) return false;
    cut[axis] = count;
  }
  if (![...before, ...after].some((amount) => amount > 0)) return true;
  if (elements.padded && !Object.is(elements.fill, value)) return false;
  elements.fill = value;
  return eachAxis(elements, cut, (axis, inner) => {
    const [head, tail] = [Math.max(0, before[axis] ?? 0), Math.max(0, after[axis] ?? 0)];
    if (head + tail === 0) return undefined;
    return {
      extent: (cut[axis] ?? 1) + head + tail,
      change: (atoms) => grown(elements, atoms, head * inner, tail * inner),
    };
  });
}

/** The whole of each axis, so many times. */
export function tileElements(
  elements: StridedElements,
  shape: Shape,
  repeats: readonly number[],
): boolean {
  return eachAxis(elements, shape, (axis) => {
    const times = repeats[axis] ?? 1;
    if (times === 1) return undefined;
    const change = (atoms: readonly Atom[]) => [whole(times, 0), ...atoms];
    return { extent: (shape[axis] ?? 1) * times, change };
  });
}

interface AxisChange {
  /** What becomes of the extent. */
  readonly extent: number;
  /** Other atoms in place of these; undefined where that cannot be. */
  readonly change: (atoms: readonly Atom[]) => readonly Atom[] | undefined;
}

/** Changes axes from the last to the first, each together with the `inner` elements after it. */
function eachAxis(
  elements: StridedElements,
  shape: Shape,
  changeOf: (axis: number, inner: number) => AxisChange | undefined,
): boolean {
  let inner = 1;
  for (const [axis, extent] of [...shape.entries()].reverse()) {
    const changed = changeOf(axis, inner);
    const outer = elementCount(shape.slice(0, axis));
    if (changed && !elements.replace([outer, extent * inner], changed.change)) return false;
    inner *= changed?.extent ?? extent;
  }
  return true;
}

function reversed(elements: StridedElements, atoms: readonly Atom[]): readonly Atom[] {
  return atoms.map(({ extent, stride, from, to }) => {
    elements.offset += (extent - 1) * stride;
    return { extent, stride: 0 - stride, from: extent - to, to: extent - from };
  });
}

/** The atoms of part of an axis; undefined where the part is none of whole atoms. */
function selected(
  elements: StridedElements,
  atoms: readonly Atom[],
  { from, step, count }: Range,
): readonly Atom[] | undefined {
  const [outer, ...inner] = atoms;
  if (!outer) return [];
  if (inner.length === 0) return stepped(elements, outer, { from, step, count });
  const run = elementCount(inner.map(({ extent }) => extent));
  const [first, within] = [Math.floor(from / run), from % run];
  if (Math.floor((from + step * (count - 1)) / run) === first) {
    stepped(elements, outer, { from: first, step: 1, count: 1 });
    return selected(elements, inner, { from: within, step, count });
  }
  if (step % run === 0) {
    selected(elements, inner, { from: within, step: 1, count: 1 });
    return stepped(elements, outer, { from: first, step: step / run, count });
  }
  if (run % step !== 0 || within >= step || count % (run / step) !== 0) return undefined;
  const tail = selected(elements, inner, { from: within, step, count: run / step });
  const head = stepped(elements, outer, { from: first, step: 1, count: (count * step) / run });
  return tail && [...head, ...tail];
}

function stepped(
  elements: StridedElements,
  { stride, from, to }: Atom,
  range: Range,
): readonly Atom[] {
  elements.offset += range.from * stride;
  const clamped = (index: number) => Math.min(Math.max(0, Math.ceil(index)), range.count);
  return elements.kept({
    extent: range.count,
    stride: stride * range.step,
    from: clamped((from - range.from) / range.step),
    to: clamped((to - range.from) / range.step),
  });
}

/** With so many elements around that have no place in memory; undefined where those are no whole outer indices. */
function grown(
  elements: StridedElements,
  atoms: readonly Atom[],
  before: number,
  after: number,
): readonly Atom[] | undefined {
  if (before + after === 0) return atoms;
  const [outer, ...inner] = atoms;
  if (!outer) return [{ extent: 1 + before + after, stride: 0, from: before, to: before + 1 }];
  const run = elementCount(inner.map(({ extent }) => extent));
  if (before % run !== 0 || after % run !== 0) return undefined;
  const shift = before / run;
  elements.offset -= shift * outer.stride;
  const { stride, from, to } = outer;
  const extent = outer.extent + shift + after / run;
  return [{ extent, stride, from: from + shift, to: to + shift }, ...inner];
}
