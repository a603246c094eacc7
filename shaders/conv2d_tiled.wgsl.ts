/**
 * 2-D convolution as an implicit GEMM on workgroup tiles, for GPUs.
 *
 *     y[pixel, o] = epilogue( bias[o] + sum over k of im2col(x)[k, pixel] * weight[k, o] ),
 *     k = (tap r * K_W + s) * GROUP_C_IN + c; im2col is never stored, its tiles are gathered from x.
 *
 * Layouts
 *     x, residual, y   NCHW
 *     weight           [group][k, zero-padded to DEPTH][output channel, zero-padded to TILE_CHANNELS]
 *     bias             [group][output channel, padded likewise]
 *
 * Tile scheme. The output pixels of the whole batch are the GEMM's M, a group's output channels its N.
 * A workgroup computes TILE_PIXELS x TILE_CHANNELS of y and walks k in steps of DEPTH:
 *
 *             TILE_CHANNELS                1. all threads fetch a DEPTH x TILE_PIXELS tile of im2col(x)
 *           +---------------+                 and a DEPTH x TILE_CHANNELS tile of the weights
 *     DEPTH |  weight_tile  |              2. barrier
 *           +---------------+              3. each thread multiplies its 4 * PIXEL_QUADS pixels by its
 *     +---+ +---------------+                 4 * CHANNEL_QUADS channels, DEPTH times, in registers
 *     | x | |       y       | TILE_PIXELS  4. barrier, next step
 *     +---+ +---------------+
 *
 * Threads. Invocation i fetches pixel i % TILE_PIXELS of the x tile in every step, so that a pixel's
 * coordinates are worked out once, and neighbouring invocations read neighbouring words. It computes
 * pixels 4 * (i % THREADS_M) + 4 * THREADS_M * quad and channels 4 * (i / THREADS_M) + 4 * THREADS_N * quad.
 * The scheme is that of Volkov and Demmel, "Benchmarking GPUs to tune dense linear algebra", SC 2008.
 */

import { type Conv2dGeometry, conv2dConstants, outputPixels } from './lib/conv2d_geometry.ts';
import type { Grid } from './lib/grid.ts';
import { wgsl } from './lib/wgsl.ts';

/** Sizes of the tiles. */
export interface Conv2dTiledConfig {
  /** Invocations of a workgroup along pixels and along channels. */
  readonly threads: readonly [number, number];
  /** Pixels of one invocation, in fours. */
  readonly pixelQuads: number;
  /** Channels of one invocation, in fours. */
  readonly channelQuads: number;
  /** Depth of the tiles along k. */
  readonly depth: number;
}

/** Output pixels and channels of one workgroup. */
export function conv2dTile(config: Conv2dTiledConfig): { pixels: number; channels: number } {
  return {
    pixels: 4 * config.threads[0] * config.pixelQuads,
    channels: 4 * config.threads[1] * config.channelQuads,
  };
}

