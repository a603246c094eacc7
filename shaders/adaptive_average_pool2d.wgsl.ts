/**
 * Average pooling to a given output size; to 1 x 1 it is the global average.
 *
 *     y[n, c, p, q] = mean of x[n, c, floor(p H / P) .. ceil((p+1) H / P) - 1, the same of q]
 *
 * Layouts: x a feature map, NCHW or channel-major; y NCHW. Threads: one invocation an output element, in memory order.
 */
import type { MapStrides } from './lib/conv2d_geometry.ts';
import { elementTypes, type UnaryTypes } from './lib/element_types.ts';
import type { Grid } from './lib/grid.ts';
import { wgsl } from './lib/wgsl.ts';

export interface AdaptivePoolGeometry {
  readonly batch: number;
  readonly channels: number;
  readonly inputHeight: number;
  readonly inputWidth: number;
  readonly outputHeight: number;
  readonly outputWidth: number;
  readonly xStrides: MapStrides;
  readonly types: UnaryTypes;
}

export const ADAPTIVE_POOL_THREADS = 64;

export function adaptiveAveragePool2d(g: AdaptivePoolGeometry, grid: Grid): string {
  return wgsl`
${elementTypes(g.types)}
const H_IN = ${g.inputHeight}u;
const W_IN = ${g.inputWidth}u;
const H_OUT = ${g.outputHeight}u;
const W_OUT = ${g.outputWidth}u;
const CHANNELS = ${g.channels}u;
const COUNT = ${g.batch * g.channels * g.outputHeight * g.outputWidth}u;
const X_IMAGE = ${g.xStrides.image}u;
const X_CHANNEL = ${g.xStrides.channel}u;
const THREADS = ${ADAPTIVE_POOL_THREADS}u;
const GRID_COLUMNS = ${grid.columns}u;

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read_write> y: array<Y>;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let at = (workgroup.x + workgroup.y * GRID_COLUMNS) * THREADS + thread;
  if (at >= COUNT) {
    return;
  }
  let p = at / W_OUT % H_OUT;
  let q = at % W_OUT;
  let top = p * H_IN / H_OUT;
  let bottom = ((p + 1u) * H_IN + H_OUT - 1u) / H_OUT;
  let left = q * W_IN / W_OUT;
  let right = ((q + 1u) * W_IN + W_OUT - 1u) / W_OUT;
  let nth = at / (H_OUT * W_OUT);
  let plane = nth / CHANNELS * X_IMAGE + nth % CHANNELS * X_CHANNEL;

  // A count that no compiler can bound: Mesa unrolls others, and compiles a mean of 7 x 7 for a third of a second.
  let one = min(1u, arrayLength(&x));
  let end = top + (bottom - top) * one;
  var sum = 0.0;
  for (var row = top; row < end; row++) {
    for (var column = left; column < right; column++) {
      sum += f32(x[plane + row * W_IN + column]);
    }
  }
  y[at] = to_y(sum / f32((bottom - top) * (right - left)));
}
`;
}
