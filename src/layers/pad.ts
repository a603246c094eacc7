/** Padding of tensors of any rank: a constant is a movement; edges, mirrors and repeats are read by `pad2d`. */
import type { PadMode } from '../../shaders/pad2d.wgsl.ts';
import type { Value } from '../runtime/graph.ts';
import { checkLayer, type GraphBuilder } from '../runtime/graph_builder.ts';
import { Pad } from '../runtime/movement/index.ts';
import { shapeError } from '../runtime/operator.ts';
import { elementCount, formatShape } from '../runtime/tensor.ts';
import { pad2d } from './pad2d.ts';
import { rearrange, reshapeTo } from './rearrange.ts';
import { checkIntegers } from './window.ts';

/** How much `pad` adds, and of what. */
export interface PadOptions {
  /** Elements before and after `x` along each axis; negative amounts cut. */
  readonly before: readonly number[];
  /** As many as `before`: at the end of each axis. */
  readonly after: readonly number[];
  /** `constant` by default. */
  readonly mode?: PadMode;
  /** What `constant` padding is made of, 0 by default. WGSL has no infinities: on a device, the largest f32s are. */
  readonly value?: number;
}

/** Negative amounts cut; no tensor has so much to cut. */
const LEAST = -(2 ** 30);

/**
 * Adds a padding of any axes. What is cut is cut first, so that mirrors and repeats do not show it.
 *
 * @param g - The builder; its path names the layer.
 * @param x - Of any shape.
 * @param options - Amounts for each axis, and what padding is made of.
 * @returns Each extent longer by the amounts before and after; `x` itself where there are none.
 * @throws ShapeError where nothing is left, or there is too little to mirror.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const row = pad(g.at('ring'), x, { before: [0, 0, 0, 2], after: [0, 0, 0, 2], mode: 'wrap' });
 */
export function pad(g: GraphBuilder, x: Value, options: PadOptions): Value {
  const call = checkLayer(g, { name: 'pad' }, { x }, options);
  const { before, after, ...how } = options;
  checkIntegers(call, 'before', before, LEAST);
  checkIntegers(call, 'after', after, LEAST);
  const { shape } = x.desc;
  if (before.length !== shape.length || after.length !== shape.length) {
    const amounts = `[${before.join(', ')}] and [${after.join(', ')}]`;
    throw shapeError(
      call,
      `expects two amounts for each axis of ${formatShape(shape)}, got ${amounts}`,
    );
  }
  const { mode = 'constant', value = 0 } = how;
  if (mode === 'constant') return rearrange(g, x, [new Pad({ before, after, value })]);
  const cuts = { before: before.map(negative), after: after.map(negative), value: 0 };
  const isCut = [...cuts.before, ...cuts.after].some((amount) => amount < 0);
  const kept = isCut ? rearrange(g.at('cut'), x, [new Pad(cuts)]) : x;
  return grown(g, kept, before.map(positive), after.map(positive), mode);
}

function negative(amount: number): number {
  return Math.min(amount, 0);
}

function positive(amount: number): number {
  return Math.max(amount, 0);
}

/** The last two axes at once, those before them one by one, as rows of images whose columns are what comes after. */
function grown(
  g: GraphBuilder,
  x: Value,
  before: readonly number[],
  after: readonly number[],
  mode: PadMode,
): Value {
  const rank = x.desc.shape.length;
  const sides = (axis: number) => [before[axis] ?? 0, after[axis] ?? 0] as const;
  const isPadded = (axis: number) => sides(axis).some((amount) => amount > 0);
  const steps = [...x.desc.shape.keys()]
    .slice(0, -1)
    .filter((axis) => axis !== rank - 2 && isPadded(axis));
  const inPlane = rank > 0 && (isPadded(rank - 1) || (rank > 1 && isPadded(rank - 2)));
  let made = x;
  for (const axis of steps) {
    const { shape } = made.desc;
    const [top, bottom] = sides(axis);
    const at = g.at(`axis${axis}`);
    const [outer, extent = 1, inner] = [
      elementCount(shape.slice(0, axis)),
      shape[axis],
      elementCount(shape.slice(axis + 1)),
    ];
    const rows = reshapeTo(at.at('rows'), made, [1, outer, extent, inner]);
    const padded = pad2d(at, rows, { top, bottom, left: 0, right: 0 }, { mode });
    made = reshapeTo(at.at('back'), padded, shape.with(axis, extent + top + bottom));
  }
  if (!inPlane) return made;
  const [left, right] = sides(rank - 1);
  const [top, bottom] = rank > 1 ? sides(rank - 2) : [0, 0];
  if (rank === 4) return pad2d(g, made, { top, bottom, left, right }, { mode });
  const { shape } = made.desc;
  const [height = 1, width = 1] = rank > 1 ? shape.slice(-2) : [1, shape[0]];
  const outer = shape.slice(0, -2);
  const images = reshapeTo(g.at('images'), made, [1, elementCount(outer), height, width]);
  const padded = pad2d(g.at('plane'), images, { top, bottom, left, right }, { mode });
  const plane = [height + top + bottom, width + left + right];
  return reshapeTo(g, padded, [...outer, ...plane.slice(-Math.min(rank, 2))]);
}
