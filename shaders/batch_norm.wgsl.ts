/**
 * Batch normalisation at inference: an affine map of each channel. (Ioffe and Szegedy, 2015.)
 *
 *     scale[c] = weight[c] / sqrt(running_var[c] + EPSILON)
 *     y[n, c, ...] = epilogue( (x[n, c, ...] - running_mean[c]) * scale[c] + bias[c] )
 *
 * Layouts: x, y maps [N, C, ...] of dense planes; all weights [C], f32.
 * Threads: one invocation an element, or four neighbours of a plane where these lie together everywhere, in the order
 * of the shape. In place: x is not bound, but read from y. Sizes are bound, and so are the bits of EPSILON.
 */
import { dimensions, type ShaderModule } from './lib/dimensions.ts';
import { type DType, elementTypes } from './lib/element_types.ts';
import { bitsOf, epilogueModule, operandsInFours } from './lib/epilogue.ts';
import type { Grid } from './lib/grid.ts';
import type { MapProblem } from './lib/map_kernel.ts';
import { planeSizes } from './lib/map_strides.ts';
import { wgsl } from './lib/wgsl.ts';

export interface BatchNormProblem extends MapProblem {
  readonly epsilon: number;
}

export const BATCH_NORM_THREADS = 64;

/** Elements of an invocation. */
export function batchNormWidth({ count, channels, plane, ...g }: BatchNormProblem): 1 | 4 {
  const fits = [g.xStrides, g.yStrides].every((map) =>
    [plane, map.offset, map.image, map.channel].every((elements) => elements % 4 === 0),
  );
  return fits && operandsInFours(g.epilogue, count / channels / plane, plane) ? 4 : 1;
}

export function batchNorm(g: BatchNormProblem, grid: Grid, inPlace: boolean): ShaderModule {
  const width = batchNormWidth(g);
  const vector = width === 4 ? 'vec4f' : 'f32';
  const arrayOf = (type: DType): string =>
    width === 4 ? `array<vec4<${type}>>` : `array<${type}>`;
  const epilogue = epilogueModule(g.epilogue, width, 'bound');
  const sizes = {
    COUNT: g.count,
    CHANNELS: g.channels,
    PLANE: g.plane,
    GRID_COLUMNS: grid.columns,
    EPSILON: bitsOf(g.epsilon),
    ...planeSizes('x', g.xStrides),
    ...planeSizes('y', g.yStrides),
    ...epilogue.sizes,
  };
  const { declarations, locals, words } = dimensions(sizes);
  const source = wgsl`
${elementTypes(g.types, g.epilogue)}
${declarations}
const THREADS = ${BATCH_NORM_THREADS}u;
const WIDTH = ${width}u;
alias Vector = ${vector};

#if ${!inPlace}
@group(0) @binding(0) var<storage, read> x: ${arrayOf(g.types.x)};
#endif
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read> running_mean: array<f32>;
@group(0) @binding(4) var<storage, read> running_var: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: ${arrayOf(g.types.y)};
${epilogue.text}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
${locals}
  let nth = ((workgroup.x + workgroup.y * GRID_COLUMNS) * THREADS + thread) * WIDTH;
  if (nth >= COUNT) {
    return;
  }
  // Remainders by multiplication: CPU adapters divide lane by lane.
  let plane = nth / PLANE;
  let image = plane / CHANNELS;
  let channel = plane - image * CHANNELS;
  let place = nth - plane * PLANE;
  let at = (Y_OFFSET + image * Y_IMAGE + channel * Y_CHANNEL + place) / WIDTH;
#if ${inPlace}
  let value = Vector(y[at]);
#else
  let value = Vector(x[(X_OFFSET + image * X_IMAGE + channel * X_CHANNEL + place) / WIDTH]);
#endif
  let scale = weight[channel] / sqrt(running_var[channel] + bitcast<f32>(EPSILON));
  let result = (value - running_mean[channel]) * scale + bias[channel];
#if ${width === 4}
  y[at] = to_y4(epilogue(result, image, channel, place${epilogue.sizeArguments}));
#else
  y[at] = to_y(epilogue(result, image, channel, place${epilogue.sizeArguments}));
#endif
}
`;
  return { source, words };
}
