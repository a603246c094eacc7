/**
 * Rows taken from places that indices say, which may be computed.
 *
 *     y[k, i] = epilogue( x[indices[k], i], or 0 where that is no row of x )
 *
 * Indices are numbers, exact up to 2^24; fractions of those from 0 on are dropped.
 *
 * Layouts: x [ROWS, INNER], indices [PLACES], y [PLACES, INNER], dense; then the epilogue. Threads: one invocation an
 * element of y, in memory order.
 */
import { type ElementTypes, elementTypes } from './lib/element_types.ts';
import type { Epilogue } from './lib/epilogue.ts';
import { epilogueAtText } from './lib/epilogue_at.ts';
import { elementText, type Grid } from './lib/grid.ts';
import { wgsl } from './lib/wgsl.ts';

export interface GatherProblem {
  readonly rows: number;
  /** Elements of a row. */
  readonly inner: number;
  /** How many rows are taken. */
  readonly places: number;
  /** Of y. */
  readonly shape: readonly number[];
  readonly types: ElementTypes<'x' | 'indices'>;
  readonly epilogue: Epilogue | undefined;
}

export const GATHER_THREADS = 64;

export function gather({ rows, inner, places, ...g }: GatherProblem, grid: Grid): string {
  return wgsl`
${elementTypes(g.types, g.epilogue)}
${elementText(grid, GATHER_THREADS, places * inner)}
const ROWS = ${rows}.0;
const INNER = ${inner}u;

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read> indices: array<Indices>;
@group(0) @binding(2) var<storage, read_write> y: array<Y>;
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
  let index = f32(indices[at / INNER]);
  var value = 0.0;
  if (index >= 0.0 && index < ROWS) {
    value = f32(x[u32(index) * INNER + at % INNER]);
  }
  y[at] = to_y(epilogue_at(value, at));
}
`;
}
