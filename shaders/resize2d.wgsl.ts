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
 * Layouts: x, y NCHW. Threads: one invocation an output element, in memory order.
 */
import { elementTypes, type UnaryTypes } from './lib/element_types.ts';
import type { Grid } from './lib/grid.ts';
import { wgsl } from './lib/wgsl.ts';

/** Where the positions of one axis lie: p at (p * step + origin) / unit. */
export interface ResizeAxis {
  readonly input: number;
  readonly output: number;
  readonly step: number;
  readonly origin: number;
  readonly unit: number;
}

export interface Resize2dGeometry {
  readonly mode: 'nearest' | 'bilinear';
  readonly planes: number;
  readonly rows: ResizeAxis;
  readonly columns: ResizeAxis;
  readonly types: UnaryTypes;
}

export const RESIZE2D_THREADS = 64;

export function resize2d(
  { mode, planes, rows, columns, types }: Resize2dGeometry,
  grid: Grid,
): string {
  return wgsl`
${elementTypes(types)}
const H_IN = ${rows.input}i;
const W_IN = ${columns.input}i;
const H_OUT = ${rows.output}i;
const W_OUT = ${columns.output}i;
const COUNT = ${planes * rows.output * columns.output}i;
const ROW_STEP = ${rows.step}i;
const ROW_ORIGIN = ${rows.origin}i;
const ROW_UNIT = ${rows.unit}i;
const COLUMN_STEP = ${columns.step}i;
const COLUMN_ORIGIN = ${columns.origin}i;
const COLUMN_UNIT = ${columns.unit}i;
const THREADS = ${RESIZE2D_THREADS}u;
const GRID_COLUMNS = ${grid.columns}u;

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read_write> y: array<Y>;

fn load(at: i32) -> f32 {
  return f32(x[at]);
}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let at = i32((workgroup.x + workgroup.y * GRID_COLUMNS) * THREADS + thread);
  if (at >= COUNT) {
    return;
  }
  let plane = at / (H_OUT * W_OUT) * (H_IN * W_IN);
  let row = max(at / W_OUT % H_OUT * ROW_STEP + ROW_ORIGIN, 0i);
  let column = max(at % W_OUT * COLUMN_STEP + COLUMN_ORIGIN, 0i);
  let top = min(row / ROW_UNIT, H_IN - 1i);
  let left = min(column / COLUMN_UNIT, W_IN - 1i);
#if ${mode === 'nearest'}
  y[at] = to_y(load(plane + top * W_IN + left));
#else
  let bottom = min(top + 1i, H_IN - 1i);
  let right = min(left + 1i, W_IN - 1i);
  let down = f32(row % ROW_UNIT) / f32(ROW_UNIT);
  let across = f32(column % COLUMN_UNIT) / f32(COLUMN_UNIT);
  let upper = mix(load(plane + top * W_IN + left), load(plane + top * W_IN + right), across);
  let lower = mix(load(plane + bottom * W_IN + left), load(plane + bottom * W_IN + right), across);
  y[at] = to_y(mix(upper, lower, down));
#endif
}
`;
}
