/**
 * Sampling of maps at places that are computed, as in spatial transformers.
 * (Jaderberg et al., "Spatial Transformer Networks", 2015.)
 *
 * A place has a number for each axis, the last axis first: -1 and 1 are the centres of the corner pixels where
 * ALIGN_CORNERS, else their outer edges. Unscaled to pixels it is c; i is its whole part, f the fraction:
 *
 *     nearest   y[p] = x[round(c)], to even numbers at ties
 *     linear    y[p] = sum over t in 0, 1 of w(t) * x[i + t], along each axis; w = (1 - f, f)
 *     cubic     the same of t in -1 .. 2, with the weights of Keys's filter for a = -0.75
 *
 * What lies outside of x is 0, or the edge (border), or x mirrored about its edges (reflection): about the centres of
 * the edge's pixels where ALIGN_CORNERS, else about their outer edges. As in PyTorch, it is c that is moved, but each
 * tap if cubic.
 *
 * Layouts: x [N, C, ...], grid [N, ..., AXES], y [N, C, ...], dense; then the epilogue. Threads: one invocation an
 * element of y, in memory order.
 */
import { type ElementTypes, elementTypes } from './lib/element_types.ts';
import type { Epilogue } from './lib/epilogue.ts';
import { epilogueAtText } from './lib/epilogue_at.ts';
import { elementText, type Grid } from './lib/grid.ts';
import { wgsl } from './lib/wgsl.ts';

/** What a place between pixels gets: the nearest one, or of 2 or 4 neighbours along each axis a weighted mean. */
export type SampleFilter = 'nearest' | 'linear' | 'cubic';
/** What lies outside of the map: zeros, its border, or the map mirrored. */
export type SamplePadding = 'zeros' | 'border' | 'reflection';

export interface GridSampleProblem {
  readonly filter: SampleFilter;
  readonly padding: SamplePadding;
  readonly alignCorners: boolean;
  readonly batch: number;
  readonly channels: number;
  /** Extents of x after the channels, and the product of those of y. */
  readonly extents: readonly number[];
  readonly places: number;
  /** Of y. */
  readonly shape: readonly number[];
  readonly types: ElementTypes<'x' | 'grid'>;
  readonly epilogue: Epilogue | undefined;
}

export const GRID_SAMPLE_THREADS = 64;

const TAPS: Readonly<Record<SampleFilter, number>> = { nearest: 1, linear: 2, cubic: 4 };

export function gridSample(g: GridSampleProblem, grid: Grid): string {
  const axes = g.extents.length;
  return wgsl`
${elementTypes(g.types, g.epilogue)}
${elementText(grid, GRID_SAMPLE_THREADS, g.batch * g.channels * g.places)}
const CHANNELS = ${g.channels}u;
const PLACES = ${g.places}u;
const AXES = ${axes}u;
const EXTENTS = array<i32, AXES>(${g.extents.map((extent) => `${extent}i`).join(', ')});
const TAPS = ${TAPS[g.filter]}u;
const ALL_TAPS = ${TAPS[g.filter] ** axes}u;
const A = -0.75;

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read> grid: array<Grid>;
@group(0) @binding(2) var<storage, read_write> y: array<Y>;
${epilogueAtText(g.epilogue, g.shape)}

fn pixel_of(place: f32, extent: f32) -> f32 {
#if ${g.alignCorners}
  return (place + 1.0) / 2.0 * (extent - 1.0);
#else
  return ((place + 1.0) * extent - 1.0) / 2.0;
#endif
}

// Into x, where the padding has no values of its own.
fn bounded(pixel: f32, extent: f32) -> f32 {
#if ${g.padding === 'zeros'}
  return pixel;
#elif ${g.padding === 'border'}
  return clamp(pixel, 0.0, extent - 1.0);
#else
#if ${g.alignCorners}
  let low = 0.0;
  let span = extent - 1.0;
#else
  let low = -0.5;
  let span = extent;
#endif
  if (span == 0.0) {
    return 0.0;
  }
  let distance = abs(pixel - low);
  let flips = floor(distance / span);
  let within = distance - flips * span;
  let even = flips - 2.0 * floor(flips / 2.0) == 0.0;
  return clamp(low + select(span - within, within, even), 0.0, extent - 1.0);
#endif
}

fn cubic(distance: f32) -> f32 {
  let d = abs(distance);
  let near = ((A + 2.0) * d - (A + 3.0)) * d * d + 1.0;
  let far = A * (((d - 5.0) * d + 8.0) * d - 4.0);
  return select(far, near, d <= 1.0);
}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let at = element_of(workgroup, thread);
  if (at >= COUNT) {
    return;
  }
  let plane = at / PLACES;
  let place = (plane / CHANNELS * PLACES + at % PLACES) * AXES;
  var whole: array<f32, AXES>;
  var fractions: array<f32, AXES>;
  for (var axis = 0u; axis < AXES; axis++) {
    let extent = f32(EXTENTS[axis]);
    let pixel = pixel_of(f32(grid[place + AXES - 1u - axis]), extent);
#if ${g.filter === 'nearest'}
    whole[axis] = round(bounded(pixel, extent));
#elif ${g.filter === 'linear'}
    let inside = bounded(pixel, extent);
    whole[axis] = floor(inside);
    fractions[axis] = inside - whole[axis];
#else
    whole[axis] = floor(pixel);
    fractions[axis] = pixel - whole[axis];
#endif
  }
  var sum = 0.0;
  for (var tap = 0u; tap < ALL_TAPS; tap++) {
    var rest = tap;
    var weight = 1.0;
    var inside = true;
    var source = plane;
    for (var axis = 0u; axis < AXES; axis++) {
      let t = f32(rest % TAPS);
      rest /= TAPS;
      let extent = f32(EXTENTS[axis]);
#if ${g.filter === 'nearest'}
      let pixel = whole[axis];
#elif ${g.filter === 'linear'}
      let pixel = whole[axis] + t;
      weight *= select(1.0 - fractions[axis], fractions[axis], t == 1.0);
#else
      let pixel = bounded(whole[axis] + t - 1.0, extent);
      weight *= cubic(t - 1.0 - fractions[axis]);
#endif
      inside &= pixel >= 0.0 && pixel < extent;
      source = source * u32(EXTENTS[axis]) + u32(clamp(pixel, 0.0, extent - 1.0));
    }
    if (inside) {
      sum += weight * f32(x[source]);
    }
  }
  y[at] = to_y(epilogue_at(sum, at));
}
`;
}
