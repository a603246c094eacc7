/** All steps of a movement as one affine map over the input's memory, or as a view of it. */
import type { IndexMap } from '../../../shaders/lib/index_map.ts';
import { elementCount, type Shape, type View } from '../tensor.ts';
import { type Movement, movedShape } from './movement.ts';
import { type Atom, StridedElements, whole } from './strided_elements.ts';

/**
 * The steps as one map over the memory of the input, which is row-major from 0 on, or as `view` says. The map has as
 * few axes as it can, at least one, in place of those of the output. Undefined where the steps are no single affine
 * map: a reshape across a transpose whose axes it would have to cut in pieces, padding with two values. Throws Error
 * where a step does not fit.
 */
export function indexMapOf(
  steps: readonly Movement[],
  shape: Shape,
  view?: View,
): IndexMap | undefined {
  const elements = lowered(steps, shape, view);
  if (!elements) return undefined;
  return mapOf(elements, elements.merge());
}

/**
 * The map of `indexMapOf`, and offset and strides of its axes in the memory of the output, of which `target` says where
 * the elements lie: a part of a larger tensor, for one. The map has more axes where those of the output are not dense.
 */
export function indexMapInto(
  target: View,
  steps: readonly Movement[],
  shape: Shape,
  view?: View,
): { readonly map: IndexMap; readonly target: View } | undefined {
  const elements = lowered(steps, shape, view);
  const written = new StridedElements(movedShape(steps, shape), target);
  // Cut where the atoms of either end, both lists are the same axes.
  const places = elements && written.atomsAlong(elements.merge().map(({ extent }) => extent));
  const axes = places?.flat();
  const atoms = axes && elements?.atomsAlong(axes.map(({ extent }) => extent));
  if (!elements || !axes || !atoms) return undefined;
  const strides = axes.length > 0 ? axes.map(({ stride }) => stride) : [1];
  return { map: mapOf(elements, atoms.flat()), target: { offset: target.offset, strides } };
}

function mapOf(elements: StridedElements, found: readonly Atom[]): IndexMap {
  const atoms = found.length > 0 ? found : [whole(1, 1)];
  const { padded, onlyFill, fill, offset } = elements;
  return {
    extents: atoms.map(({ extent }) => extent),
    strides: atoms.map(({ stride }) => stride),
    offset: onlyFill ? 0 : offset,
    bounds: atoms.map(({ from, to }) => (onlyFill ? ([0, 0] as const) : ([from, to] as const))),
    fill: padded ? fill : 0,
  };
}

/**
 * The result as a view of the input's memory, with a stride for each of its axes. Undefined where it is none: where
 * elements are added, repeated or reversed, or an axis steps through memory unevenly. Throws Error where a step does
 * not fit.
 */
export function viewOf(steps: readonly Movement[], shape: Shape, view?: View): View | undefined {
  const elements = lowered(steps, shape, view);
  if (!elements || elements.padded) return undefined;
  return viewAlong(elements, movedShape(steps, shape));
}

/**
 * The other way round: where elements must be written, as a view of the memory of the result, which lies there under
 * `target`, so that nothing is left to move. Undefined where the steps do not have each element once, in order of one
 * stride for each axis. Throws Error where a step does not fit.
 */
export function viewBefore(
  steps: readonly Movement[],
  shape: Shape,
  target: View,
): View | undefined {
  const into = indexMapInto(target, steps, shape);
  if (!into) return undefined;
  const { extents, strides, bounds, offset } = into.map;
  const isWhole = extents.every((extent, i) => bounds[i]?.[0] === 0 && bounds[i]?.[1] === extent);
  if (offset !== 0 || !isWhole) return undefined;
  const axes = extents
    .map((extent, i) => ({ extent, own: strides[i], stride: into.target.strides[i] ?? 0 }))
    .filter(({ extent }) => extent > 1)
    .sort((a, b) => (b.own ?? 0) - (a.own ?? 0));
  let dense = elementCount(shape);
  for (const { extent, own } of axes) {
    dense /= extent;
    if (own !== dense) return undefined;
  }
  if (dense !== 1) return undefined;
  const elements = new StridedElements([]);
  elements.offset = into.target.offset;
  elements.become(axes.map(({ extent, stride }) => whole(extent, stride)));
  return viewAlong(elements, shape);
}

/** Elements as a view with these axes. */
function viewAlong(elements: StridedElements, shape: Shape): View | undefined {
  const axes = elements.atomsAlong(shape);
  if (!axes) return undefined;
  const strides: number[] = [];
  // An axis of extent 1 is given the stride of a dense one.
  let dense = 1;
  for (const atoms of axes.toReversed()) {
    const [atom = { extent: 1, stride: dense }, ...others] = atoms;
    if (others.length > 0 || atom.stride <= 0) return undefined;
    strides.unshift(atom.stride);
    dense = atom.extent * atom.stride;
  }
  return { offset: elements.offset, strides };
}

function lowered(
  steps: readonly Movement[],
  shape: Shape,
  view?: View,
): StridedElements | undefined {
  const elements = new StridedElements(movedShape([], shape), view);
  let before = shape;
  for (const step of steps) {
    const after = movedShape([step], before);
    if (!step.lower(elements, before, after)) return undefined;
    before = after;
  }
  return elements;
}
