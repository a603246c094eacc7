/**
 * A tensor stored otherwise: y = x, rounded where f32 becomes f16.
 *
 * Layouts: both tensors alike. Threads: one invocation an element, in memory order.
 */
import { elementTypes, type UnaryTypes } from './lib/element_types.ts';
import type { Grid } from './lib/grid.ts';
import { wgsl } from './lib/wgsl.ts';

export const CONVERT_THREADS = 64;

export function convert(count: number, types: UnaryTypes, grid: Grid): string {
  return wgsl`
${elementTypes(types)}
const COUNT = ${count}u;
const THREADS = ${CONVERT_THREADS}u;
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
    y[at] = to_y(f32(x[at]));
  }
}
`;
}
