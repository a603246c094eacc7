/**
 * Depthwise convolution: every output channel sees one input channel, and MULTIPLIER of them the same one.
 *
 *     y[n, o, p, q] = epilogue( bias[o] + sum over r, s of
 *                     x[n, o / MULTIPLIER, p * STRIDE + r * DILATION - PAD, ...] * weight[o, r, s] )
 *
 * A multiply-add for every load would be all there is. So an invocation computes ROWS x PIXELS neighbouring outputs
 * of a plane, and reads the patch of x that they see, and the channel's weights, into registers once:
 *
 *     PATCH_H x PATCH_W values of x      ROWS x PIXELS sums      3x3, stride 1: 24 loads for 2 x 4 outputs,
 *     +-----------------+                +-----------+                          where each alone takes 9
 *     | . . . . . .     |   K_H x K_W    | . . . .   |
 *     | . . . . . .     |   weights      | . . . .   |
 *
 * Layouts
 *     x, y             feature maps, NCHW, channel-major or a part of one: pixel p of image n, channel c is element
 *                      Y_OFFSET + n * Y_IMAGE + c * Y_CHANNEL + p
 *     weight           [output channel][tap r * K_W + s], as it comes
 *     bias             [output channel], f32
 *
 * Threads. The tiles of ROWS x PIXELS outputs are numbered along a row, then along the rows, the channels and the
 * images; an invocation has one.
 *
 *     by plane    CPU adapters: a workgroup's tiles are of one plane, so that its weights are loads which all lanes
 *                 share. The last workgroup of a plane may idle in part.
 *     across      GPUs: workgroups go across planes, since a small plane would fill only a part of one.
 */
import { type Conv2dProblem, conv2dSizes } from './lib/conv2d_problem.ts';
import { dimensions, type ShaderModule } from './lib/dimensions.ts';
import { elementTypes } from './lib/element_types.ts';
import { epilogueModule } from './lib/epilogue.ts';
import type { Grid } from './lib/grid.ts';
import { wgsl } from './lib/wgsl.ts';

/** What one invocation computes. */
export interface Conv2dDepthwiseConfig {
  /** Invocations of a workgroup. */
  readonly lanes: number;
  /** Rows of outputs of an invocation. */
  readonly rows: number;
  /** Outputs along a row of an invocation. */
  readonly pixels: number;
  /** Whether a workgroup stays in one plane. */
  readonly byPlane: boolean;
  /** Whether the sizes of the maps are read from a uniform buffer; the window's are always compiled in. */
  readonly bound: boolean;
}

/** [height, width] of the part of x that one invocation reads. */
export function depthwisePatch(
  { kernel, stride, dilation }: Conv2dProblem,
  { rows, pixels }: Pick<Conv2dDepthwiseConfig, 'rows' | 'pixels'>,
): readonly [number, number] {
  return [
    (rows - 1) * stride[0] + (kernel[0] - 1) * dilation[0] + 1,
    (pixels - 1) * stride[1] + (kernel[1] - 1) * dilation[1] + 1,
  ];
}

/** Workgroups. */
export function depthwiseWorkgroups(g: Conv2dProblem, config: Conv2dDepthwiseConfig): number {
  const planes = g.batch * g.outputChannels;
  const tiles = tilesOfPlane(g, config);
  return config.byPlane
    ? planes * Math.ceil(tiles / config.lanes)
    : Math.ceil((planes * tiles) / config.lanes);
}

function tilesOfPlane(g: Conv2dProblem, { rows, pixels }: Conv2dDepthwiseConfig): number {
  return Math.ceil(g.outputHeight / rows) * Math.ceil(g.outputWidth / pixels);
}

