/**
 * The second pass of a convolution whose input channels were split between PARTS workgroups each.
 *
 *     y[n, o, p] = epilogue( bias[o] + sum over s of parts[n, s, o, p] )
 *
 * The parts are added in the order of s, so that results do not depend on timing.
 * Layouts: parts [N][PARTS][C_OUT][PLANE_OUT]; y a feature map of dense planes; bias [C_OUT].
 * Threads: one invocation an element of y.
 */
import type { Conv2dProblem } from './lib/conv2d_problem.ts';
import type { ShaderModule } from './lib/dimensions.ts';
import { elementTypes } from './lib/element_types.ts';
import { epilogueModule } from './lib/epilogue.ts';
import { elementText, type Grid } from './lib/grid.ts';
import { planeText } from './lib/map_kernel.ts';
import { wgsl } from './lib/wgsl.ts';

export const SUM_PARTS_THREADS = 64;

export function sumParts(g: Conv2dProblem, parts: number, grid: Grid): ShaderModule {
  const plane = g.outputHeight * g.outputWidth;
  const imageOut = g.outputChannels * plane;
  const epilogue = epilogueModule(g.epilogue, 1, 'compiled');
  const source = wgsl`
${elementTypes(g.types, g.epilogue)}
${elementText(grid, SUM_PARTS_THREADS, g.batch * imageOut)}
const PARTS = ${parts}u;
const PLANE_OUT = ${plane}u;
const IMAGE_OUT = ${imageOut}u;

@group(0) @binding(0) var<storage, read> parts: array<f32>;
#if ${g.bias}
@group(0) @binding(1) var<storage, read> bias: array<f32>;
#endif
@group(0) @binding(2) var<storage, read_write> y: array<Y>;
${planeText('y', g.yStrides)}
${epilogue.text}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let nth = element_of(workgroup, thread);
  if (nth >= COUNT) {
    return;
  }
  let image = nth / IMAGE_OUT;
  let channel = nth % IMAGE_OUT / PLANE_OUT;
  let place = nth % PLANE_OUT;
  var next = image * (PARTS * IMAGE_OUT) + nth % IMAGE_OUT;
  var value = 0.0;
  for (var part = 0u; part < PARTS; part++) {
    value += parts[next];
    next += IMAGE_OUT;
  }
#if ${g.bias}
  value += bias[channel];
#endif
  y[y_plane(image, channel) + place] = to_y(epilogue(value, image, channel, place));
}
`;
  return { source, operands: epilogue.bindings };
}
