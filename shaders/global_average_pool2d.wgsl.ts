/**
 * The mean of every plane, for GPUs: a workgroup a plane.
 *
 *     y[n, c] = (sum over all pixels of x[n, c]) / PLANE
 *
 * Layouts: x a feature map, NCHW or channel-major; y [image][channel].
 * Threads. Each invocation adds up every THREADS-th pixel, so that neighbours read neighbouring words; a tree in
 * workgroup memory adds their sums, always in the same order. One invocation a plane, as CPU adapters have it, would
 * walk a plane alone while neighbours read words that lie a plane apart.
 */
import type { AdaptivePoolGeometry } from './adaptive_average_pool2d.wgsl.ts';
import { elementTypes } from './lib/element_types.ts';
import type { Grid } from './lib/grid.ts';
import { wgsl } from './lib/wgsl.ts';

export function globalAveragePool2d(g: AdaptivePoolGeometry, grid: Grid): string {
  return wgsl`
${elementTypes(g.types)}
const PLANE = ${g.inputHeight * g.inputWidth}u;
const CHANNELS = ${g.channels}u;
const X_IMAGE = ${g.xStrides.image}u;
const X_CHANNEL = ${g.xStrides.channel}u;
const THREADS = 64u;
const GRID_COLUMNS = ${grid.columns}u;
const GRID_TILES = ${grid.tiles}u;

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read_write> y: array<Y>;

var<workgroup> partial: array<f32, THREADS>;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let nth = workgroup.x + workgroup.y * GRID_COLUMNS;
  if (nth >= GRID_TILES) {
    return;
  }
  let plane = nth / CHANNELS * X_IMAGE + nth % CHANNELS * X_CHANNEL;
  var sum = 0.0;
  for (var i = thread; i < PLANE; i += THREADS) {
    sum += f32(x[plane + i]);
  }
  partial[thread] = sum;
  for (var half = THREADS / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (thread < half) {
      partial[thread] += partial[thread + half];
    }
  }
  // The first invocation reads what it wrote itself.
  if (thread == 0u) {
    y[nth] = to_y(partial[0] / f32(PLANE));
  }
}
`;
}
