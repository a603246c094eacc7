/**
 * 2-D convolution without workgroup memory, for adapters that run on the CPU.
 *
 *     y[n, o, p, q] = epilogue( bias[o] + sum over c, r, s of
 *                     x[n, c, p * STRIDE + r * DILATION - PAD, ...] * weight[o, c, r, s] )
 *
 * Layouts
 *     x                NCHW; or columns: a matrix [input channel][output pixel of the batch], rows PITCH apart
 *     residual, y      NCHW
 *     weight           [group][tap r * K_W + s][input channel of the group][output channel, padded to CHANNELS]
 *     bias             [group][output channel, padded to CHANNELS]
 *
 * Tile and threads. The output pixels of the whole batch are numbered 0 .. OUT_PIXELS - 1. A workgroup
 * owns LANES * PIXELS of them and CHANNELS output channels; a lane keeps PIXELS x CHANNELS sums in
 * registers. Of each LANES * VECTOR neighbouring pixels, lane l has VECTOR, from l * VECTOR on.
 *
 *     VECTOR 1   Neighbouring lanes read neighbouring words of x: on SwiftShader that is one vector load.
 *     VECTOR 4   A lane reads four words at once. Mesa's llvmpipe checks and fetches lane by lane whatever
 *                the pattern, so fewer and wider loads are what counts. Columns only.
 *
 * Weights are the same for all lanes; where the width of a subgroup is known, each lane loads other ones and
 * they go round by subgroupBroadcast, so that SUBGROUP loads become one.
 *
 * DEPTH input channels are read before any is multiplied: llvmpipe then selects by its execution mask, which
 * guards whatever a loop carries, once for DEPTH multiply-adds.
 */

import { type Conv2dGeometry, conv2dSizes, outputPixels } from './lib/conv2d_geometry.ts';
import { type Dimensions, dimensions } from './lib/dimensions.ts';
import type { Grid } from './lib/grid.ts';
import { wgsl } from './lib/wgsl.ts';

/** Sizes of the register tile. */
export interface Conv2dDirectConfig {
  /** Invocations of a workgroup, along pixels. */
  readonly lanes: number;
  /** Output pixels of one invocation; a multiple of `vector`. */
  readonly pixels: number;
  /** Output channels of one invocation; a multiple of `subgroup` where that is not 0. */
  readonly channels: number;
  /** Input channels a step; divides those of a group. */
  readonly depth: number;
  /** Neighbouring pixels that one load of x fetches. 4 needs columns with a pitch of whole fours. */
  readonly vector: 1 | 4;
  /** The device's subgroup width, or 0 to load every weight in every lane. */
  readonly subgroup: number;
  /** Whether to ask for fma(): SwiftShader is faster with it, llvmpipe without. */
  readonly fused: boolean;
  /** Whether the sizes are bound rather than compiled in. */
  readonly bound: boolean;
}

/** The sizes of the problem that the kernel reads, in this configuration. */
export function conv2dDirectDimensions(
  g: Conv2dGeometry,
  config: Conv2dDirectConfig,
  grid: Grid,
): Dimensions {
  const channelTiles = Math.ceil(g.outputChannels / g.groups / config.channels);
  const sizes = {
    ...conv2dSizes(g),
    PITCH: g.columns ?? 0,
    CHANNEL_TILES: channelTiles,
    C_OUT_PADDED: channelTiles * config.channels,
    PIXEL_TILES: Math.ceil(outputPixels(g) / (config.lanes * config.pixels)),
    GRID_COLUMNS: grid.columns,
    GRID_TILES: grid.tiles,
  };
  return dimensions(sizes, config.bound);
}

/** Elements of x. */
function inputLength(g: Conv2dGeometry): number {
  if (g.columns !== undefined) return g.inputChannels * g.columns;
  return g.batch * g.inputChannels * g.inputHeight * g.inputWidth;
}

