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
import type { ShaderModule } from './lib/dimensions.ts';
import type { Grid } from './lib/grid.ts';
import { type MapProblem, mapElementModule } from './lib/map_kernel.ts';
import type { ResizeAxis } from './lib/resize_axis.ts';
import { wgsl } from './lib/wgsl.ts';

export interface Resize2dProblem extends MapProblem {
  readonly mode: 'nearest' | 'bilinear';
  readonly rows: ResizeAxis;
  readonly columns: ResizeAxis;
}

export function resize2d(g: Resize2dProblem, grid: Grid): ShaderModule {
  const { rows, columns } = g;
  const { head, locals, words } = mapElementModule(g, grid, {
    H_IN: rows.input,
    W_IN: columns.input,
    W_OUT: columns.output,
    ROW_STEP: rows.step,
    ROW_ORIGIN: rows.origin,
    ROW_UNIT: rows.unit,
    COLUMN_STEP: columns.step,
    COLUMN_ORIGIN: columns.origin,
    COLUMN_UNIT: columns.unit,
  });
  const source = wgsl`
${head}

fn load(row_at: u32, column: u32) -> f32 {
  return f32(x[row_at + column]);
}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
${locals}
  let at = element_at(workgroup, thread);
  if (at.nth >= COUNT) {
    return;
  }
  let plane = x_plane(at.image, at.channel);
  // The origin may be negative.
  let row = u32(max(i32(at.place / W_OUT * ROW_STEP + ROW_ORIGIN), 0i));
  let column = u32(max(i32(at.place % W_OUT * COLUMN_STEP + COLUMN_ORIGIN), 0i));
  let top = min(row / ROW_UNIT, H_IN - 1u);
  let left = min(column / COLUMN_UNIT, W_IN - 1u);
  let top_at = plane + top * W_IN;
#if ${g.mode === 'nearest'}
  let value = load(top_at, left);
#else
  let bottom_at = plane + min(top + 1u, H_IN - 1u) * W_IN;
  let right = min(left + 1u, W_IN - 1u);
  let down = f32(row % ROW_UNIT) / f32(ROW_UNIT);
  let across = f32(column % COLUMN_UNIT) / f32(COLUMN_UNIT);
  let upper = mix(load(top_at, left), load(top_at, right), across);
  let lower = mix(load(bottom_at, left), load(bottom_at, right), across);
  let value = mix(upper, lower, down);
#endif
  store(value, at.image, at.channel, at.place);
}
`;
  return { source, words };
}
