import { elementCount, type Shape, type View, viewOfDesc } from '../tensor.ts';

/**
 * An axis of strides of its own, of which only the indices from `from` on and below `to` lead into memory.
 */
export interface Atom {
  /** Indices from 0. */
  readonly extent: number;
  /** Elements of memory from an index to the next. */
  readonly stride: number;
  /** The first index that leads into memory. */
  readonly from: number;
  /** The first index after those. */
  readonly to: number;
}

/**
 * Elements in an order, and where each lies in memory: atoms, counted row-major. They know no shape, so reshaping does
 * nothing. Each step says under which shape it sees the elements; atoms are merged and cut in two so that the step's
 * axes consist of whole ones, and nothing is cut that the step leaves together. After the movement operators of
 * tinygrad's ShapeTracker, https://github.com/tinygrad/tinygrad, which keeps a list of views where one does not do.
 *
 * @example
 * const axes = (elements: StridedElements) => elements.merge().length; // of what Movement.lower is given
 */
export class StridedElements {
  /** Of extents of at least 2. */
  atoms: readonly Atom[];
  /** Where index 0 would lie, if no bounds kept it from memory. */
  offset: number;
  /** What elements are that have no place in memory. */
  fill = 0;
  /** No index leads into memory any more. */
  onlyFill = false;

  constructor(shape: Shape, view: View = viewOfDesc({ shape, dtype: 'f32' })) {
    if (view.strides.length !== shape.length) {
      throw new RangeError(`${view.strides.length} strides for ${shape.length} axes`);
    }
    this.offset = view.offset;
    this.atoms = shape.flatMap((extent, axis) => this.kept(whole(extent, view.strides[axis] ?? 0)));
  }

  /** Whether some elements have no place in memory. */
  get padded(): boolean {
    return this.onlyFill || this.atoms.some((atom) => !isWhole(atom));
  }

  /** Neighbours as one where one stride and one range of indices say the same. */
  merge(): readonly Atom[] {
    const result: Atom[] = [];
    for (const inner of this.atoms) {
      const outer = result.at(-1);
      const single = outer !== undefined && outer.to - outer.from === 1;
      const even = outer && isWhole(inner) && outer.stride === inner.extent * inner.stride;
      if (!outer || !(single || even)) {
        result.push(inner);
        continue;
      }
      // Only one index of `outer` leads into memory: its stride can be any.
      if (single) this.offset += outer.from * (outer.stride - inner.extent * inner.stride);
      const [from, to] = single ? [inner.from, inner.to] : [0, 0];
      result[result.length - 1] = {
        extent: outer.extent * inner.extent,
        stride: inner.stride,
        from: outer.from * inner.extent + from,
        to: (single ? outer.from : outer.to) * inner.extent + to,
      };
    }
    this.atoms = result;
    return result;
  }

  /**
   * The atoms of each axis; undefined where one belongs to two.
   *
   * @param shape - Under which the elements are seen.
   *
   * @example
   * const rows = (elements: StridedElements) => elements.atomsAlong([56, 56])?.[0];
   */
  atomsAlong(shape: Shape): readonly (readonly Atom[])[] | undefined {
    const rest = this.merge().toReversed();
    const axes: Atom[][] = [];
    for (const extent of shape) {
      const axis: Atom[] = [];
      let open = extent;
      while (open > 1) {
        const atom = rest.pop();
        if (!atom) return undefined;
        const parts = open % atom.extent === 0 ? [atom] : split(atom, atom.extent / open);
        const [head, tail] = parts ?? [];
        if (!head) return undefined;
        axis.push(head);
        if (tail) rest.push(tail);
        open /= head.extent;
      }
      axes.push(axis);
    }
    return axes;
  }

  /**
   * Puts other atoms in place of those of axis 1 of this shape; whether that could be done.
   *
   * @param shape - Under which the elements are seen.
   * @param change - Undefined where it cannot be done.
   *
   * @example
   * const turned = (elements: StridedElements) => elements.replace([1, 64, 56], (atoms) => atoms.toReversed());
   */
  replace(shape: Shape, change: (atoms: readonly Atom[]) => readonly Atom[] | undefined): boolean {
    const axes = this.atomsAlong(shape);
    const changed = axes && change(axes[1] ?? []);
    return axes !== undefined && changed !== undefined && this.become(axes.with(1, changed).flat());
  }

  /**
   * Puts these in place of all atoms.
   *
   * @param atoms - The new ones, outermost first.
   *
   * @example
   * const same = (elements: StridedElements) => elements.become(elements.atoms);
   */
  become(atoms: readonly Atom[]): true {
    this.atoms = atoms;
    const count = elementCount(atoms.map(({ extent }) => extent));
    return this.onlyFill ? this.becomeFill(count, this.fill) : true;
  }

  /**
   * Where nothing is left of memory, strides and bounds do not matter.
   *
   * @param count - Of elements.
   * @param value - Of all of them.
   *
   * @example
   * const zeros = (elements: StridedElements) => elements.becomeFill(64, 0);
   */
  becomeFill(count: number, value: number): true {
    this.onlyFill = true;
    this.fill = value;
    this.atoms = count > 1 ? [whole(count, 0)] : [];
    return true;
  }

  /**
   * Nothing of an atom of extent 1, whose index is 0.
   *
   * @param atom - Any.
   *
   * @example
   * const whole = (elements: StridedElements) => elements.atoms.flatMap((atom) => elements.kept(atom));
   */
  kept(atom: Atom): readonly Atom[] {
    if (atom.from >= atom.to) this.onlyFill = true;
    return atom.extent === 1 ? [] : [atom];
  }
}

/** All of whose indices lead into memory. */
export function whole(extent: number, stride: number): Atom {
  return { extent, stride, from: 0, to: extent };
}

function isWhole({ extent, from, to }: Atom): boolean {
  return from === 0 && to === extent;
}

/** An outer atom and one of extent `inner`; undefined where there is none, or the bounds are not those of a box. */
function split(
  { extent, stride, from, to }: Atom,
  inner: number,
): readonly [Atom, Atom] | undefined {
  if (!Number.isInteger(inner)) return undefined;
  const outer = { extent: extent / inner, stride: stride * inner };
  const block = Math.floor(from / inner);
  if (from % inner === 0 && to % inner === 0) {
    return [{ ...outer, from: from / inner, to: to / inner }, whole(inner, stride)];
  }
  if (Math.floor((to - 1) / inner) !== block) return undefined;
  return [
    { ...outer, from: block, to: block + 1 },
    { extent: inner, stride, from: from - block * inner, to: to - block * inner },
  ];
}
