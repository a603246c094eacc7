/**
 * Resizing of feature maps: nearest and bilinear.
 *
 * Along each axis, output position p lies at the input coordinate (p * STEP + ORIGIN) / UNIT: integers, so
 * that no rounding moves a nearest neighbour or a corner. With i the whole part, clamped to the input, and f
 * the fraction:
 *
 *     nearest   y[p] = x[i]
 *     bilinear  y[p] = x[i] + (x[min(i + 1, end)] - x[i]) * f, along columns, then along rows
 *
 * and the epilogue of that. Layouts and threads: lib/map_kernel.ts.
 */
import type { Grid } from './lib/grid.ts';
import { type MapProblem, mapElementText } from './lib/map_kernel.ts';
import type { ResizeAxis } from './lib/resize_axis.ts';
import { wgsl } from './lib/wgsl.ts';

export interface Resize2dProblem extends MapProblem {
  readonly mode: 'nearest' | 'bilinear';
  readonly rows: ResizeAxis;
  readonly columns: ResizeAxis;
}

export function resize2d(g: Resize2dProblem, grid: Grid): string {
  const { rows, columns } = g;
  return wgsl`
${mapElementText(g, grid)}
const H_IN = ${rows.input}i;
const W_IN = ${columns.input}i;
const W_OUT = ${columns.output}u;
const ROW_STEP = ${rows.step}i;
const ROW_ORIGIN = ${rows.origin}i;
const ROW_UNIT = ${rows.unit}i;
const COLUMN_STEP = ${columns.step}i;
const COLUMN_ORIGIN = ${columns.origin}i;
const COLUMN_UNIT = ${columns.unit}i;

fn load(plane: u32, row: i32, column: i32) -> f32 {
  return f32(x[plane + u32(row * W_IN + column)]);
}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let at = element_at(workgroup, thread);
  if (at.nth >= COUNT) {
    return;
  }
  let plane = x_plane(at.image, at.channel);
  let row = max(i32(at.place / W_OUT) * ROW_STEP + ROW_ORIGIN, 0i);
  let column = max(i32(at.place % W_OUT) * COLUMN_STEP + COLUMN_ORIGIN, 0i);
  let top = min(row / ROW_UNIT, H_IN - 1i);
  let left = min(column / COLUMN_UNIT, W_IN - 1i);
#if ${g.mode === 'nearest'}
  let value = load(plane, top, left);
#else
  let bottom = min(top + 1i, H_IN - 1i);
  let right = min(left + 1i, W_IN - 1i);
  let down = f32(row % ROW_UNIT) / f32(ROW_UNIT);
  let across = f32(column % COLUMN_UNIT) / f32(COLUMN_UNIT);
  let upper = mix(load(plane, top, left), load(plane, top, right), across);
  let lower = mix(load(plane, bottom, left), load(plane, bottom, right), across);
  let value = mix(upper, lower, down);
#endif
  store(value, at.image, at.channel, at.place);
}
`;
}
