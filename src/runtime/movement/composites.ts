/** Steps that are several primitive ones, which ones depends on the shape. */
import { elementCount, formatShape, type Shape, tensorDesc } from '../tensor.ts';
import { demand, isExtent, type Movement, mixesBatch, moved, movedShape } from './movement.ts';
import { Reshape, Tile, Transpose } from './primitives.ts';
import type { StridedElements } from './strided_elements.ts';

abstract class Composite implements Movement {
  abstract readonly kind: string;
  /** What it is made of. Throws Error where the step does not fit. */
  abstract parts(shape: Shape): readonly Movement[];
  abstract describe(): string;

  shapeAfter(shape: Shape): Shape {
    return movedShape(this.parts(shape), shape);
  }

  move(data: Float64Array, from: Shape): Float64Array {
    return moved(this.parts(from), from, data);
  }

  lower(elements: StridedElements, from: Shape): boolean {
    let before = from;
    return this.parts(from).every((part) => {
      const after = part.shapeAfter(before);
      const taken = part.lower(elements, before, after);
      before = after;
      return taken;
    });
  }

  mixesImages(from: Shape): boolean {
    return mixesBatch(this.parts(from), from);
  }
}

/** The axes from `axis` on become one. */
export class Flatten extends Composite {
  readonly kind = 'flatten';
  readonly axis: number;

  constructor({ axis }: { readonly axis: number }) {
    super();
    this.axis = axis;
  }

  parts(shape: Shape): readonly Movement[] {
    const valid = Number.isSafeInteger(this.axis) && this.axis >= 0 && this.axis <= shape.length;
    demand(valid, `${formatShape(shape)} has no axis ${this.axis} to flatten from`);
    const inner = elementCount(shape.slice(this.axis));
    return [new Reshape({ extents: [...shape.slice(0, this.axis), inner] })];
  }

  describe(): string {
    return `from axis ${this.axis}`;
  }
}

/** Removes these axes, of extent 1. */
export class Squeeze extends Composite {
  readonly kind = 'squeeze';
  readonly axes: readonly number[];

  constructor({ axes }: { readonly axes: readonly number[] }) {
    super();
    this.axes = axes;
  }

  parts(shape: Shape): readonly Movement[] {
    const valid = isAxes(this.axes, shape.length) && this.axes.every((axis) => shape[axis] === 1);
    demand(valid, `axes ${this.describe()} of ${formatShape(shape)} are not all 1`);
    return [new Reshape({ extents: shape.filter((_, axis) => !this.axes.includes(axis)) })];
  }

  describe(): string {
    return formatShape(this.axes);
  }
}

/** Adds axes of extent 1, which are these in the result. */
export class Unsqueeze extends Composite {
  readonly kind = 'unsqueeze';
  readonly axes: readonly number[];

  constructor({ axes }: { readonly axes: readonly number[] }) {
    super();
    this.axes = axes;
  }

  parts(shape: Shape): readonly Movement[] {
    const rank = shape.length + this.axes.length;
    demand(
      isAxes(this.axes, rank),
      `${this.describe()} are no axes to add to ${formatShape(shape)}`,
    );
    const kept = shape.values();
    const extents = Array.from({ length: rank }, (_, axis) =>
      this.axes.includes(axis) ? 1 : (kept.next().value ?? 1),
    );
    return [new Reshape({ extents })];
  }

  describe(): string {
    return formatShape(this.axes);
  }
}

/** Extents of 1 are repeated as NumPy broadcasts: shapes aligned at their ends, leading axes added. */
export class Expand extends Composite {
  readonly kind = 'expand';
  readonly shape: Shape;

  constructor({ shape }: { readonly shape: Shape }) {
    super();
    this.shape = shape;
  }

