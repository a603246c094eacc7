/**
 * Batch normalisation at inference: an affine map of each channel. (Ioffe and Szegedy, 2015.)
 *
 *     y[n, c, ...] = (x[n, c, ...] - running_mean[c]) * weight[c] / sqrt(running_var[c] + EPSILON) + bias[c]
 *
 * Layouts: x, y [N, C, ...] row-major; all weights [C], f32.
 * Threads: one invocation an element, in memory order. In place: x is not bound, but read from y.
 */
import { elementTypes, type UnaryTypes } from './lib/element_types.ts';
import type { Grid } from './lib/grid.ts';
import { wgsl } from './lib/wgsl.ts';

export interface BatchNormGeometry {
  readonly channels: number;
  /** Elements of one channel of one image. */
  readonly plane: number;
  readonly count: number;
  readonly epsilon: number;
  readonly activation: 'none' | 'relu';
  readonly types: UnaryTypes;
}

export const BATCH_NORM_THREADS = 64;

export function batchNorm(g: BatchNormGeometry, grid: Grid, inPlace: boolean): string {
  return wgsl`
${elementTypes(g.types)}
const CHANNELS = ${g.channels}u;
const PLANE = ${g.plane}u;
const COUNT = ${g.count}u;
const EPSILON = ${g.epsilon};
const THREADS = ${BATCH_NORM_THREADS}u;
const GRID_COLUMNS = ${grid.columns}u;

#if ${!inPlace}
@group(0) @binding(0) var<storage, read> x: array<X>;
#endif
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read> running_mean: array<f32>;
@group(0) @binding(4) var<storage, read> running_var: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<Y>;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let at = (workgroup.x + workgroup.y * GRID_COLUMNS) * THREADS + thread;
  if (at >= COUNT) {
    return;
  }
  let channel = at / PLANE % CHANNELS;
  let scale = weight[channel] / sqrt(running_var[channel] + EPSILON);
#if ${inPlace}
  let value = (f32(y[at]) - running_mean[channel]) * scale + bias[channel];
#else
  let value = (f32(x[at]) - running_mean[channel]) * scale + bias[channel];
#endif
#if ${g.activation === 'relu'}
  y[at] = to_y(max(value, 0.0));
#else
  y[at] = to_y(value);
#endif
}
`;
}
