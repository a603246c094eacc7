/**
 * Rows put in the places that indices say, which may be computed.
 *
 *     y[r, i] = epilogue( updates[k, i] for the last k with indices[k] = r, else x[r, i], or 0 where there is no x )
 *
 * Three dispatches, so that no order of execution matters:
 *
 *     clear   last[r] = 0
 *     claim   last[indices[k]] = max(itself, k + 1)
 *     take    y[r, i] = updates[last[r] - 1, i], or x[r, i] where last[r] is 0
 *
 * Indices are numbers, exact up to 2^24, whose fractions are dropped; of those that are not from 0 to ROWS - 1 nothing
 * is put anywhere.
 *
 * Layouts: x, y [ROWS, INNER]; indices [PLACES]; updates [PLACES, INNER]; dense. last [ROWS], filled up to whole fours.
 * Threads: one invocation for four rows, an index, or an element of y, in memory order.
 */
import { type ElementTypes, elementTypes } from './lib/element_types.ts';
import type { Epilogue } from './lib/epilogue.ts';
import { epilogueAtText } from './lib/epilogue_at.ts';
import { elementText, type Grid } from './lib/grid.ts';
import { wgsl } from './lib/wgsl.ts';

export interface ScatterProblem {
  readonly rows: number;
  /** Elements of a row. */
  readonly inner: number;
  /** How many rows are put. */
  readonly places: number;
  /** Whether there is an x. */
  readonly onto: boolean;
  /** Of y. */
  readonly shape: readonly number[];
  /** Of x as of y where there is none. */
  readonly types: ElementTypes<'x' | 'indices' | 'updates'>;
  readonly epilogue: Epilogue | undefined;
}

export const SCATTER_THREADS = 64;

/** Fours of rows. */
export function scatterFours({ rows }: ScatterProblem): number {
  return Math.ceil(rows / 4);
}

/** Writes `last`. */
export function scatterClear(g: ScatterProblem, grid: Grid): string {
  return wgsl`
${elementText(grid, SCATTER_THREADS, scatterFours(g))}

@group(0) @binding(0) var<storage, read_write> last: array<vec4u>;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let four = element_of(workgroup, thread);
  if (four < COUNT) {
    last[four] = vec4u();
  }
}
`;
}

/** Reads `indices`, writes `last`. */
export function scatterClaim({ rows, places, types }: ScatterProblem, grid: Grid): string {
  return wgsl`
${elementTypes({ indices: types.indices, y: 'f32' })}
${elementText(grid, SCATTER_THREADS, places)}
const ROWS = ${rows}.0;

@group(0) @binding(0) var<storage, read> indices: array<Indices>;
@group(0) @binding(1) var<storage, read_write> last: array<atomic<u32>>;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let place = element_of(workgroup, thread);
  if (place >= COUNT) {
    return;
  }
  let index = f32(indices[place]);
  if (index >= 0.0 && index < ROWS) {
    atomicMax(&last[u32(index)], place + 1u);
  }
}
`;
}

/** Reads `last`, `updates` and `x`, writes `y`. */
export function scatterTake(g: ScatterProblem, grid: Grid): string {
  return wgsl`
${elementTypes(g.types, g.epilogue)}
${elementText(grid, SCATTER_THREADS, g.rows * g.inner)}
const INNER = ${g.inner}u;

@group(0) @binding(0) var<storage, read> last: array<u32>;
@group(0) @binding(1) var<storage, read> updates: array<Updates>;
#if ${g.onto}
@group(0) @binding(2) var<storage, read> x: array<X>;
#endif
@group(0) @binding(3) var<storage, read_write> y: array<Y>;
${epilogueAtText(g.epilogue, g.shape)}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let at = element_of(workgroup, thread);
  if (at >= COUNT) {
    return;
  }
  let number = last[at / INNER];
  var value = 0.0;
  if (number > 0u) {
    value = f32(updates[(number - 1u) * INNER + at % INNER]);
  }
#if ${g.onto}
  else {
    value = f32(x[at]);
  }
#endif
  y[at] = to_y(epilogue_at(value, at));
}
`;
}