  parts(from: Shape): readonly Movement[] {
    tensorDesc(this.shape, 'the result');
    const added = Math.max(0, this.shape.length - from.length);
    const extents = [...Array<number>(added).fill(1), ...from];
    const wanted = [...Array<number>(extents.length - this.shape.length).fill(1), ...this.shape];
    const repeats = extents.map((extent, axis) => (extent === 1 ? (wanted[axis] ?? 1) : 1));
    const fits = extents.every(
      (extent, axis) => [1, extent].includes(wanted[axis] ?? 1) || extent === 1,
    );
    demand(fits, `${formatShape(from)} cannot be expanded to ${formatShape(this.shape)}`);
    return [new Reshape({ extents }), new Tile({ repeats })];
  }

  describe(): string {
    return `to ${formatShape(this.shape)}`;
  }
}

/**
 * [N, C * block * block, H, W] to [N, C, H * block, W * block]. The place within a block is the outer part of the
 * channel for DCR, the inner part for CRD, which is pixel shuffle.
 */
export class DepthToSpace extends Composite {
  readonly kind = 'depth_to_space';
  readonly block: number;
  readonly order: 'DCR' | 'CRD';

  constructor({ block, order }: Pick<DepthToSpace, 'block' | 'order'>) {
    super();
    this.block = block;
    this.order = order;
  }

  parts(shape: Shape): readonly Movement[] {
    const { block } = this;
    const [n = 1, c = 1, h = 1, w = 1] = shape;
    const fits = shape.length === 4 && isExtent(block) && c % block ** 2 === 0;
    demand(
      fits,
      `${formatShape(shape)} is no feature map whose channels are ${block} x ${block} blocks`,
    );
    const outputs = c / block ** 2;
    const [within, order] =
      this.order === 'DCR'
        ? [
            [n, block, block, outputs, h, w],
            [0, 3, 4, 1, 5, 2],
          ]
        : [
            [n, outputs, block, block, h, w],
            [0, 1, 4, 2, 5, 3],
          ];
    return turned(within, order, [n, outputs, h * block, w * block]);
  }

  describe(): string {
    return `${this.block} ${this.order}`;
  }
}

/** [N, C, H * block, W * block] to [N, block * block * C, H, W]: the inverse of DepthToSpace, DCR. */
export class SpaceToDepth extends Composite {
  readonly kind = 'space_to_depth';
  readonly block: number;

  constructor({ block }: { readonly block: number }) {
    super();
    this.block = block;
  }

  parts(shape: Shape): readonly Movement[] {
    const { block } = this;
    const [n = 1, c = 1, height = 1, width = 1] = shape;
    const fits =
      shape.length === 4 && isExtent(block) && height % block === 0 && width % block === 0;
    demand(fits, `${formatShape(shape)} is no feature map of ${block} x ${block} blocks`);
    const [h, w] = [height / block, width / block];
    return turned([n, c, h, block, w, block], [0, 3, 5, 1, 2, 4], [n, c * block ** 2, h, w]);
  }

  describe(): string {
    return String(this.block);
  }
}

/** Channels seen as [groups, C / groups] and transposed. (Zhang et al., "ShuffleNet", 2017.) */
export class ShuffleChannels extends Composite {
  readonly kind = 'shuffle_channels';
  readonly groups: number;

  constructor({ groups }: { readonly groups: number }) {
    super();
    this.groups = groups;
  }

  parts(shape: Shape): readonly Movement[] {
    const [batch = 1, channels = 0.5, ...inner] = shape;
    const fits = isExtent(this.groups) && channels % this.groups === 0;
    demand(fits, `the channels of ${formatShape(shape)} are not ${this.groups} groups`);
    const within = [batch, this.groups, channels / this.groups, elementCount(inner)];
    return turned(within, [0, 2, 1, 3], shape);
  }

  describe(): string {
    return String(this.groups);
  }
}

/** Transposed under one shape, and seen under another. */
function turned(within: Shape, order: readonly number[], to: Shape): readonly Movement[] {
  return [new Reshape({ extents: within }), new Transpose({ order }), new Reshape({ extents: to })];
}

function isAxes(axes: readonly number[], rank: number): boolean {
  const valid = axes.every((axis) => Number.isSafeInteger(axis) && axis >= 0 && axis < rank);
  return valid && new Set(axes).size === axes.length;
}