export function conv2dTiled(g: Conv2dGeometry, config: Conv2dTiledConfig, grid: Grid): string {
  const tile = conv2dTile(config);
  const pixels = outputPixels(g);
  return wgsl`
${conv2dConstants(g)}
const K = K_H * K_W * GROUP_C_IN;

const THREADS_M = ${config.threads[0]}u;
const THREADS_N = ${config.threads[1]}u;
const PIXEL_QUADS = ${config.pixelQuads}u;
const CHANNEL_QUADS = ${config.channelQuads}u;
const DEPTH = ${config.depth}u;
const THREADS = THREADS_M * THREADS_N;
const TILE_PIXELS = 4u * THREADS_M * PIXEL_QUADS;
const TILE_CHANNELS = 4u * THREADS_N * CHANNEL_QUADS;
const CHANNEL_TILES = ${Math.ceil(g.outputChannels / g.groups / tile.channels)}u;
const PIXEL_TILES = ${Math.ceil(pixels / tile.pixels)}u;
const C_OUT_PADDED = CHANNEL_TILES * TILE_CHANNELS;
const STEPS = (K + DEPTH - 1u) / DEPTH;
const GRID_COLUMNS = ${grid.columns}u;
const GRID_TILES = ${grid.tiles}u;
const QUAD = 4;

const X_ROWS = THREADS / TILE_PIXELS;
const WEIGHT_QUADS = TILE_CHANNELS / 4u;

const_assert THREADS % TILE_PIXELS == 0u;
const_assert DEPTH % X_ROWS == 0u;
const_assert DEPTH * WEIGHT_QUADS % THREADS == 0u;

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> weight: array<vec4f>;
#if ${g.bias}
@group(0) @binding(2) var<storage, read> bias: array<f32>;
#endif
#if ${g.residual}
@group(0) @binding(3) var<storage, read> residual: array<f32>;
#endif
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

var<workgroup> x_tile: array<vec4f, DEPTH * TILE_PIXELS / 4u>;
var<workgroup> weight_tile: array<vec4f, DEPTH * TILE_CHANNELS / 4u>;

// Where the receptive field of an output pixel begins.
struct Field {
  plane: u32,
  top: u32,
  left: u32,
}

fn field_of(pixel: u32, group: u32) -> Field {
  let p = min(pixel, OUT_PIXELS - 1u);
  return Field(
    (p / PLANE_OUT * C_IN + group * GROUP_C_IN) * PLANE_IN,
    p % PLANE_OUT / W_OUT * STRIDE_H,
    p % W_OUT * STRIDE_W,
  );
}

// One element of im2col(x). The subtraction of the padding wraps round, so one comparison does.
fn im2col(field: Field, k: u32) -> f32 {
  let tap = k / GROUP_C_IN;
  let row = field.top + tap / K_W * DILATION_H - PAD_TOP;
  let column = field.left + tap % K_W * DILATION_W - PAD_LEFT;
  if (k >= K || row >= H_IN || column >= W_IN) {
    return 0.0;
  }
  return x[field.plane + k % GROUP_C_IN * PLANE_IN + row * W_IN + column];
}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let tile = workgroup.x + workgroup.y * GRID_COLUMNS;
  if (tile >= GRID_TILES) {
    return;
  }
  let first_channel = tile % CHANNEL_TILES * TILE_CHANNELS;
  let group = tile / CHANNEL_TILES / PIXEL_TILES;
  let first_pixel = tile / CHANNEL_TILES % PIXEL_TILES * TILE_PIXELS;
  let m = thread % THREADS_M;
  let n = thread / THREADS_M;

  let x_column = thread % TILE_PIXELS;
  let field = field_of(first_pixel + x_column, group);
  let weight_base = (group * STEPS * DEPTH * C_OUT_PADDED + first_channel) / 4u;
  var sums: array<array<vec4f, PIXEL_QUADS>, 4u * CHANNEL_QUADS>;

  for (var step = 0u; step < STEPS; step++) {
    for (var k = thread / TILE_PIXELS; k < DEPTH; k += X_ROWS) {
      x_tile[k * (TILE_PIXELS / 4u) + x_column / 4u][x_column % 4u] = im2col(field, step * DEPTH + k);
    }
    for (var i = thread; i < DEPTH * WEIGHT_QUADS; i += THREADS) {
      let k = step * DEPTH + i / WEIGHT_QUADS;
      weight_tile[i] = weight[weight_base + k * (C_OUT_PADDED / 4u) + i % WEIGHT_QUADS];
    }
    workgroupBarrier();

    for (var k = 0u; k < DEPTH; k++) {
      var pixels: array<vec4f, PIXEL_QUADS>;
#for p in PIXEL_QUADS
      pixels[#p] = x_tile[k * (TILE_PIXELS / 4u) + m + #p * THREADS_M];
#end
#for c in CHANNEL_QUADS
      let w#c = weight_tile[k * WEIGHT_QUADS + n + #c * THREADS_N];
#for i in QUAD
#for p in PIXEL_QUADS
      sums[#c * 4 + #i][#p] += pixels[#p] * w#c[#i];
#end
#end
#end
    }
    workgroupBarrier();
  }

#for c in CHANNEL_QUADS
#for i in QUAD
  let channel#c_#i = first_channel + 4u * (n + #c * THREADS_N) + #i;
  if (channel#c_#i < GROUP_C_OUT) {
#if ${g.bias}
    let bias_value = bias[group * C_OUT_PADDED + channel#c_#i];
#else
    let bias_value = 0.0;
#endif
#for p in PIXEL_QUADS
#for j in QUAD
    {
      let pixel = first_pixel + 4u * (m + #p * THREADS_M) + #j;
      if (pixel < OUT_PIXELS) {
        let plane = pixel / PLANE_OUT * C_OUT + group * GROUP_C_OUT + channel#c_#i;
        let at = plane * PLANE_OUT + pixel % PLANE_OUT;
        var value = sums[#c * 4 + #i][#p][#j] + bias_value;
#if ${g.residual}
        value += residual[at];
#endif
#if ${g.activation === 'relu'}
        value = max(value, 0.0);
#endif
        y[at] = value;
      }
    }
#end
#end
  }
#end
#end
}
`;
}
