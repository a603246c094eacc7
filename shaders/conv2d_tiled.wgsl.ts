/**
 * 2-D convolution as an implicit GEMM on workgroup tiles, for GPUs.
 *
 *     y[pixel, o] = epilogue( bias[o] + sum over k of im2col(x)[k, pixel] * weight[k, o] ),
 *     k = (tap r * K_W + s) * GROUP_C_IN + c; im2col is never stored, its tiles are gathered from x.
 *
 * Layouts
 *     x, y             feature maps of dense planes: pixel p of image n, channel c is element
 *                      Y_OFFSET + n * Y_IMAGE + c * Y_CHANNEL + p. x may also be columns: a matrix
 *                      [input channel][output pixel of the batch], rows X_CHANNEL apart
 *     weight           [group][k, zero-padded to DEPTH][output channel, zero-padded to TILE_CHANNELS]
 *     bias             [group][output channel, padded likewise], f32
 *
 * Tile scheme. The output pixels of the whole batch are the GEMM's M, a group's output channels its N.
 * A workgroup computes TILE_PIXELS x TILE_CHANNELS of y and walks k in steps of DEPTH:
 *
 *             TILE_CHANNELS                1. all threads load the next DEPTH x TILE_PIXELS tile of im2col(x) and
 *           +---------------+                 the next DEPTH x TILE_CHANNELS tile of the weights to registers
 *     DEPTH |  weight tile  |              2. while these are on their way, each thread multiplies its
 *           +---------------+                 4 * PIXEL_QUADS pixels by its 4 * CHANNEL_QUADS channels of the
 *     +---+ +---------------+                 tiles in workgroup memory
 *     | x | |       y       | TILE_PIXELS  3. barrier; the registers go to workgroup memory; barrier
 *     +---+ +---------------+
 *
 * That is with fetching ahead. Otherwise what is fetched in 1 goes to workgroup memory before it is multiplied, which
 * takes fewer registers (FetchOrder).
 *
 * Slices. Where the output has few tiles, SLICES sets of threads share one: slice s takes the rows
 * s, s + SLICES, ... of the tiles. At the end the sums go to the memory of the tiles, as many rows of each
 * invocation's as it holds, and slices add up and store a part each, always in the same order.
 *
 * Threads. In each step invocation i fetches column i % TILE_PIXELS of the x tile, so that a pixel's
 * coordinates are worked out once, and neighbouring invocations read neighbouring words; four at once where x
 * has whole fours. In its slice it is m along pixels and n along channels, and computes pixels
 * 4 * (m + THREADS_M * quad) and channels 4 * (n + THREADS_N * quad), each four in a row.
 *
 * Sizes are bound, but for those of the window: layers that differ in others share a pipeline.
 *
 * The scheme is that of Volkov and Demmel, "Benchmarking GPUs to tune dense linear algebra", SC 2008; the
 * slices are CUTLASS's "sliced-K".
 */

import {
  type Conv2dProblem,
  conv2dSizes,
  gathersFours,
  tapsOf,
  wholeFours,
} from './lib/conv2d_problem.ts';
import { constants, dimensions, type ShaderModule } from './lib/dimensions.ts';
import { elementTypes } from './lib/element_types.ts';
import { epilogueModule, operandsInFours } from './lib/epilogue.ts';
import type { FetchOrder } from './lib/fetch_order.ts';
import type { Grid } from './lib/grid.ts';
import { receptiveField, tapWalk } from './lib/receptive_field.ts';
import { piece, wgsl } from './lib/wgsl.ts';
import { windowSizes } from './lib/window.ts';

/** Sizes of the tiles. */
export interface Conv2dTiledConfig {
  /** Invocations of a slice along pixels and along channels. */
  readonly threads: readonly [number, number];
  /** Sets of invocations that share a tile, each with its part of k. */
  readonly slices: number;
  /** Pixels of one invocation, in fours. */
  readonly pixelQuads: number;
  /** Channels of one invocation, in fours. */
  readonly channelQuads: number;
  /** Rows of k that a slice multiplies in one step; a multiple of `unroll`, and at least threads[1]. */
  readonly depth: number;
  /** Rows whose multiplications are written out. */
  readonly unroll: number;
  /** How the next tiles come to workgroup memory. */
  readonly fetch: FetchOrder;
}

