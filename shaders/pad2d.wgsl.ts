/**
 * Padding of feature maps, also by negative amounts, which cut.
 *
 *     constant  y[p, q] = x[p - TOP, q - LEFT], or VALUE outside of x
 *     edge      the nearest element of x instead
 *     reflect   x mirrored at its first and last element, which are not repeated
 *
 * Layouts: x, y NCHW. Threads: one invocation an output element, in memory order.
 */
import { elementTypes, type UnaryTypes } from './lib/element_types.ts';
import type { Grid } from './lib/grid.ts';
import { wgsl } from './lib/wgsl.ts';

export type PadMode = 'constant' | 'edge' | 'reflect';

export interface Pad2dGeometry {
  readonly mode: PadMode;
  readonly value: number;
  readonly planes: number;
  readonly inputHeight: number;
  readonly inputWidth: number;
  readonly outputHeight: number;
  readonly outputWidth: number;
  readonly top: number;
  readonly left: number;
  readonly types: UnaryTypes;
}

export const PAD2D_THREADS = 64;

export function pad2d(g: Pad2dGeometry, grid: Grid): string {
  return wgsl`
${elementTypes(g.types)}
const COUNT = ${g.planes * g.outputHeight * g.outputWidth}i;
const H_IN = ${g.inputHeight}i;
const W_IN = ${g.inputWidth}i;
const H_OUT = ${g.outputHeight}i;
const W_OUT = ${g.outputWidth}i;
const TOP = i32(${g.top});
const LEFT = i32(${g.left});
const VALUE = f32(${g.value});
const THREADS = ${PAD2D_THREADS}u;
const GRID_COLUMNS = ${grid.columns}u;

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read_write> y: array<Y>;

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
  var row = at / W_OUT % H_OUT - TOP;
  var column = at % W_OUT - LEFT;
#if ${g.mode === 'constant'}
  if (row < 0i || row >= H_IN || column < 0i || column >= W_IN) {
    y[at] = to_y(VALUE);
    return;
  }
#elif ${g.mode === 'edge'}
  row = clamp(row, 0i, H_IN - 1i);
  column = clamp(column, 0i, W_IN - 1i);
#else
  row = H_IN - 1i - abs(H_IN - 1i - abs(row));
  column = W_IN - 1i - abs(W_IN - 1i - abs(column));
#endif
  y[at] = to_y(f32(x[plane + row * W_IN + column]));
}
`;
}
