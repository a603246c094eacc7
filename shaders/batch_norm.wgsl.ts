/**
 * Batch normalisation at inference: an affine map of each channel. (Ioffe and Szegedy, 2015.)
 *
 *     scale[c] = weight[c] / sqrt(running_var[c] + EPSILON)
 *     y[n, c, ...] = epilogue( (x[n, c, ...] - running_mean[c]) * scale[c] + bias[c] )
 *
 * Layouts: x, y maps [N, C, ...] of dense planes; all weights [C], f32.
 * Threads: one invocation an element, in the order of the shape. In place: x is not bound, but read from y.
 */
import { elementTypes, type UnaryTypes } from './lib/element_types.ts';
import { type Epilogue, epilogueText } from './lib/epilogue.ts';
import { elementText, type Grid } from './lib/grid.ts';
import { planeText } from './lib/map_kernel.ts';
import type { MapStrides } from './lib/map_strides.ts';
import { wgsl } from './lib/wgsl.ts';

export interface BatchNormProblem {
  readonly channels: number;
  /** Elements of one channel of one image. */
  readonly plane: number;
  readonly count: number;
  readonly epsilon: number;
  readonly xStrides: MapStrides;
  readonly yStrides: MapStrides;
  readonly types: UnaryTypes;
  readonly epilogue: Epilogue | undefined;
}

export const BATCH_NORM_THREADS = 64;

export function batchNorm(g: BatchNormProblem, grid: Grid, inPlace: boolean): string {
  return wgsl`
${elementTypes(g.types, g.epilogue)}
${elementText(grid, BATCH_NORM_THREADS, g.count)}
const CHANNELS = ${g.channels}u;
const PLANE = ${g.plane}u;
const EPSILON = ${g.epsilon};

#if ${!inPlace}
@group(0) @binding(0) var<storage, read> x: array<X>;
#endif
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read> running_mean: array<f32>;
@group(0) @binding(4) var<storage, read> running_var: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<Y>;
${planeText('x', g.xStrides)}
${planeText('y', g.yStrides)}
${epilogueText(g.epilogue)}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let nth = element_of(workgroup, thread);
  if (nth >= COUNT) {
    return;
  }
  let place = nth % PLANE;
  let channel = nth / PLANE % CHANNELS;
  let image = nth / PLANE / CHANNELS;
  let at = y_plane(image, channel) + place;
#if ${inPlace}
  let value = f32(y[at]);
#else
  let value = f32(x[x_plane(image, channel) + place]);
#endif
  let scale = weight[channel] / sqrt(running_var[channel] + EPSILON);
  y[at] = to_y(epilogue((value - running_mean[channel]) * scale + bias[channel], image, channel, place));
}
`;
}
