/**
 * Sliding windows over volumes [N, C, D, H, W]. A window moves over the planes [H, W] and along the depth, and both are
 * windows over maps: the slices of a volume are rows, if a map has all pixels of a slice in a row.
 */
import { isObject } from '../runtime/arguments.ts';
import type { Activation, Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import { Reshape } from '../runtime/movement/index.ts';
import { type Named, shapeError } from '../runtime/operator.ts';
import { formatShape, type Shape } from '../runtime/tensor.ts';
import { rearrange } from './rearrange.ts';
import type { Padding, Ways, Window } from './window.ts';

/** [depth, height, width] */
export type Triple = readonly [number, number, number];

/** How builders take a size for all axes at once, or one for each. */
export type TripleLike = number | Triple;

/** Padding of a volume, in elements. */
export interface Padding3d extends Padding {
  /** Slices before the first. */
  readonly front: number;
  /** Slices after the last. */
  readonly back: number;
}

/** How builders take padding: all sides alike, [depth, height, width], or each side. */
export type Padding3dLike = number | Triple | Padding3d;

export interface Window3d {
  readonly kernel: Triple;
  readonly stride: Triple;
  readonly dilation: Triple;
  readonly padding: Padding3d;
}

interface Volume {
  readonly channels: number;
  readonly depth: number;
  readonly height: number;
  readonly width: number;
}

export function triple(value: TripleLike): Triple {
  if (Array.isArray(value)) return value as Triple;
  // What is no triple, whatever it is, is refused where it is checked.
  const each = value as number;
  return [each, each, each];
}

export function padding3d(value: Padding3dLike): Padding3d {
  if (isObject(value) && 'front' in (value as Padding3d)) return value as Padding3d;
  const [front, top, left] = triple(value as TripleLike);
  return { front, top, left, back: front, bottom: top, right: left };
}

/** A window of options, with the usual stride where they say none. */
export function windowOf3d(
  options: {
    readonly kernel: TripleLike;
    readonly stride?: TripleLike | undefined;
    readonly dilation?: TripleLike | undefined;
    readonly padding?: Padding3dLike | undefined;
  },
  usual: TripleLike = 1,
): Window3d {
  return {
    kernel: triple(options.kernel),
    stride: triple(options.stride ?? usual),
    dilation: triple(options.dilation ?? 1),
    padding: padding3d(options.padding ?? 0),
  };
}

/** Where a volume's depth is that of maps [D, H * W], in messages. */
export const DEPTH: Ways = ['deep', 'wide'];

/** The extents of a volume by name. Throws ShapeError, in the caller's name, where it is none. */
export function volumeOf(call: Named, { desc: { shape } }: Value): Volume {
  const [, channels = 1, depth = 1, height = 1, width = 1] = shape;
  if (shape.length !== 5) {
    throw shapeError(call, `expects a volume [N, C, D, H, W], got ${formatShape(shape)}`);
  }
  return { channels, depth, height, width };
}

/** How a window moves over height and width. */
export function overPlanes({ kernel, stride, dilation, padding }: Window3d): Window {
  const [, ...last] = kernel;
  const { top, left, bottom, right } = padding;
  return {
    kernel: last,
    stride: [stride[1], stride[2]],
    dilation: [dilation[1], dilation[2]],
    padding: { top, left, bottom, right },
  };
}

/** How it moves along the depth: over maps [D, H * W]. */
export function alongDepth({ kernel, stride, dilation, padding }: Window3d): Window {
  return {
    kernel: [kernel[0], 1],
    stride: [stride[0], 1],
    dilation: [dilation[0], 1],
    padding: { top: padding.front, left: 0, bottom: padding.back, right: 0 },
  };
}

/** Whether a window has one tap, which goes from element to element. */
export function isIdle({ kernel, stride, padding }: Window): boolean {
  const single = [...kernel, ...stride].every((extent) => extent === 1);
  return single && Object.values(padding).every((amount: number) => amount === 0);
}

/** The same elements under another shape: 0 keeps an extent, -1 takes what is left. */
export function seenAs(g: GraphBuilder, x: Value, extents: Shape): Activation {
  return rearrange(g, x, [new Reshape({ extents })]);
}