/** Output pixels and channels of one workgroup. */
export function conv2dTile(config: Conv2dTiledConfig): { pixels: number; channels: number } {
  return {
    pixels: 4 * config.threads[0] * config.pixelQuads,
    channels: 4 * config.threads[1] * config.channelQuads,
  };
}

/** Rows of k that a workgroup takes in one step. */
export function conv2dTileDepth({ depth, slices }: Conv2dTiledConfig): number {
  return depth * slices;
}

/**
 * What is bound, and what is compiled in: where every element's tap is worked out, it is by constants, since dividing
 * by what is bound takes longer. Some compilers hold all words that are bound in registers, so that what is not read,
 * or is 0, is not among them.
 */
function sizesOf(
  g: Conv2dProblem,
  config: Conv2dTiledConfig,
  grid: Grid,
): Readonly<Record<'bound' | 'compiled', Readonly<Record<string, number>>>> {
  const sizes = conv2dSizes(g);
  const { GROUP_C_IN, GROUP_C_OUT, OUT_PIXELS, PLANE_OUT, X_IMAGE, Y_IMAGE } = sizes;
  const { H_IN, W_IN, W_OUT, X_OFFSET, X_CHANNEL, Y_OFFSET, Y_CHANNEL } = sizes;
  const tile = conv2dTile(config);
  const depth = conv2dTileDepth(config);
  const taps = tapsOf(g, depth);
  const K = sizes.K_H * sizes.K_W * GROUP_C_IN;
  const CHANNEL_TILES = Math.ceil(GROUP_C_OUT / tile.channels);
  return {
    bound: {
      ...{ H_IN, W_IN, W_OUT, OUT_PIXELS, GROUP_C_OUT, X_OFFSET, X_CHANNEL, Y_OFFSET, Y_CHANNEL },
      ...(g.batch > 1 && { PLANE_OUT, X_IMAGE, Y_IMAGE }),
      ...(taps !== 'element' && { GROUP_C_IN }),
      K,
      STEPS: Math.ceil(K / depth),
      CHANNEL_TILES,
      C_OUT_PADDED: CHANNEL_TILES * tile.channels,
      ...(g.groups > 1 && { PIXEL_TILES: Math.ceil(OUT_PIXELS / tile.pixels) }),
      ...(grid.rows > 1 && { GRID_COLUMNS: grid.columns, GRID_TILES: grid.tiles }),
    },
    compiled: {
      ...windowSizes(g),
      ...(taps === 'element' && { GROUP_C_IN }),
      ...(g.batch === 1 && { X_IMAGE: 0, Y_IMAGE: 0 }),
    },
  };
}

/** Rows of sums of all slices that the memory of the tiles holds at a time, a power of two. */
function rowsAtOnce({ threads: [m, n], ...config }: Conv2dTiledConfig): number {
  const { pixelQuads, channelQuads, depth } = config;
  const fitting = (depth * (m * pixelQuads + n * channelQuads)) / (m * n * pixelQuads);
  return 2 ** Math.floor(Math.log2(Math.min(fitting, 4 * channelQuads)));
}

