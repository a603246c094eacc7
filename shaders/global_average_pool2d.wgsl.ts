/**
 * The mean of every plane, for GPUs: a workgroup a plane.
 *
 *     y[n, c] = epilogue( (sum over all pixels of x[n, c]) / PIXELS )
 *
 * Layouts: x a map [N, C, H, W] of dense planes, y one of [N, C, 1, 1]. Sizes are bound.
 * Threads. Each invocation adds up every THREADS-th pixel, so that neighbours read neighbouring words; a tree in
 * workgroup memory adds their sums, always in the same order. One invocation a plane, as CPU adapters have it, would
 * walk a plane alone while neighbours read words that lie a plane apart.
 */
import type { AdaptivePoolProblem } from './adaptive_average_pool2d.wgsl.ts';
import type { ShaderModule } from './lib/dimensions.ts';
import type { Grid } from './lib/grid.ts';
import { mapModule } from './lib/map_kernel.ts';
import { wgsl } from './lib/wgsl.ts';

/** Pixels of which 64 invocations would read more than 16 each, one after the other. */
const LARGE_PLANE = 1024;

export function globalAveragePool2d(g: AdaptivePoolProblem, grid: Grid): ShaderModule {
  const pixels = g.inputHeight * g.inputWidth;
  const { head, locals, words } = mapModule(g, grid, { PIXELS: pixels, PLANES: g.count });
  const source = wgsl`
${head}
const THREADS = ${pixels > LARGE_PLANE ? 256 : 64}u;
const BLOCK = 64u * THREADS;

var<workgroup> sums: array<f32, THREADS>;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
${locals}
  let nth = workgroup.x + workgroup.y * GRID_COLUMNS;
  if (nth >= PLANES) {
    return;
  }
  let image = nth / CHANNELS;
  let channel = nth % CHANNELS;
  let plane = x_plane(image, channel);
  var sum = 0.0;
  for (var begin = thread; begin < PIXELS; begin += BLOCK) {
    // Block by block: what one long sum would lose of a million small terms is kept.
    var block = 0.0;
    for (var i = begin; i < min(begin + BLOCK, PIXELS); i += THREADS) {
      block += f32(x[plane + i]);
    }
    sum += block;
  }
  sums[thread] = sum;
  for (var half = THREADS / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (thread < half) {
      sums[thread] += sums[thread + half];
    }
  }
  if (thread == 0u) {
    store(sums[0] / f32(PIXELS), image, channel, 0u);
  }
}
`;
  return { source, words };
}
