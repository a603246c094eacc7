/** Sliding windows, as convolutions and pools have them, over one to three axes of space. */
import { rearrange } from '../../layers/rearrange.ts';
import type { Padding, Pair, Window } from '../../layers/window.ts';
import type { Value } from '../../runtime/graph.ts';
import { type Movement, Squeeze, Unsqueeze } from '../../runtime/movement/index.ts';
import { formatShape, type Shape } from '../../runtime/tensor.ts';
import { demand } from '../errors.ts';
import { derived, type ImportCall } from '../import_node.ts';

/** The axis of space that is the height and the one that is the width; undefined where there is none. */
type Axes = readonly [height: number | undefined, width: number | undefined];

/**
 * The input of a node, and what its attributes say of each axis, seen as a feature map [N, C, H, W]: a row [N, C, L] is
 * a map of height 1, and of three axes one is left out on which nothing moves.
 */
export class Plane {
  readonly call: ImportCall;
  readonly kernel: Pair;
  readonly x: Value;
  readonly #axes: Axes;
  readonly #rank: number;
  /** From the axes of the node to those of a map, and back; they hold whatever the extents become. */
  readonly #into: Movement | undefined;
  readonly #back: Movement | undefined;

  /** Throws UnsupportedError where `what` are not read over so many axes. */
  constructor(call: ImportCall, x: Value, kernel: Shape, what: string) {
    const { shape } = x.desc;
    const space = shape.slice(2);
    demand(
      shape.length > 2 && space.length === kernel.length,
      `expects an input of ${kernel.length} axes of space after [N, C], got ${formatShape(shape)}`,
    );
    this.call = call;
    this.#rank = space.length;
    const axes = axesOf(call, space, kernel);
    demand(axes, `${space.length}-D ${what} are not read`);
    this.#axes = axes;
    this.kernel = this.#pick(kernel, 1);
    // The height that a row lacks, or the axis that is left out.
    const left = space.length === 1 ? 0 : [0, 1, 2].findIndex((one) => !axes.includes(one));
    const axis = { axes: [2 + left] };
    const [more, less] = [new Unsqueeze(axis), new Squeeze(axis)];
    if (space.length !== 2) {
      [this.#into, this.#back] = space.length === 1 ? [more, less] : [less, more];
    }
    this.x = this.#into ? rearrange(call.g.at('plane'), x, [this.#into]) : x;
  }

  get extents(): Pair {
    const [, , height = 1, width = 1] = this.x.desc.shape;
    return [height, width];
  }

  /** What an attribute says of height and width. Throws UnsupportedError where it says it of other axes. */
  pair(name: string, otherwise: number): Pair {
    const given = this.call.ints(name);
    demand(
      !given || given.length === this.#rank,
      `${name} [${given}] does not name ${this.#rank} axes`,
    );
    return given ? this.#pick(given, otherwise) : [otherwise, otherwise];
  }

  pads(): Padding {
    const given = this.call.ints('pads') ?? Array<number>(2 * this.#rank).fill(0);
    const paired = given.length === 2 * this.#rank;
    demand(paired, `pads [${given}] do not name both ends of ${this.#rank} axes`);
    const [top, left] = this.#pick(given.slice(0, this.#rank), 0);
    const [bottom, right] = this.#pick(given.slice(this.#rank), 0);
    return { top, left, bottom, right };
  }

  /** Weights [.., .., R, S]. */
  weight(given: Value): Value {
    if (!this.#into) return given;
    const shape = [...given.desc.shape.slice(0, 2), ...this.kernel];
    return given.kind === 'weight'
      ? derived(given, 'of a plane', shape, (data) => data)
      : rearrange(this.call.g.at('weight'), given, [this.#into]);
  }

  /** A result [N, C, P, Q] with the axes that the input has. */
  restored(y: Value): Value {
    return this.#back ? rearrange(this.call.g.at('space'), y, [this.#back]) : y;
  }

  #pick(values: readonly number[], otherwise: number): Pair {
    const [height, width] = this.#axes;
    const at = (axis: number | undefined): number =>
      axis === undefined ? otherwise : (values[axis] ?? otherwise);
    return [at(height), at(width)];
  }
}

/** Undefined where there are more than two axes along which a window moves. */
function axesOf(call: ImportCall, space: Shape, kernel: Shape): Axes | undefined {
  const rank = space.length;
  if (rank < 3) return rank === 1 ? [undefined, 0] : [0, 1];
  const idle = (axis: number): boolean => {
    const padded = ['pads', 'output_padding'].some((name) =>
      call.ints(name)?.some((amount, i) => i % rank === axis && amount !== 0),
    );
    return space[axis] === 1 && kernel[axis] === 1 && !padded && !call.has('output_shape');
  };
  const left = [0, 1, 2].filter(idle);
  const [height, width] = [0, 1, 2].filter((axis) => axis !== left[0]);
  return rank === 3 && left.length > 0 ? [height, width] : undefined;
}

/** How a total of padding is parted, as [before, after]: by SAME_UPPER the rest comes after, else before. */
export function parted(total: number, upper: boolean): Pair {
  const less = Math.floor(total / 2);
  return upper ? [less, total - less] : [total - less, less];
}

export function automaticPadding(call: ImportCall) {
  return call.choice('auto_pad', 'NOTSET', 'VALID', 'SAME_UPPER', 'SAME_LOWER');
}

/** The windows of a node that is read. */
export function windowOf(plane: Plane): Window {
  const { kernel, extents } = plane;
  const stride = plane.pair('strides', 1);
  const dilation = plane.pair('dilations', 1);
  const automatic = automaticPadding(plane.call);
  if (automatic === 'SAME_UPPER' || automatic === 'SAME_LOWER') {
    const same = (axis: 0 | 1): Pair => {
      const positions = Math.ceil(extents[axis] / stride[axis]);
      const reach = (kernel[axis] - 1) * dilation[axis] + 1;
      const total = Math.max(0, (positions - 1) * stride[axis] + reach - extents[axis]);
      return parted(total, automatic === 'SAME_UPPER');
    };
    const [[top, bottom], [left, right]] = [same(0), same(1)];
    return { kernel, stride, dilation, padding: { top, left, bottom, right } };
  }
  const none = { top: 0, left: 0, bottom: 0, right: 0 };
  return { kernel, stride, dilation, padding: automatic === 'VALID' ? none : plane.pads() };
}

/** The attributes of a node that is written. */
export function windowAttributes({ kernel, stride, dilation }: Window, pads: Padding) {
  return {
    kernel_shape: { ints: kernel },
    strides: { ints: stride },
    dilations: { ints: dilation },
    pads: { ints: [pads.top, pads.left, pads.bottom, pads.right] },
  };
}
