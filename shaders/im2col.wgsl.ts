/**
 * Writes out the matrix that a convolution multiplies its weights by, for adapters on which gathering it anew
 * for every tile of output channels costs more than writing and reading it.
 *
 *     columns[group * GROUP_ROWS + tap * GROUP_C_IN + c][pixel] =
 *         x[n, group * GROUP_C_IN + c, p * STRIDE + r * DILATION - PAD, ...], or 0 outside of the image
 *
 * Layouts: x a feature map, NCHW or channel-major; columns row by row, rows PITCH apart. The output pixels of the whole
 * batch are numbered through; those from OUT_PIXELS to PITCH repeat the last one, so that whole vectors hold numbers.
 * Threads: one invocation an input channel and output pixel, over all taps; neighbours have neighbouring pixels.
 */
import { type Conv2dGeometry, conv2dSizes } from './lib/conv2d_geometry.ts';
import { type Dimensions, dimensions } from './lib/dimensions.ts';
import { type ElementType, elementTypes } from './lib/element_types.ts';
import type { Grid } from './lib/grid.ts';
import { wgsl } from './lib/wgsl.ts';

export const IM2COL_THREADS = 64;

/** The matrix that is written. */
export interface Columns {
  /** Elements from row to row. */
  readonly pitch: number;
  /** Rows of a group: those that follow from the convolution, and zeros. */
  readonly groupRows: number;
}

export function im2colDimensions(
  g: Conv2dGeometry,
  { pitch, groupRows }: Columns,
  grid: Grid,
  bound: boolean,
): Dimensions {
  const count = g.inputChannels * pitch;
  return dimensions(
    {
      ...conv2dSizes(g),
      PITCH: pitch,
      GROUP_ROWS: groupRows,
      COUNT: count,
      GRID_COLUMNS: grid.columns,
    },
    bound,
  );
}

export function im2col(x: ElementType, { declarations, locals }: Dimensions): string {
  return wgsl`
${elementTypes({ x, y: x })}
${declarations}
const THREADS = ${IM2COL_THREADS}u;

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read_write> columns: array<Y>;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
${locals}
  let at = (workgroup.x + workgroup.y * GRID_COLUMNS) * THREADS + thread;
  if (at >= COUNT) {
    return;
  }
  let channel = at / PITCH;
  let group = channel / GROUP_C_IN;
  let pixel = min(at % PITCH, OUT_PIXELS - 1u);
  let plane = pixel / PLANE_OUT * X_IMAGE + channel * X_CHANNEL;
  let top = pixel % PLANE_OUT / W_OUT * STRIDE_H;
  let left = pixel % W_OUT * STRIDE_W;
  var to = (group * GROUP_ROWS + channel % GROUP_C_IN) * PITCH + at % PITCH;
  for (var r = 0u; r < K_H; r++) {
    for (var s = 0u; s < K_W; s++) {
      // Above and left of the image the subtraction wraps round to a huge number: one comparison does.
      let row = top + r * DILATION_H - PAD_TOP;
      let column = left + s * DILATION_W - PAD_LEFT;
      let inside = row < H_IN && column < W_IN;
      columns[to] = select(Y(), x[select(0u, plane + row * W_IN + column, inside)], inside);
      to += GROUP_C_IN * PITCH;
    }
  }
  // Rows of zeros fill up each group: its first channel writes them.
  if (channel % GROUP_C_IN == 0u) {
    for (var row = K_H * K_W * GROUP_C_IN; row < GROUP_ROWS; row++) {
      columns[(group * GROUP_ROWS + row) * PITCH + at % PITCH] = 0.0;
    }
  }
}
`;
}
