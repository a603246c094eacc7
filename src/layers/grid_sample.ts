/** Sampling of maps at places that are computed, as in spatial transformers. */
import {
  GRID_SAMPLE_THREADS,
  type GridSampleProblem,
  type SampleFilter,
  type SamplePadding,
  gridSample as shader,
} from '../../shaders/grid_sample.wgsl.ts';
import type { Epilogue } from '../../shaders/lib/epilogue.ts';
import type { Activation, DataByRole, Node, OpDef, Value } from '../runtime/graph.ts';
import { checkLayer, type GraphBuilder } from '../runtime/graph_builder.ts';
import {
  at,
  candidatesOf,
  elementTypesOf,
  inputShape,
  requireData,
  shapeError,
} from '../runtime/operator.ts';
import { elementCount, formatShape, positionOf, tensorDesc } from '../runtime/tensor.ts';
import { checkChoices } from './choices.ts';
import { oneDispatch } from './one_dispatch.ts';

/** How `gridSample` samples. */
export interface GridSampleAttributes {
  /** What a place between pixels gets; `linear` by default. */
  readonly filter: SampleFilter;
  /** What lies outside of the map: zeros, its border, or the map mirrored. */
  readonly padding: SamplePadding;
  /** Whether -1 and 1 are the centres of the corner pixels, rather than their outer edges. */
  readonly alignCorners: boolean;
}

/**
 * Adds a sampling of `x` [N, C, H, W] at the places `grid` [N, P, Q, 2], each (x, y) from -1 to 1: [N, C, P, Q]. Of
 * volumes [N, C, D, H, W] places have three numbers. By default `linear`, of zeros outside.  (Jaderberg et al.,
 * "Spatial Transformer Networks", 2015.)
 *
 * @param g - The builder; its path names the layer.
 * @param x - [N, C, H, W], or [N, C, D, H, W].
 * @param grid - [N, P, Q, 2], or [N, P, Q, R, 3]: places, x first; -1 is the left, upper or front edge, 1 the other.
 * @param options - Filter, what lies outside, and whether 1 is the edge of the last pixel or its centre.
 * @returns [N, C, P, Q], or [N, C, P, Q, R].
 * @throws ShapeError where the shapes do not go together.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const grid = g.input('grid', [1, 28, 28, 2]);
 * const warped = gridSample(g.at('warp'), x, grid, { padding: 'border' }); // [1, 64, 28, 28]
 */
export function gridSample(
  g: GraphBuilder,
  x: Value,
  grid: Value,
  options: Partial<GridSampleAttributes> = {},
): Activation {
  checkLayer(g, gridSampleOp, { x, grid }, options);
  const { filter = 'linear', padding = 'zeros', alignCorners = false } = options;
  return g.add(gridSampleOp, { filter, padding, alignCorners }, { x, grid });
}

type Role = 'x' | 'grid';
type GridSample = Node<GridSampleAttributes, Role>;

function problemOf(node: GridSample, epilogue: Epilogue | undefined): GridSampleProblem {
  const { shape } = node.output.desc;
  const [batch = 1, channels = 1, ...places] = shape;
  return {
    ...node.attributes,
    batch,
    channels,
    extents: inputShape(node, 'x').slice(2),
    places: elementCount(places),
    shape,
    types: elementTypesOf(node, 'x', 'grid'),
    epilogue,
  };
}

type Rules = Pick<GridSampleProblem, 'padding' | 'alignCorners'>;

/** A pixel that lies in the map, as far as the padding says which that is. */
function bounded({ padding, alignCorners }: Rules, pixel: number, extent: number): number {
  if (padding === 'zeros') return pixel;
  const clamped = (value: number) => Math.min(Math.max(value, 0), extent - 1);
  if (padding === 'border') return clamped(pixel);
  const [low, span] = alignCorners ? [0, extent - 1] : [-0.5, extent];
  if (span === 0) return 0;
  const around = Math.abs(pixel - low) % (2 * span);
  return clamped(low + Math.min(around, 2 * span - around));
}

/** The taps along an axis: pixels, whole or not in the map, and their weights. */
function tapsOf(g: GridSampleProblem, place: number, extent: number) {
  const pixel = g.alignCorners ? ((place + 1) / 2) * (extent - 1) : ((place + 1) * extent - 1) / 2;
  if (g.filter === 'nearest') return [[roundToEven(bounded(g, pixel, extent)), 1]] as const;
  if (g.filter === 'linear') {
    const inside = bounded(g, pixel, extent);
    const whole = Math.floor(inside);
    return [[whole, 1 - (inside - whole)] as const, [whole + 1, inside - whole] as const];
  }
  const whole = Math.floor(pixel);
  return [-1, 0, 1, 2].map((t) => {
    return [bounded(g, whole + t, extent), cubic(Math.abs(whole + t - pixel))] as const;
  });
}

function roundToEven(value: number): number {
  const rounded = Math.round(value);
  return Math.abs(value % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

function cubic(d: number): number {
  const a = -0.75;
  return d <= 1
    ? (a + 2) * d ** 3 - (a + 3) * d ** 2 + 1
    : a * d ** 3 - 5 * a * d ** 2 + 8 * a * d - 4 * a;
}

export function gridSampleReference(node: GridSample, inputs: DataByRole): Float64Array {
  const g = problemOf(node, undefined);
  const x = requireData(node, inputs, 'x');
  const grid = requireData(node, inputs, 'grid');
  const axes = g.extents.length;
  const y = new Float64Array(g.batch * g.channels * g.places);
  return y.map((_, i) => {
    const plane = Math.floor(i / g.places);
    const place = Math.floor(plane / g.channels) * g.places + (i % g.places);
    const taps = g.extents.map((extent, axis) =>
      tapsOf(g, at(grid, (place + 1) * axes - 1 - axis), extent),
    );
    const counts = taps.map(({ length }) => length);
    let sum = 0;
    for (let tap = 0; tap < elementCount(counts); tap++) {
      let [weight, source, inside] = [1, plane, true];
      for (const [axis, t] of positionOf(tap, counts).entries()) {
        const [pixel = 0, share = 0] = taps[axis]?.[t] ?? [];
        const extent = g.extents[axis] ?? 1;
        weight *= share;
        inside &&= pixel >= 0 && pixel < extent;
        source = source * extent + pixel;
      }
      if (inside) sum += weight * at(x, source);
    }
    return sum;
  });
}

export const gridSampleOp: OpDef<GridSampleAttributes, Role> = {
  name: 'grid_sample',
  inferShape(call) {
    const [x, grid] = [inputShape(call, 'x'), inputShape(call, 'grid')];
    checkChoices(call, {
      filter: ['nearest', 'linear', 'cubic'],
      padding: ['zeros', 'border', 'reflection'],
    });
    const axes = x.length - 2;
    const [batch = 0, ...places] = grid;
    const fits = grid.length === x.length && places.pop() === axes && batch === x[0];
    if (!(fits && (axes === 2 || axes === 3))) {
      const shapes = `${formatShape(x)} and ${formatShape(grid)}`;
      throw shapeError(call, `expects [N, C, H, W] and a grid [N, P, Q, 2], got ${shapes}`);
    }
    return tensorDesc([batch, x[1] ?? 1, ...places]);
  },
  fusesEpilogue: true,
  candidates: candidatesOf(problemOf, [
    oneDispatch<GridSampleProblem, Role>({
      name: 'grid_sample',
      source: shader,
      tiles: ({ batch, channels, places }) =>
        Math.ceil((batch * channels * places) / GRID_SAMPLE_THREADS),
      reads: () => ['x', 'grid'],
    }),
  ]),
};
