/** Resizing of tensors of any rank: images at once where `resize2d` can, else one axis after the other. */

import type { ResizeFilter } from '../../shaders/resize_axis.wgsl.ts';
import { checkArgument, isObject } from '../runtime/arguments.ts';
import type { Value } from '../runtime/graph.ts';
import { checkLayer, type GraphBuilder } from '../runtime/graph_builder.ts';
import { shapeError } from '../runtime/operator.ts';
import type { Coordinates, NearestRounding } from './coordinates.ts';
import { type AxisCrop, isIdle, type ResizeAxisAttributes, resizeAxisOp } from './resize_axis.ts';
import { resize2d } from './resize2d.ts';

/** What becomes of one axis. */
export interface ResizedAxis {
  /** From 0. */
  readonly axis: number;
  /** Its extent; where it is missing, the input's times `scale`, rounded down. */
  readonly size?: number;
  /** What coordinates count by, output / input extent by default. */
  readonly scale?: number;
  /** The part of it that is shown, in place of coordinates; all by default. */
  readonly crop?: AxisCrop;
}

/** How `resize` samples. */
export interface ResizeOptions {
  /** `linear` by default. */
  readonly filter?: ResizeFilter;
  /** `half_pixel` by default. */
  readonly coordinates?: Coordinates;
  /** `prefer_floor` by default. */
  readonly rounding?: NearestRounding;
  /** Whether the filter is as many times wider as the output is smaller, so that nothing aliases; not by default. */
  readonly antialias?: boolean;
  /** Whether what lies outside of the input counts for nothing, rather than as its edge; not by default. */
  readonly excludeOutside?: boolean;
  /** The parameter of the cubic filter: -0.75 by default, as PyTorch has it; Keys's is -0.5. */
  readonly cubic?: number;
}

/**
 * Adds a resizing of these axes of `x`, of any rank. Filters are separable: axes that become smaller go first, which
 * leaves least to compute.
 *
 * @param g - The builder; its path names the layer.
 * @param x - Of any shape.
 * @param axes - Each with its new size, or a scale.
 * @param options - The filter, how coordinates are counted, and whether it is widened against aliasing.
 * @returns `x` itself where no axis changes.
 * @throws ShapeError for a size, scale or crop that does not fit.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const to64 = [{ axis: 2, size: 64 }, { axis: 3, size: 64 }];
 * const thumbnail = resize(g.at('small'), x, to64, { filter: 'cubic', antialias: true });
 */
export function resize(
  g: GraphBuilder,
  x: Value,
  axes: readonly ResizedAxis[],
  options: ResizeOptions = {},
): Value {
  const call = checkLayer(g, { name: 'resize' }, { x }, options);
  checkArgument(
    Array.isArray(axes) && axes.every(isObject),
    'resize: axes',
    'an array of axes',
    axes,
  );
  const twice = axes.find(({ axis }, i) => axes.findIndex((other) => other.axis === axis) !== i);
  if (twice) {
    throw shapeError(call, `axis ${twice.axis} is given twice; name each once`);
  }
  return image(g, x, axes, options) ?? axisByAxis(g, x, axes, options);
}

/** Undefined where `resize2d` cannot do it. */
function image(
  g: GraphBuilder,
  x: Value,
  axes: readonly ResizedAxis[],
  options: ResizeOptions,
): Value | undefined {
  const { filter = 'linear', antialias, excludeOutside, coordinates, rounding } = options;
  // These coordinates move an axis also where it keeps its extent: one that is not named stays out of it.
  const named = coordinates !== 'tf_half_pixel_for_nn' || axes.length === 2;
  const inPlane =
    named && x.desc.shape.length === 4 && axes.every(({ axis }) => axis === 2 || axis === 3);
  const weighted = filter === 'cubic' || antialias || excludeOutside;
  if (!inPlane || axes.some(({ crop }) => crop) || (weighted && filter !== 'nearest')) {
    return undefined;
  }
  const [, , height = 1, width = 1] = x.desc.shape;
  const [rows, columns] = [2, 3].map((wanted) => axes.find(({ axis }) => axis === wanted));
  const given = {
    mode: filter === 'nearest' ? 'nearest' : 'bilinear',
    ...(coordinates && { coordinates }),
    ...(rounding && { rounding }),
  } as const;
  if (axes.every(({ scale }) => scale === undefined)) {
    return resize2d(g, x, { ...given, size: [rows?.size ?? height, columns?.size ?? width] });
  }
  if (axes.some(({ size, scale }) => size !== undefined || scale === undefined)) return undefined;
  return resize2d(g, x, { ...given, scale: [rows?.scale ?? 1, columns?.scale ?? 1] });
}

function axisByAxis(
  g: GraphBuilder,
  x: Value,
  axes: readonly ResizedAxis[],
  options: ResizeOptions,
): Value {
  const { filter = 'linear', coordinates = 'half_pixel', rounding = 'prefer_floor' } = options;
  const { antialias = false, excludeOutside = false, cubic = -0.75 } = options;
  const extent = (axis: number) => x.desc.shape[axis] ?? 1;
  const growth = ({ axis, size, scale = 1 }: ResizedAxis) => (size ? size / extent(axis) : scale);
  const all = axes
    .toSorted((a, b) => growth(a) - growth(b))
    .map((one): ResizeAxisAttributes => {
      return { ...one, filter, coordinates, rounding, antialias, excludeOutside, cubic };
    })
    .filter((attributes) => !isIdle(attributes, extent(attributes.axis)));
  return all.reduce((made: Value, attributes, i) => {
    const last = i === all.length - 1;
    return (last ? g : g.at(`axis${attributes.axis}`)).add(resizeAxisOp, attributes, { x: made });
  }, x);
}