export function conv2dDirect(
  g: Conv2dGeometry,
  config: Conv2dDirectConfig,
  { declarations, locals }: Dimensions,
): string {
  const broadcast = config.subgroup > 0;
  const columns = g.columns !== undefined;
  const vector4 = config.vector === 4;
  const wideWeights = broadcast && vector4 && config.channels % (4 * config.subgroup) === 0;
  // A lane's four pixels are neighbours in y too, unless an image ends between them.
  const wideOutput = vector4 && (g.outputHeight * g.outputWidth) % 4 === 0;
  const weightVector = wideWeights ? 4 : 1;
  const subgroup = Math.max(1, config.subgroup);
  const masked = g.padded && !columns;
  return wgsl`
#if ${broadcast}
enable subgroups;
#endif

${declarations}
const LANES = ${config.lanes}u;
const VECTOR = ${config.vector}u;
const PIXELS = ${config.pixels}u;
const VECTORS = ${config.pixels / config.vector}u;
const CHANNELS = ${config.channels}u;
const DEPTH = ${config.depth}u;
const SUBGROUP = ${subgroup}u;
const WEIGHT_VECTOR = ${weightVector}u;
const WEIGHT_LOADS = ${config.channels / (subgroup * weightVector)}u;
const Y_VECTOR = ${wideOutput ? 4 : 1}u;

#if ${vector4}
alias XVector = vec4f;
#else
alias XVector = f32;
#endif
#if ${wideWeights}
alias WeightVector = vec4f;
#else
alias WeightVector = f32;
#endif
#if ${wideOutput}
alias YVector = vec4f;
#else
alias YVector = f32;
#endif
#if ${config.bound}
alias XArray = array<XVector>;
alias WeightArray = array<WeightVector>;
#else
// Known lengths make the checks of indices cheaper.
const X_LENGTH = ${inputLength(g)}u;
alias XArray = array<XVector, X_LENGTH / VECTOR>;
alias WeightArray = array<WeightVector, K_H * K_W * C_IN * C_OUT_PADDED / WEIGHT_VECTOR>;
#endif

@group(0) @binding(0) var<storage, read> x: XArray;
@group(0) @binding(1) var<storage, read> weight: WeightArray;
#if ${g.bias}
@group(0) @binding(2) var<storage, read> bias: array<f32>;
#endif
#if ${g.residual}
@group(0) @binding(3) var<storage, read> residual: array<YVector>;
#endif
@group(0) @binding(4) var<storage, read_write> y: array<YVector>;

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
#if ${broadcast}
  @builtin(subgroup_invocation_id) subgroup_lane: u32,
#endif
  @builtin(local_invocation_index) lane: u32,
) {
${locals}
  let tile = workgroup.x + workgroup.y * GRID_COLUMNS;
  if (tile >= GRID_TILES) {
    return;
  }
  let channel_tile = tile % CHANNEL_TILES;
  let group = tile / CHANNEL_TILES / PIXEL_TILES;
  let first_pixel = tile / CHANNEL_TILES % PIXEL_TILES * (LANES * PIXELS) + lane * VECTOR;
  let first_channel = channel_tile * CHANNELS;

  var sums: array<array<f32, PIXELS>, CHANNELS>;
  var values: array<array<f32, PIXELS>, DEPTH>;
  let weight_row = C_OUT_PADDED / WEIGHT_VECTOR;
  var weight_at = group * (K_H * K_W * GROUP_C_IN) * weight_row + first_channel / WEIGHT_VECTOR;
#if ${broadcast}
  weight_at += subgroup_lane;
#endif

#if ${columns}
  // Lanes behind the last pixel compute the last ones again and do not store them.
  let x_row = PITCH / VECTOR;
#for v in VECTORS
  let pixel#v = min(first_pixel + #v * LANES * VECTOR, PITCH - VECTOR);
  var x_at#v = (group * GROUP_C_IN * PITCH + pixel#v) / VECTOR;
#end
  {
    {
#else
  let x_row = PLANE_IN;
#for v in VECTORS
  let pixel#v = min(first_pixel + #v * LANES, OUT_PIXELS - 1u);
  let plane#v = (pixel#v / PLANE_OUT * C_IN + group * GROUP_C_IN) * PLANE_IN;
  let top#v = pixel#v % PLANE_OUT / W_OUT * STRIDE_H;
  let left#v = pixel#v % W_OUT * STRIDE_W;
#end
  for (var r = 0u; r < K_H; r++) {
    for (var s = 0u; s < K_W; s++) {
#for v in VECTORS
      // Above and left of the image the subtraction wraps round to a huge number: one comparison does.
      let row#v = top#v + r * DILATION_H - PAD_TOP;
      let column#v = left#v + s * DILATION_W - PAD_LEFT;
#if ${g.padded}
      let inside#v = row#v < H_IN && column#v < W_IN;
      var x_at#v = select(0u, plane#v + row#v * W_IN + column#v, inside#v);
#else
      var x_at#v = plane#v + row#v * W_IN + column#v;
#endif
#end
#endif
      for (var c = 0u; c < GROUP_C_IN; c += DEPTH) {
#for d in DEPTH
#for v in VECTORS
#if ${masked}
        let loaded#d_#v = select(0.0, x[x_at#v + #d * x_row], inside#v);
#else
        let loaded#d_#v = x[x_at#v + #d * x_row];
#endif
#if ${vector4}
#for e in VECTOR
        values[#d][#v * VECTOR + #e] = loaded#d_#v[#e];
#end
#else
        values[#d][#v] = loaded#d_#v;
#endif
#end
#for w in WEIGHT_LOADS
        let weights#d_#w = weight[weight_at + #d * weight_row + #w * SUBGROUP];
#end
#end
#for w in WEIGHT_LOADS
#for l in SUBGROUP
#for e in WEIGHT_VECTOR
        {
          const O = (#w * SUBGROUP + #l) * WEIGHT_VECTOR + #e;
#for d in DEPTH
#if ${wideWeights}
          let w#d = subgroupBroadcast(weights#d_#w[#e], #l);
#elif ${broadcast}
          let w#d = subgroupBroadcast(weights#d_#w, #l);
#else
          let w#d = weights#d_#w;
#endif
#for p in PIXELS
#if ${config.fused}
          sums[O][#p] = fma(values[#d][#p], w#d, sums[O][#p]);
#else
          sums[O][#p] += values[#d][#p] * w#d;
#endif
#end
#end
        }
#end
#end
#end
#for v in VECTORS
        x_at#v += DEPTH * x_row;
#end
        weight_at += DEPTH * weight_row;
      }
    }
  }

  // The epilogue is a true loop over a copy of the sums. Unrolled like the rest, its stores would be nine
  // tenths of the compile time on CPU adapters; a count that the compiler cannot know keeps it a loop.
  var results: array<YVector, CHANNELS * PIXELS / Y_VECTOR>;
#for o in CHANNELS
#if ${wideOutput}
#for v in VECTORS
  results[#o * VECTORS + #v] = vec4f(sums[#o][#v * 4], sums[#o][#v * 4 + 1], sums[#o][#v * 4 + 2], sums[#o][#v * 4 + 3]);
#end
#else
#for p in PIXELS
  results[#o * PIXELS + #p] = sums[#o][#p];
#end
#endif
#end
  const RESULTS = CHANNELS * PIXELS / Y_VECTOR;
  let count = min(RESULTS, RESULTS * arrayLength(&y));
  for (var i = 0u; i < count; i++) {
    let nth = i * Y_VECTOR % PIXELS;
    let pixel = first_pixel + nth / VECTOR * (LANES * VECTOR) + nth % VECTOR;
    let channel = first_channel + i * Y_VECTOR / PIXELS;
    if (pixel < OUT_PIXELS && channel < GROUP_C_OUT) {
      let plane = pixel / PLANE_OUT * C_OUT + group * GROUP_C_OUT + channel;
      let at = (plane * PLANE_OUT + pixel % PLANE_OUT) / Y_VECTOR;
      var value = results[i];
#if ${g.bias}
      value += bias[group * C_OUT_PADDED + channel];
#endif
#if ${g.residual}
      value += residual[at];
#endif
#if ${g.activation === 'relu'}
      value = max(value, YVector());
#endif
      y[at] = value;
    }
  }
}
`;
}
