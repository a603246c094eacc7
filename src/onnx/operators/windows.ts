/** Sliding windows, as convolutions and pools have them, over one to three axes of space. */
import { rearrange } from '../../layers/rearrange.ts';
import type { Padding3d, Triple, Window3d } from '../../layers/volume.ts';
import type { Padding, Pair, Window } from '../../layers/window.ts';
import type { Value } from '../../runtime/graph.ts';
import type { GraphBuilder } from '../../runtime/graph_builder.ts';
import { Squeeze, Unsqueeze } from '../../runtime/movement/index.ts';
import { formatShape, type Shape, shapesEqual } from '../../runtime/tensor.ts';
import { demand } from '../errors.ts';
import type { ImportCall } from '../import_node.ts';

/** The axis of height that a row is given. */
const HEIGHT = { axes: [2] };

/**
 * The input of a node, and what its attributes say of each axis, seen as a feature map [N, C, H, W] or a volume: a row
 * [N, C, L] is a map of height 1. All is said of depth, height and width, of which the first are idle where a node has
 * fewer.
 */
export class Space {
  readonly call: ImportCall;
  readonly x: Value;
  readonly kernel: Triple;
  /** Whether it has a depth. */
  readonly isVolume: boolean;
  readonly #rank: number;

  /** Throws UnsupportedError where `what` are not read over so many axes. */
  constructor(call: ImportCall, x: Value, kernel: Shape, what: string) {
    const { shape } = x.desc;
    const rank = shape.length - 2;
    demand(
      rank > 0 && rank === kernel.length,
      `expects an input of ${kernel.length} axes of space after [N, C], got ${formatShape(shape)}`,
    );
    demand(rank <= 3, `${rank}-D ${what} are not read`);
    this.call = call;
    this.#rank = rank;
    this.isVolume = rank === 3;
    this.kernel = this.#triple(kernel, 1);
    this.x = rank === 1 ? rearrange(call.g.at('plane'), x, [new Unsqueeze(HEIGHT)]) : x;
  }

  get extents(): Triple {
    return this.#triple(this.x.desc.shape.slice(this.#rank === 1 ? 3 : 2), 1);
  }

  /** What an attribute says of depth, height and width. Throws UnsupportedError where it says it of other axes. */
  triple(name: string, otherwise: number): Triple {
    return this.#triple(listOf(this.call, name, this.#rank, otherwise), otherwise);
  }

  pads(): Padding3d {
    const { before, after } = padsOf(this.call, this.#rank);
    return paddingOf(this.#triple(before, 0), this.#triple(after, 0));
  }

  /** Weights [.., .., R, S], or of a volume. */
  weight(given: Value): Value {
    if (this.#rank !== 1) return given;
    const step = new Unsqueeze(HEIGHT);
    return given.kind === 'weight'
      ? this.call.derived(given, 'of a plane', step.shapeAfter(given.desc.shape), (data) => data)
      : rearrange(this.call.g.at('weight'), given, [step]);
  }

  /** A result [N, C, P, Q] with the axes that the input has. */
  restored(y: Value, g: GraphBuilder = this.call.g): Value {
    return this.#rank === 1 ? rearrange(g.at('space'), y, [new Squeeze(HEIGHT)]) : y;
  }

  /** What is said of the last axes, as of three. */
  #triple(values: readonly number[], otherwise: number): Triple {
    const along = (axis: 0 | 1 | 2) => values[axis - 3 + this.#rank] ?? otherwise;
    return [along(0), along(1), along(2)];
  }
}

export function paddingOf([front, top, left]: Triple, [back, bottom, right]: Triple): Padding3d {
  return { front, top, left, back, bottom, right };
}

/** Something of each axis. */
export function alongAxes<T>(of: (axis: 0 | 1 | 2) => T): readonly [T, T, T] {
  return [of(0), of(1), of(2)];
}

/** What an attribute says of each of so many axes. Throws UnsupportedError where it says it of other axes. */
export function listOf(
  call: ImportCall,
  name: string,
  rank: number,
  otherwise: number,
): readonly number[] {
  const found = call.ints(name) ?? Array<number>(rank).fill(otherwise);
  demand(found.length === rank, `${name} [${found}] does not name ${rank} axes`);
  return found;
}

/** The padding at both ends of each of so many axes. Throws UnsupportedError where other ends are named. */
export function padsOf(
  call: ImportCall,
  rank: number,
): { readonly before: readonly number[]; readonly after: readonly number[] } {
  const given = call.ints('pads') ?? Array<number>(2 * rank).fill(0);
  demand(given.length === 2 * rank, `pads [${given}] do not name both ends of ${rank} axes`);
  return { before: given.slice(0, rank), after: given.slice(rank) };
}

/** The kernel that weights are for, [.., .., R, S]. Throws UnsupportedError where the node states another. */
export function kernelOf(call: ImportCall, weight: Shape): Shape {
  const [, , ...kernel] = weight;
  demand(kernel.length > 0, `its weight is ${formatShape(weight)}, without a kernel`);
  const stated = call.ints('kernel_shape');
  const fits = !stated || shapesEqual(stated, kernel);
  demand(fits, `kernel_shape is [${stated}], its weight ${formatShape(weight)}`);
  return kernel;
}

/** How a total of padding is parted, as [before, after]: by SAME_UPPER the rest comes after, else before. */
export function parted(total: number, upper: boolean): Pair {
  const less = Math.floor(total / 2);
  return upper ? [less, total - less] : [total - less, less];
}

export function automaticPadding(call: ImportCall): string {
  return call.choice('auto_pad', 'NOTSET', 'VALID', 'SAME_UPPER', 'SAME_LOWER');
}

/** The windows of a node that is read. */
export function windowOf(space: Space): Window3d {
  const { kernel, extents } = space;
  const stride = space.triple('strides', 1);
  const dilation = space.triple('dilations', 1);
  const automatic = automaticPadding(space.call);
  const window = { kernel, stride, dilation };
  if (automatic === 'SAME_UPPER' || automatic === 'SAME_LOWER') {
    const ends = alongAxes((axis): Pair => {
      const positions = Math.ceil(extents[axis] / stride[axis]);
      const reach = (kernel[axis] - 1) * dilation[axis] + 1;
      const total = Math.max(0, (positions - 1) * stride[axis] + reach - extents[axis]);
      return parted(total, automatic === 'SAME_UPPER');
    });
    return { ...window, padding: endsOf(ends) };
  }
  return { ...window, padding: automatic === 'VALID' ? NO_PADDING : space.pads() };
}

export const NO_PADDING: Padding3d = paddingOf([0, 0, 0], [0, 0, 0]);

/** Padding by [before, after] of each axis. */
export function endsOf(ends: readonly [Pair, Pair, Pair]): Padding3d {
  return paddingOf(
    alongAxes((axis) => ends[axis][0]),
    alongAxes((axis) => ends[axis][1]),
  );
}

type Ints = { readonly ints: readonly number[] };

/** The attributes of a node that is written. */
export function windowAttributes(
  { kernel, stride, dilation }: Window,
  pads: Padding,
): Readonly<Record<'kernel_shape' | 'strides' | 'dilations' | 'pads', Ints>> {
  return {
    kernel_shape: { ints: kernel },
    strides: { ints: stride },
    dilations: { ints: dilation },
    pads: { ints: [pads.top, pads.left, pads.bottom, pads.right] },
  };
}
