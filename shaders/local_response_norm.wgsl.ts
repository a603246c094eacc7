/**
 * Local response normalisation across channels. (Krizhevsky, Sutskever and Hinton, 2012, section 3.3.)
 *
 *     y[n, c] = x[n, c] / (BIAS + ALPHA / SIZE * sum over d of x[n, d]^2)^BETA
 *
 * where d runs over SIZE channels about c, as far as they exist: BEFORE of them before it.
 * Layouts: x, y [N, C, ...] row-major. Threads: one invocation an element, in memory order.
 */
import { elementTypes, type UnaryTypes } from './lib/element_types.ts';
import type { Grid } from './lib/grid.ts';
import { wgsl } from './lib/wgsl.ts';

export interface LocalResponseNormGeometry {
  readonly count: number;
  readonly channels: number;
  readonly plane: number;
  readonly size: number;
  readonly alpha: number;
  readonly beta: number;
  readonly bias: number;
  readonly types: UnaryTypes;
}

export const LOCAL_RESPONSE_NORM_THREADS = 64;

export function localResponseNorm(g: LocalResponseNormGeometry, grid: Grid): string {
  return wgsl`
${elementTypes(g.types)}
const COUNT = ${g.count}i;
const CHANNELS = ${g.channels}i;
const PLANE = ${g.plane}i;
const SIZE = ${g.size}i;
const BEFORE = (SIZE - 1i) / 2i;
const SCALE = f32(${g.alpha / g.size});
const BETA = f32(${g.beta});
const BIAS = f32(${g.bias});
const THREADS = ${LOCAL_RESPONSE_NORM_THREADS}u;
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
  let channel = at / PLANE % CHANNELS;
  let first = max(channel - BEFORE, 0i);
  let last = min(channel - BEFORE + SIZE, CHANNELS);
  var sum = 0.0;
  for (var d = first; d < last; d++) {
    let value = f32(x[at + (d - channel) * PLANE]);
    sum += value * value;
  }
  y[at] = to_y(f32(x[at]) / pow(BIAS + SCALE * sum, BETA));
}
`;
}