export function conv2dDepthwise(
  g: Conv2dProblem,
  config: Conv2dDepthwiseConfig,
  grid: Grid,
): ShaderModule {
  const [patchHeight, patchWidth] = depthwisePatch(g, config);
  const all = conv2dSizes(g);
  const { C_OUT = 0, H_IN = 0, W_IN = 0, W_OUT = 0, PAD_TOP = 0, PAD_LEFT = 0 } = all;
  const { X_OFFSET = 0, X_IMAGE = 0, X_CHANNEL = 0 } = all;
  const { Y_OFFSET = 0, Y_IMAGE = 0, Y_CHANNEL = 0 } = all;
  const tiles = tilesOfPlane(g, config);
  // Its stores are unrolled, and an addend that may be missing would be a load for each.
  const epilogue = epilogueModule(g.epilogue, 1, config.bound ? 'bound' : 'compiled');
  const sizes = {
    ...{ C_OUT, H_IN, W_IN, W_OUT, PAD_TOP, PAD_LEFT },
    ...{ X_OFFSET, X_IMAGE, X_CHANNEL, Y_OFFSET, Y_IMAGE, Y_CHANNEL },
    H_OUT: g.outputHeight,
    MULTIPLIER: g.outputChannels / g.inputChannels,
    TILES_ACROSS: Math.ceil(g.outputWidth / config.pixels),
    PLANE_TILES: tiles,
    PLANE_WORKGROUPS: Math.ceil(tiles / config.lanes),
    PLANES: g.batch * g.outputChannels,
    GRID_COLUMNS: grid.columns,
    ...epilogue.sizes,
  };
  const { declarations, locals, words } = dimensions(sizes, config.bound);
  const source = wgsl`
${elementTypes(g.types, g.epilogue)}

${declarations}
const LANES = ${config.lanes}u;
const ROWS = ${config.rows}u;
const PIXELS = ${config.pixels}u;
const K_H = ${g.kernel[0]}u;
const K_W = ${g.kernel[1]}u;
const STRIDE_H = ${g.stride[0]}u;
const STRIDE_W = ${g.stride[1]}u;
const DILATION_H = ${g.dilation[0]}u;
const DILATION_W = ${g.dilation[1]}u;
const PATCH_H = ${patchHeight}u;
const PATCH_W = ${patchWidth}u;

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read> weight: array<Weight>;
#if ${g.bias}
@group(0) @binding(2) var<storage, read> bias: array<f32>;
#endif
@group(0) @binding(3) var<storage, read_write> y: array<Y>;
${epilogue.text}

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
${locals}
  let nth = workgroup.x + workgroup.y * GRID_COLUMNS;
#if ${config.byPlane}
  let plane = nth / PLANE_WORKGROUPS;
  let tile = nth % PLANE_WORKGROUPS * LANES + lane;
#else
  let plane = (nth * LANES + lane) / PLANE_TILES;
  let tile = (nth * LANES + lane) % PLANE_TILES;
#endif
  if (plane >= PLANES || tile >= PLANE_TILES) {
    return;
  }
  let image = plane / C_OUT;
  let channel = plane % C_OUT;
  let first_row = tile / TILES_ACROSS * ROWS;
  let first_column = tile % TILES_ACROSS * PIXELS;

  // Above and left of the image the subtraction wraps round to a huge number: one comparison does.
  let top = first_row * STRIDE_H - PAD_TOP;
  let left = first_column * STRIDE_W - PAD_LEFT;
  let x_plane = X_OFFSET + image * X_IMAGE + channel / MULTIPLIER * X_CHANNEL;
  var seen: array<array<f32, PATCH_W>, PATCH_H>;
#for j in PATCH_W
  let inside_#j = left + #j < W_IN;
#end
#for i in PATCH_H
  {
    let row_inside = top + #i < H_IN;
    let row_at = x_plane + (top + #i) * W_IN + left;
#for j in PATCH_W
    {
      let inside = row_inside && inside_#j;
      seen[#i][#j] = select(0.0, f32(x[select(0u, row_at + #j, inside)]), inside);
    }
#end
  }
#end

  var sums: array<array<f32, PIXELS>, ROWS>;
#for r in K_H
#for s in K_W
  {
    let w = f32(weight[channel * (K_H * K_W) + #r * K_W + #s]);
#for m in ROWS
#for p in PIXELS
    sums[#m][#p] += seen[#m * STRIDE_H + #r * DILATION_H][#p * STRIDE_W + #s * DILATION_W] * w;
#end
#end
  }
#end
#end

  var shift = 0.0;
#if ${g.bias}
  shift = bias[channel];
#endif
  let y_plane = Y_OFFSET + image * Y_IMAGE + channel * Y_CHANNEL;
#for m in ROWS
#for p in PIXELS
  if (first_row + #m < H_OUT && first_column + #p < W_OUT) {
    let place = (first_row + #m) * W_OUT + first_column + #p;
    y[y_plane + place] = to_y(epilogue(sums[#m][#p] + shift, image, channel, place${epilogue.sizeArguments}));
  }
#end
#end
}
`;
  return { source, words, operands: epilogue.bindings };
}
