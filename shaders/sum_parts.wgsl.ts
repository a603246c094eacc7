/**
 * The second pass of a convolution whose input channels were split between PARTS workgroups each.
 *
 *     y[n, o, p] = epilogue( bias[o] + sum over s of parts[n, s, o, p] )
 *
 * The parts are added in the order of s, so that results do not depend on timing.
 * Layouts: parts [N][PARTS][C_OUT][PLANE_OUT]; residual, y NCHW; bias [C_OUT].
 * Threads: one invocation an element of y.
 */
import type { Conv2dGeometry } from './lib/conv2d_geometry.ts';
import { elementTypes } from './lib/element_types.ts';
import type { Grid } from './lib/grid.ts';
import { wgsl } from './lib/wgsl.ts';

export const SUM_PARTS_THREADS = 64;

export function sumParts(g: Conv2dGeometry, parts: number, grid: Grid): string {
  const plane = g.outputHeight * g.outputWidth;
  return wgsl`
${elementTypes(g.types)}
const PARTS = ${parts}u;
const PLANE_OUT = ${plane}u;
const IMAGE_OUT = ${g.outputChannels * plane}u;
const COUNT = ${g.batch * g.outputChannels * plane}u;
const THREADS = ${SUM_PARTS_THREADS}u;
const GRID_COLUMNS = ${grid.columns}u;

@group(0) @binding(0) var<storage, read> parts: array<f32>;
#if ${g.bias}
@group(0) @binding(1) var<storage, read> bias: array<f32>;
#endif
#if ${g.residual}
@group(0) @binding(2) var<storage, read> residual: array<Residual>;
#endif
@group(0) @binding(3) var<storage, read_write> y: array<Y>;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let at = (workgroup.x + workgroup.y * GRID_COLUMNS) * THREADS + thread;
  if (at >= COUNT) {
    return;
  }
  var next = at / IMAGE_OUT * (PARTS * IMAGE_OUT) + at % IMAGE_OUT;
  var value = 0.0;
  for (var part = 0u; part < PARTS; part++) {
    value += parts[next];
    next += IMAGE_OUT;
  }
#if ${g.bias}
  value += bias[at % IMAGE_OUT / PLANE_OUT];
#endif
#if ${g.residual}
  value += f32(residual[at]);
#endif
#if ${g.activation === 'relu'}
  value = max(value, 0.0);
#endif
  y[at] = to_y(value);
}
`;
}
