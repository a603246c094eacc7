/**
 * Resizing along one axis, by any of the filters, of tensors of any rank.
 *
 * Output position p lies at the input coordinate c = (p * STEP + ORIGIN) / UNIT: integers, as in resize2d. With i the
 * whole part of c, rounded down, and f the fraction:
 *
 *     nearest   y[p] = x[i]
 *     else      y[p] = sum over t of w(t) * x[i + t],  w(t) = h(|t - f| * SHRINK) / TOTAL
 *     linear    h(d) = 1 - d                                         for d < 1
 *     cubic     h(d) = (A + 2) d^3 - (A + 3) d^2 + 1                 for d <= 1
 *               h(d) = A (d^3 - 5 d^2 + 8 d - 4)                     for 1 < d < 2
 *
 * Outside of x its edge goes on; where taps there are excluded, their weights are 0. SHRINK is below 1 where an image
 * that becomes smaller is not to alias: the filter gets as many times wider. TOTAL is the sum of the weights where
 * they do not add up to 1 by themselves, which is in these two cases. Cropped, y is VALUE where c is not in x.
 * (Keys, "Cubic convolution interpolation for digital image processing", 1981.)
 *
 * Layouts: x [outer][input position][inner], y [outer][output position][inner], dense; then the epilogue.
 * Threads: one invocation an element of y, in memory order. Each works out its weights: that is less than it loads.
 */
import { elementTypes, type UnaryTypes } from './lib/element_types.ts';
import type { Epilogue } from './lib/epilogue.ts';
import { epilogueAtText } from './lib/epilogue_at.ts';
import { elementText, type Grid } from './lib/grid.ts';
import type { ResizeAxis } from './lib/resize_axis.ts';
import { wgsl } from './lib/wgsl.ts';

/** What a place between pixels gets: the nearest one, or of 2 or 4 neighbours along each axis a weighted mean. */
export type ResizeFilter = 'nearest' | 'linear' | 'cubic';

export interface ResizeAxisProblem {
  readonly filter: ResizeFilter;
  readonly axis: ResizeAxis;
  readonly outer: number;
  readonly inner: number;
  /** How much smaller the output is than the input, where the filter follows that; else 1. */
  readonly shrink: number;
  /** The parameter of the cubic filter. */
  readonly cubic: number;
  readonly excludeOutside: boolean;
  /** Least and greatest p * step + origin in x, and what y is elsewhere. */
  readonly crop:
    | { readonly low: number; readonly high: number; readonly value: number }
    | undefined;
  /** Of y. */
  readonly shape: readonly number[];
  readonly types: UnaryTypes;
  readonly epilogue: Epilogue | undefined;
}

export const RESIZE_AXIS_THREADS = 64;

/** The first tap and how many there are, of a position in [0, 1): all within the filter's reach. */
export function tapsOf({ filter, shrink }: Pick<ResizeAxisProblem, 'filter' | 'shrink'>): {
  readonly first: number;
  readonly count: number;
} {
  const reach = Math.ceil((filter === 'cubic' ? 2 : 1) / shrink);
  return { first: 1 - reach, count: 2 * reach };
}

export function resizeAxis(g: ResizeAxisProblem, grid: Grid): string {
  const { input, output, step, origin, unit } = g.axis;
  const taps = tapsOf(g);
  const { low = 0, high = 0, value = 0 } = g.crop ?? {};
  return wgsl`
${elementTypes(g.types, g.epilogue)}
${elementText(grid, RESIZE_AXIS_THREADS, g.outer * output * g.inner)}
const INPUT = ${input}i;
const OUTPUT = ${output}u;
const INNER = ${g.inner}u;
const STEP = i32(${step});
const ORIGIN = i32(${origin});
const UNIT = ${unit}i;
const FIRST_TAP = i32(${taps.first});
const TAPS = ${taps.count}i;
const SHRINK = f32(${g.shrink});
const A = f32(${g.cubic});
const LOW = i32(${low});
const HIGH = i32(${high});
const VALUE = f32(${value});

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read_write> y: array<Y>;
${epilogueAtText(g.epilogue, g.shape)}

fn load(plane: u32, position: i32, inner: u32) -> f32 {
  let inside = u32(clamp(position, 0i, INPUT - 1i));
  return f32(x[(plane * u32(INPUT) + inside) * INNER + inner]);
}

#if ${g.filter !== 'nearest'}
fn weight_at(distance: f32) -> f32 {
  let d = abs(distance) * SHRINK;
#if ${g.filter === 'linear'}
  return max(1.0 - d, 0.0);
#else
  let near = ((A + 2.0) * d - (A + 3.0)) * d * d + 1.0;
  let far = A * (((d - 5.0) * d + 8.0) * d - 4.0);
  return select(select(0.0, far, d < 2.0), near, d <= 1.0);
#endif
}
#endif

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let at = element_of(workgroup, thread);
  if (at >= COUNT) {
    return;
  }
  let inner = at % INNER;
  let plane = at / INNER / OUTPUT;
  let position = i32(at / INNER % OUTPUT) * STEP + ORIGIN;
#if ${g.crop !== undefined}
  if (position < LOW || position > HIGH) {
    y[at] = to_y(epilogue_at(VALUE, at));
    return;
  }
#endif
  // Division rounds to zero.
  let whole = position / UNIT - select(0i, 1i, position % UNIT < 0i);
#if ${g.filter === 'nearest'}
  let result = load(plane, whole, inner);
#else
  let fraction = f32(position - whole * UNIT) / f32(UNIT);
  var result = 0.0;
  var total = 0.0;
  for (var t = 0i; t < TAPS; t++) {
    let tap = whole + FIRST_TAP + t;
    var weight = weight_at(f32(FIRST_TAP + t) - fraction);
#if ${g.excludeOutside}
    weight = select(0.0, weight, tap >= 0i && tap < INPUT);
#endif
    result += weight * load(plane, tap, inner);
    total += weight;
  }
#if ${g.excludeOutside || g.shrink < 1}
  result /= total;
#endif
#endif
  y[at] = to_y(epilogue_at(result, at));
}
`;
}
