/**
 * Concatenation, one input at a time: copies x to its place in y.
 *
 *     y[o, OFFSET + i] = x[o, i]
 *
 * Layouts: row-major, seen as [OUTER, BLOCK] for x and [OUTER, ROW] for y, where a block is everything
 * from the axis inwards. Threads: one invocation an element of x, in memory order.
 */
import { elementTypes, type UnaryTypes } from './lib/element_types.ts';
import type { Grid } from './lib/grid.ts';
import { wgsl } from './lib/wgsl.ts';

export interface ConcatGeometry {
  readonly outer: number;
  /** Elements of one block of this input, of one row of the output, and before this block in the row. */
  readonly block: number;
  readonly row: number;
  readonly offset: number;
  readonly types: UnaryTypes;
}

export const CONCAT_THREADS = 64;

export function concat(g: ConcatGeometry, grid: Grid): string {
  return wgsl`
${elementTypes(g.types)}
const BLOCK = ${g.block}u;
const ROW = ${g.row}u;
const OFFSET = ${g.offset}u;
const COUNT = ${g.outer * g.block}u;
const THREADS = ${CONCAT_THREADS}u;
const GRID_COLUMNS = ${grid.columns}u;

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read_write> y: array<Y>;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let at = (workgroup.x + workgroup.y * GRID_COLUMNS) * THREADS + thread;
  if (at < COUNT) {
    y[at / BLOCK * ROW + OFFSET + at % BLOCK] = to_y(f32(x[at]));
  }
}
`;
}