export function conv2dTiled(g: Conv2dProblem, config: Conv2dTiledConfig, grid: Grid): ShaderModule {
  const tile = conv2dTile(config);
  const depth = conv2dTileDepth(config);
  const threads = config.threads[0] * config.threads[1] * config.slices;
  // How the elements of x are found, and how many at once.
  const taps = tapsOf(g, depth);
  const pointwise = taps === 'none';
  const oneTap = taps === 'step';
  const wholeSteps = taps !== 'element' && (g.inputChannels / g.groups) % depth === 0;
  const wide = gathersFours(g);
  const plane = g.outputHeight * g.outputWidth;
  const wideOutput = wholeFours(g, g.yStrides) && operandsInFours(g.epilogue, g.batch, plane);
  const epilogue = epilogueModule(g.epilogue, wideOutput ? 4 : 1, 'eager');
  const oneImage = g.batch === 1;
  const oneRow = grid.rows === 1;
  const sliced = config.slices > 1;
  const rows = sliced ? rowsAtOnce(config) : 1;
  const together = sliced || !wideOutput ? 1 : 4;
  const [ahead, inTurn] = [config.fetch === 'ahead', config.fetch === 'in turn'];
  // Moves element #i of what an invocation has fetched to the tiles. No functions, since Dawn knows the range of
  // `thread` only where it is no parameter, and clamps each index otherwise.
  const storeX = piece`
#if ${wide}
  tiles[thread + #i * THREADS] = vec4f(x_fetched[#i]);
#elif ${oneTap && g.padded}
  tiles[thread / 4u + #i * (THREADS / 4u)][thread % 4u] = select(0.0, f32(x_fetched[#i]), (walk.inside & 1u) == 1u);
#else
  tiles[thread / 4u + #i * (THREADS / 4u)][thread % 4u] = f32(x_fetched[#i]);
#endif
`;
  const storeWeight = `
  tiles[WEIGHT_TILE + thread + #i * THREADS] = vec4f(weight_fetched[#i]);
`;
  const storeAll = `
#for i in X_LOADS
${storeX}
#end
#for i in WEIGHT_LOADS
${storeWeight}
#end
`;
  // Makes the results of sum0, sum1, ..., of channels that begin with that of `row`, and stores them.
  const finish = piece`
    let channel = first_channel + 4u * (n + row / 4u * THREADS_N) + row % 4u;
    let pixel = first_pixel + 4u * (m + pixel_quad * THREADS_M);
#if ${g.bias}
    let biases = bias[(group * C_OUT_PADDED + channel) / 4u];
#endif
#for j in STORES
#if ${oneImage}
    const image#j = 0u;
    let place#j = pixel + #j;
#else
    let image#j = (pixel + #j) / PLANE_OUT;
    let place#j = (pixel + #j) % PLANE_OUT;
#endif
#end
#for i in TOGETHER
    let plane#i = group * GROUP_C_OUT + channel + #i;
    let biased#i = sum#i${g.bias ? ' + biases[row % 4u + #i]' : ''};
#for j in STORES
    let result#i_#j = epilogue(biased#i${wideOutput ? '' : '[#j]'}, image#j, plane#i, place#j${epilogue.sizeArguments});
#end
#end
#for i in TOGETHER
#for j in STORES
    if ((channel + #i < GROUP_C_OUT) & (pixel + #j < OUT_PIXELS)) {
      let at = Y_OFFSET + image#j * Y_IMAGE + plane#i * Y_CHANNEL + place#j;
      y[at / Y_VECTOR] = ${wideOutput ? 'to_y4' : 'to_y'}(result#i_#j);
    }
#end
#end
`;
  const sizes = sizesOf(g, config, grid);
  const { declarations, locals, words } = dimensions({ ...sizes.bound, ...epilogue.sizes });
  const source = wgsl`
${elementTypes(g.types, g.epilogue)}
${declarations}
${constants(sizes.compiled)}
const THREADS_M = ${config.threads[0]}u;
const THREADS_N = ${config.threads[1]}u;
const SLICES = ${config.slices}u;
const PIXEL_QUADS = ${config.pixelQuads}u;
const CHANNEL_QUADS = ${config.channelQuads}u;
const CHANNELS = ${4 * config.channelQuads}u;
const SLICE_DEPTH = ${config.depth}u;
const UNROLL = ${config.unroll}u;
const BLOCKS = SLICE_DEPTH / UNROLL;
// Steps between fetching a tile and multiplying it.
const AHEAD = ${ahead ? 1 : 0}u;
const DEPTH = SLICE_DEPTH * SLICES;
const SLICE_THREADS = THREADS_M * THREADS_N;
const THREADS = SLICE_THREADS * SLICES;
const TILE_PIXELS = 4u * THREADS_M * PIXEL_QUADS;
const TILE_CHANNELS = 4u * THREADS_N * CHANNEL_QUADS;
const QUAD = 4;

// Of a row of the x tile, and of the weight tile, in fours.
const X_QUADS = TILE_PIXELS / 4u;
const WEIGHT_QUADS = TILE_CHANNELS / 4u;
const WEIGHT_TILE = DEPTH * X_QUADS;
const X_VECTOR = ${wide ? 4 : 1}u;
const X_COLUMNS = TILE_PIXELS / X_VECTOR;
const X_ROWS = THREADS / X_COLUMNS;
const X_LOADS = ${(depth * tile.pixels) / (wide ? 4 : 1) / threads}u;
const WEIGHT_ROWS = THREADS / WEIGHT_QUADS;
const WEIGHT_LOADS = ${(depth * tile.channels) / 4 / threads}u;

// Rows of sums, a channel each, that slices add up at a time, and how often.
const ROWS = ${rows}u;
const ROUNDS = ${(4 * config.channelQuads) / rows}u;
// Stores for four pixels, and how wide they are.
const STORES = ${wideOutput ? 1 : 4}u;
const Y_VECTOR = ${wideOutput ? 4 : 1}u;
// Rows whose results an invocation makes before it stores them, so that what their epilogues load is under way at
// once; more than four results at a time spill on Intel.
const TOGETHER = ${together}u;
const GROUPS = ${(4 * config.channelQuads) / together}u;

const_assert SLICE_DEPTH % UNROLL == 0u;
const_assert THREADS % 4u == 0u;
const_assert SLICES == 1u || ROWS * PIXEL_QUADS * THREADS <= WEIGHT_TILE + DEPTH * WEIGHT_QUADS;
const_assert X_ROWS * X_COLUMNS == THREADS;
const_assert X_ROWS * X_LOADS == DEPTH;
const_assert WEIGHT_ROWS * WEIGHT_QUADS == THREADS;
const_assert WEIGHT_ROWS * WEIGHT_LOADS == DEPTH;

#if ${wide}
alias XVector = vec4<X>;
#else
alias XVector = X;
#endif
#if ${wideOutput}
alias YVector = vec4<Y>;
#else
alias YVector = Y;
#endif

@group(0) @binding(0) var<storage, read> x: array<XVector>;
@group(0) @binding(1) var<storage, read> weight: array<vec4<Weight>>;
#if ${g.bias}
@group(0) @binding(2) var<storage, read> bias: array<vec4f>;
#endif
@group(0) @binding(3) var<storage, read_write> y: array<YVector>;
${epilogue.text}

// The x tile, then the weight tile.
var<workgroup> tiles: array<vec4f, WEIGHT_TILE + DEPTH * WEIGHT_QUADS>;

${receptiveField(locals, oneImage)}

#if ${oneTap}
${tapWalk(locals, g.padded)}
#endif

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
${locals}
#if ${oneRow}
  let tile = workgroup.x;
#else
  let tile = workgroup.x + workgroup.y * GRID_COLUMNS;
  if (tile >= GRID_TILES) {
    return;
  }
#endif
  let first_channel = tile % CHANNEL_TILES * TILE_CHANNELS;
#if ${g.groups === 1}
  const group = 0u;
  let first_pixel = tile / CHANNEL_TILES * TILE_PIXELS;
#else
  let group = tile / CHANNEL_TILES / PIXEL_TILES;
  let first_pixel = tile / CHANNEL_TILES % PIXEL_TILES * TILE_PIXELS;
#endif
  let m = thread % THREADS_M;
  let n = thread / THREADS_M % THREADS_N;
  let slice = thread / SLICE_THREADS;

  // What this thread fetches. After the last pixel, the last ones again: these sums are not stored.
  let x_row = thread / X_COLUMNS;
  let x_pixel = first_pixel + thread % X_COLUMNS * X_VECTOR;
#if ${g.columns}
  var x_at = (X_OFFSET + (group * GROUP_C_IN + x_row) * X_CHANNEL + min(x_pixel, X_CHANNEL - X_VECTOR)) / X_VECTOR;
#else
  let field = field_of(min(x_pixel, OUT_PIXELS - X_VECTOR), group);
#if ${pointwise}
  var x_at = (field.plane + field.top * W_IN + field.left + x_row * X_CHANNEL) / X_VECTOR;
#elif ${oneTap}
  var walk = first_tap(field);
  var x_at = first_place(field) + x_row * X_CHANNEL;
#endif
#endif
  // Of a row of the weights, in fours.
  let weight_row = C_OUT_PADDED / 4u;
  var weight_at = (group * STEPS * DEPTH + thread / WEIGHT_QUADS) * weight_row
    + first_channel / 4u + thread % WEIGHT_QUADS;
  var x_fetched: array<XVector, X_LOADS>;
  var weight_fetched: array<vec4<Weight>, WEIGHT_LOADS>;

  let x_first = slice * X_QUADS + m;
  let weight_first = WEIGHT_TILE + slice * WEIGHT_QUADS + n;
  var sums: array<array<vec4f, PIXEL_QUADS>, CHANNELS>;

  for (var step = 0u; step < STEPS + AHEAD; step++) {
    let fetching = step < STEPS;
    if (fetching) {
#if ${oneTap}
      x_at += next_tap(&walk);
#endif
      let row = step * DEPTH + x_row;
#for i in X_LOADS
#if ${wholeSteps}
      x_fetched[#i] = x[x_at + #i * X_ROWS * (X_CHANNEL / X_VECTOR)];
#elif ${pointwise}
      let k#i = row + #i * X_ROWS;
      let value#i = x[x_at + (min(k#i, K - 1u) - row) * (X_CHANNEL / X_VECTOR)];
      x_fetched[#i] = select(XVector(), value#i, k#i < K);
#else
      let k#i = row + #i * X_ROWS;
      let tap#i = tap_of(field, k#i / GROUP_C_IN);
      let value#i = x[field.plane + k#i % GROUP_C_IN * X_CHANNEL + tap#i.at];
      x_fetched[#i] = select(XVector(), value#i, tap#i.inside & (k#i < K));
#endif
#if ${inTurn}
${storeX}
#endif
#end
#if ${taps !== 'element'}
      x_at += DEPTH * (X_CHANNEL / X_VECTOR);
#endif
#for i in WEIGHT_LOADS
      weight_fetched[#i] = weight[weight_at + #i * WEIGHT_ROWS * weight_row];
#if ${inTurn}
${storeWeight}
#endif
#end
      weight_at += DEPTH * weight_row;
    }

#if ${ahead}
    if (step > 0u) {
#else
#if ${!inTurn}
${storeAll}
#endif
    workgroupBarrier();
    {
#endif
#if ${!wholeSteps}
      // The last step ends where k does.
      let blocks = (K - (step - AHEAD) * DEPTH + UNROLL * SLICES - 1u) / (UNROLL * SLICES);
#elif ${config.unroll === 1}
      // More than there are, which compilers do not know: they would load for all blocks at once.
      let blocks = K;
#endif
      for (var block = 0u; block < BLOCKS; block++) {
#if ${!wholeSteps || config.unroll === 1}
        if (block >= blocks) {
          break;
        }
#endif
        let x_block = x_first + block * (UNROLL * SLICES * X_QUADS);
        let weight_block = weight_first + block * (UNROLL * SLICES * WEIGHT_QUADS);
#for u in UNROLL
        {
#for p in PIXEL_QUADS
          let pixels#p = tiles[x_block + #u * SLICES * X_QUADS + #p * THREADS_M];
#end
#for c in CHANNEL_QUADS
          let weights#c = tiles[weight_block + #u * SLICES * WEIGHT_QUADS + #c * THREADS_N];
#for i in QUAD
#for p in PIXEL_QUADS
          sums[#c * 4 + #i][#p] += pixels#p * weights#c[#i];
#end
#end
#end
        }
#end
      }
      workgroupBarrier();
    }

#if ${ahead}
    if (fetching) {
${storeAll}
      workgroupBarrier();
    }
#endif
  }

#if ${sliced}
  // A true loop, as the count makes sure, which compilers do not know: what is written out for each row takes them
  // longer than all that is before it.
  let parts = ROWS * PIXEL_QUADS * min(STEPS, 1u);
#for k in ROUNDS
#for r in ROWS
#for p in PIXEL_QUADS
  tiles[(#r * PIXEL_QUADS + #p) * THREADS + thread] = sums[#k * ROWS + #r][#p];
#end
#end
  workgroupBarrier();
  for (var part = slice; part < parts; part += SLICES) {
    let row = #k * ROWS + part / PIXEL_QUADS;
    let pixel_quad = part % PIXEL_QUADS;
    var sum0 = vec4f();
    for (var s = 0u; s < SLICES; s++) {
      sum0 += tiles[part * THREADS + s * SLICE_THREADS + thread % SLICE_THREADS];
    }
${finish}
  }
  workgroupBarrier();
#end
#else
#for q in GROUPS
#for p in PIXEL_QUADS
  {
    const row = #q * TOGETHER;
    const pixel_quad = #p;
#for i in TOGETHER
    let sum#i = sums[row + #i][pixel_quad];
#end
${finish}
  }
#end
#end
#endif
}
`;
  return { source, words, operands: epilogue.bindings };
}
