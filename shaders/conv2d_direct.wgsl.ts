/**
 * 2-D convolution without workgroup memory, for adapters that run on the CPU.
 *
 *     y[n, o, p, q] = epilogue( bias[o] + sum over c, r, s of
 *                     x[n, c, p * STRIDE + r * DILATION - PAD, ...] * weight[o, c, r, s] )
 *
 * Layouts
 *     x, residual, y   NCHW
 *     weight           [group][tap r * K_W + s][input channel of the group][output channel, padded to CHANNELS]
 *     bias             [group][output channel, padded to CHANNELS]
 *
 * Tile and threads. The output pixels of the whole batch are numbered 0 .. OUT_PIXELS - 1. A workgroup
 * owns LANES * PIXELS of them and CHANNELS output channels; lane l keeps PIXELS x CHANNELS sums in
 * registers, for the pixels l, l + LANES, ... Neighbouring lanes thus read neighbouring words of x: one
 * vector load on a CPU adapter. Weights are the same for all lanes; where the width of a subgroup is
 * known, each lane loads one of SUBGROUP weights and they go round by subgroupBroadcast, so that
 * SUBGROUP loads become one.
 */

import { type Conv2dGeometry, conv2dConstants, outputPixels } from './lib/conv2d_geometry.ts';
import type { Grid } from './lib/grid.ts';
import { wgsl } from './lib/wgsl.ts';

/** Sizes of the register tile. */
export interface Conv2dDirectConfig {
  /** Invocations of a workgroup, along pixels. */
  readonly lanes: number;
  /** Output pixels of one invocation. */
  readonly pixels: number;
  /** Output channels of one invocation; a multiple of `subgroup` where that is not 0. */
  readonly channels: number;
  /** The device's subgroup width, or 0 to load every weight in every lane. */
  readonly subgroup: number;
}

export function conv2dDirect(g: Conv2dGeometry, config: Conv2dDirectConfig, grid: Grid): string {
  const broadcast = config.subgroup > 0;
  const pixels = outputPixels(g);
  return wgsl`
#if ${broadcast}
enable subgroups;
#endif

${conv2dConstants(g)}
const LANES = ${config.lanes}u;
const PIXELS = ${config.pixels}u;
const CHANNELS = ${config.channels}u;
const CHANNEL_TILES = ${Math.ceil(g.outputChannels / g.groups / config.channels)}u;
const C_OUT_PADDED = CHANNEL_TILES * CHANNELS;
const PIXEL_TILES = ${Math.ceil(pixels / (config.lanes * config.pixels))}u;
const GRID_COLUMNS = ${grid.columns}u;
const GRID_TILES = ${grid.tiles}u;
#if ${broadcast}
const SUBGROUP = ${config.subgroup}u;
const WEIGHT_LOADS = ${config.channels / Math.max(1, config.subgroup)}u;
#endif

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
#if ${g.bias}
@group(0) @binding(2) var<storage, read> bias: array<f32>;
#endif
#if ${g.residual}
@group(0) @binding(3) var<storage, read> residual: array<f32>;
#endif
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
#if ${broadcast}
  @builtin(subgroup_invocation_id) subgroup_lane: u32,
#endif
  @builtin(local_invocation_index) lane: u32,
) {
  let tile = workgroup.x + workgroup.y * GRID_COLUMNS;
  if (tile >= GRID_TILES) {
    return;
  }
  let channel_tile = tile % CHANNEL_TILES;
  let group = tile / CHANNEL_TILES / PIXEL_TILES;
  let first_pixel = tile / CHANNEL_TILES % PIXEL_TILES * (LANES * PIXELS) + lane;
  let first_channel = channel_tile * CHANNELS;

  // Lanes behind the last pixel compute that pixel again and do not store it.
#for p in PIXELS
  let pixel#p = min(first_pixel + #p * LANES, OUT_PIXELS - 1u);
  let plane#p = (pixel#p / PLANE_OUT * C_IN + group * GROUP_C_IN) * PLANE_IN;
  let top#p = pixel#p % PLANE_OUT / W_OUT * STRIDE_H;
  let left#p = pixel#p % W_OUT * STRIDE_W;
#end

  var sums: array<array<f32, PIXELS>, CHANNELS>;
  var values: array<f32, PIXELS>;
  var weight_at = group * (K_H * K_W * GROUP_C_IN * C_OUT_PADDED) + first_channel;

  for (var r = 0u; r < K_H; r++) {
    for (var s = 0u; s < K_W; s++) {
#for p in PIXELS
      // Above and left of the image the subtraction wraps round to a huge number: one comparison does.
      let row#p = top#p + r * DILATION_H - PAD_TOP;
      let column#p = left#p + s * DILATION_W - PAD_LEFT;
#if ${g.padded}
      let inside#p = row#p < H_IN && column#p < W_IN;
      var x_at#p = select(0u, plane#p + row#p * W_IN + column#p, inside#p);
#else
      var x_at#p = plane#p + row#p * W_IN + column#p;
#endif
#end
      for (var c = 0u; c < GROUP_C_IN; c++) {
#for p in PIXELS
#if ${g.padded}
        values[#p] = select(0.0, x[x_at#p], inside#p);
#else
        values[#p] = x[x_at#p];
#endif
        x_at#p += PLANE_IN;
#end
#if ${broadcast}
#for block in WEIGHT_LOADS
        let weights#block = weight[weight_at + #block * SUBGROUP + subgroup_lane];
#for w in SUBGROUP
        let w#block_#w = subgroupBroadcast(weights#block, #w);
#for p in PIXELS
        sums[#block * SUBGROUP + #w][#p] += values[#p] * w#block_#w;
#end
#end
#end
#else
#for o in CHANNELS
        let w#o = weight[weight_at + #o];
#for p in PIXELS
        sums[#o][#p] += values[#p] * w#o;
#end
#end
#endif
        weight_at += C_OUT_PADDED;
      }
    }
  }

  // The epilogue is a true loop over a copy of the sums. Unrolled like the rest, its stores would be nine
  // tenths of the compile time on CPU adapters; a count that the compiler cannot know keeps it a loop.
  var results: array<f32, CHANNELS * PIXELS>;
#for o in CHANNELS
#for p in PIXELS
  results[#o * PIXELS + #p] = sums[#o][#p];
#end
#end
  let count = min(CHANNELS * PIXELS, arrayLength(&y));
  for (var i = 0u; i < count; i++) {
    let pixel = first_pixel + i % PIXELS * LANES;
    let channel = first_channel + i / PIXELS;
    if (pixel < OUT_PIXELS && channel < GROUP_C_OUT) {
      let plane = pixel / PLANE_OUT * C_OUT + group * GROUP_C_OUT + channel;
      let at = plane * PLANE_OUT + pixel % PLANE_OUT;
      var value = results[i];
#if ${g.bias}
      value += bias[group * C_OUT_PADDED + channel];
#endif
#if ${g.residual}
      value += residual[at];
#endif
#if ${g.activation === 'relu'}
      value = max(value, 0.0);
#endif
      y[at] = value;
    }
  }
}
`;
}
