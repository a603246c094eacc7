/**
 * 2-D convolution as an implicit GEMM of subgroup matrices, which GPUs multiply by units of their own (tensor cores,
 * matrix cores, XMX): operands in f16, sums in f32.
 *
 *     y[pixel, o] = epilogue( bias[o] + sum over k of weight[o, k] * im2col(x)[k, pixel] ),
 *     k = (tap r * K_W + s) * GROUP_C_IN + c; im2col is never stored, its tiles are gathered from x.
 *
 * Layouts
 *     x, y             feature maps of dense planes: pixel p of image n, channel c is element
 *                      Y_OFFSET + n * Y_IMAGE + c * Y_CHANNEL + p. x may also be columns: a matrix
 *                      [input channel][output pixel of the batch], rows X_CHANNEL apart
 *     weight           [group][tile of channels][step][output channel of the tile][k of the step], padded by zeros:
 *                      what a workgroup fetches in a step lies together
 *     bias             [group][output channel, padded likewise], f32
 *
 * Tile scheme. A workgroup computes TILE_CHANNELS x TILE_PIXELS of y and walks k in steps of DEPTH:
 *
 *                 +-------+                1. all threads fetch the next TILE_CHANNELS x DEPTH of the weights and
 *                 | x, k  | TILE_PIXELS       DEPTH x TILE_PIXELS of im2col(x)
 *                 +-------+                2. they store them in workgroup memory, k along rows, eight halves at once
 *      DEPTH                               3. barrier; each subgroup multiplies its MATRICES_M x MATRICES_N matrices of
 *     +------+    +-------+                   M x N sums; barrier
 *     |  w   |    |   y   | TILE_CHANNELS
 *     +------+    +-------+                With prefetching, the next tiles are fetched to registers between 2 and 3.
 *
 * Rows of the tiles are eight halves longer than DEPTH, an odd number of 16 bytes: rows that lie one after another
 * then begin in different banks.
 *
 * Slices. Where the output has few tiles, SLICES sets of subgroups share one, each with its part of a step's k.
 *
 * Epilogue. Sums leave registers through the workgroup memory that the tiles were in, M rows of each subgroup at a
 * time; from there all threads take pixels in their order, add up the slices, always in the same order, and store.
 *
 * K that DEPTH does not divide: what lies behind is another group's, and may be infinite, so that zero weights alone
 * would make NaN of it. Both operands are zero there.
 *
 * Threads. Subgroup i is part i % SUBGROUPS_N along pixels, then along channels, then of k. For x, a thread fetches
 * eight k of X_VECTOR neighbouring pixels, and turns them.
 *
 * The scheme is that of CUTLASS: Thakkar et al., "CUTLASS: fast linear algebra in CUDA C++", 2017; the implicit GEMM
 * that of Chetlur et al., "cuDNN: efficient primitives for deep learning", 2014.
 */
import {
  type Conv2dProblem,
  conv2dSizes,
  gathersFours,
  isPointwise,
  outputPixels,
  tapsOf,
  wholeFours,
} from './lib/conv2d_problem.ts';
import { constants, type ShaderModule } from './lib/dimensions.ts';
import { elementTypes } from './lib/element_types.ts';
import { epilogueModule, operandsInFours } from './lib/epilogue.ts';
import { type Grid, tileText } from './lib/grid.ts';
import { receptiveField, tapWalk } from './lib/receptive_field.ts';
import {
  type MatrixSize,
  matrixDirectives,
  matrixText,
  subgroupSizeAttribute,
} from './lib/subgroup_matrix.ts';
import { piece, wgsl } from './lib/wgsl.ts';

/** Sizes of the tiles. */
export interface Conv2dMatrixConfig {
  /** M, N and K of the matrices that a subgroup multiplies; one that the adapter lists. */
  readonly matrix: MatrixSize;
  /** Invocations of a subgroup. */
  readonly lanes: number;
  /** Whether kernels must say so, since there are several widths. */
  readonly sized: boolean;
  /** Subgroups of a slice along channels and along pixels. */
  readonly subgroups: readonly [number, number];
  /** Matrices of a subgroup along channels and along pixels. */
  readonly matrices: readonly [number, number];
  /** Sets of subgroups that share a tile, each with its part of k. */
  readonly slices: number;
  /** How much of k a slice multiplies in a step; a multiple of the matrices' K. */
  readonly depth: number;
  /** Whether the next tiles are on their way, in registers, while these are multiplied. */
  readonly prefetch: boolean;
}

/** Output pixels and channels of one workgroup. */
export function matrixTile({ matrix, subgroups, matrices }: Conv2dMatrixConfig): {
  readonly pixels: number;
  readonly channels: number;
} {
  return {
    channels: matrix[0] * subgroups[0] * matrices[0],
    pixels: matrix[1] * subgroups[1] * matrices[1],
  };
}

/** How much of k a workgroup takes in one step. */
export function matrixTileDepth({ depth, slices }: Conv2dMatrixConfig): number {
  return depth * slices;
}

/** Invocations of a workgroup. */
export function matrixThreads({ lanes, subgroups, slices }: Conv2dMatrixConfig): number {
  return lanes * subgroups[0] * subgroups[1] * slices;
}

/** Halves, and of k: what one invocation fetches and stores at once. */
export const EIGHT = 8;

/** Bytes of workgroup memory: those of the tiles, where the sums pass through later. */
export function matrixBytes(config: Conv2dMatrixConfig): number {
  const { pixels, channels } = matrixTile(config);
  const tiles = 2 * (pixels + channels) * (matrixTileDepth(config) + EIGHT);
  const sums = 4 * pixels * config.matrix[0] * config.subgroups[0] * config.slices;
  return Math.max(tiles, sums);
}

/** How many pixels of x are read at once: as many as lie together, and leave work for all threads. */
function xVectorOf(g: Conv2dProblem, config: Conv2dMatrixConfig): 1 | 2 | 4 {
  const wide = gathersFours(g);
  return ([4, 2] as const).find((vector) => wide && fetchesEvenly(config, vector)) ?? 1;
}

/** Whether all threads fetch equally many eights of `vector` pixels, each of the same pixels in all steps. */
export function fetchesEvenly(config: Conv2dMatrixConfig, vector: number): boolean {
  const columns = matrixTile(config).pixels / vector;
  const rows = matrixThreads(config) / columns;
  return Number.isInteger(rows) && (matrixTileDepth(config) / EIGHT) % rows === 0;
}

export function conv2dMatrix(
  g: Conv2dProblem,
  config: Conv2dMatrixConfig,
  grid: Grid,
): ShaderModule {
  const tile = matrixTile(config);
  const depth = matrixTileDepth(config);
  const threads = matrixThreads(config);
  const groupIn = g.inputChannels / g.groups;
  const pointwise = isPointwise(g);
  // Eight neighbours along k belong to one tap, and all of them lie before the end of k, or none.
  const eights = groupIn % EIGHT === 0;
  const taps = tapsOf(g, depth);
  const oneTap = taps === 'step';
  // No step goes beyond the end of k, and all of its rows have one tap.
  const wholeSteps = taps !== 'element' && groupIn % depth === 0;
  const xVector = xVectorOf(g, config);
  // Moves what this thread has fetched to the tiles; no function, as in conv2d_tiled. Of each eight of x, a mask says
  // which are in the image, and before the end of k.
  const storeAll = piece`
#for i in X_LOADS
  {
    let at = X_TILE + thread % X_COLUMNS * X_VECTOR * STRIDE + thread / X_COLUMNS + #i * X_ROWS;
#if ${wholeSteps && oneTap && g.padded}
    let any_inside = (walk.inside & 1u) == 1u;
#elif ${wholeSteps}
    const any_inside = true;
#else
    let mask = masks[#i];
    let any_inside = mask != 0u;
#endif
#for e in EIGHT
#if ${wholeSteps || eights}
    let value#e = x_fetched[#i][#e];
#else
    let value#e = kept(x_fetched[#i][#e], mask, #e);
#endif
#end
#if ${xVector > 1}
#for v in X_VECTOR
    tiles[at + #v * STRIDE] = select(
      vec4u(),
      eight_halves(
        value0[#v], value1[#v], value2[#v], value3[#v], value4[#v], value5[#v], value6[#v], value7[#v],
      ),
      any_inside,
    );
#end
#else
    tiles[at] = select(
      vec4u(),
      eight_halves(value0, value1, value2, value3, value4, value5, value6, value7),
      any_inside,
    );
#endif
  }
#end
#for i in WEIGHT_LOADS
  {
    let eight = thread + #i * THREADS;
    tiles[eight / ROW_EIGHTS * STRIDE + eight % ROW_EIGHTS] = weight_fetched[#i];
  }
#end
`;
  const plane = g.outputHeight * g.outputWidth;
  const wideOutput = wholeFours(g, g.yStrides) && operandsInFours(g.epilogue, g.batch, plane);
  const epilogue = epilogueModule(g.epilogue, wideOutput ? 4 : 1, 'compiled');
  const source = wgsl`
${matrixDirectives(config.sized)}
${elementTypes(g.types, g.epilogue)}
${constants(conv2dSizes(g))}
const K = K_H * K_W * GROUP_C_IN;

const M = ${config.matrix[0]}u;
const N = ${config.matrix[1]}u;
const MATRIX_K = ${config.matrix[2]}u;
const SUBGROUPS_M = ${config.subgroups[0]}u;
const SUBGROUPS_N = ${config.subgroups[1]}u;
const MATRICES_M = ${config.matrices[0]}u;
const MATRICES_N = ${config.matrices[1]}u;
const SLICES = ${config.slices}u;
const SLICE_DEPTH = ${config.depth}u;
// Matrices along the k of a slice.
const MATRICES_K = ${config.depth / config.matrix[2]}u;
const THREADS = ${threads}u;
const DEPTH = SLICE_DEPTH * SLICES;
const STEPS = (K + DEPTH - 1u) / DEPTH;
// Steps between fetching a tile and multiplying it.
const AHEAD = ${config.prefetch ? 1 : 0}u;
const SUBGROUP_CHANNELS = MATRICES_M * M;
const SUBGROUP_PIXELS = MATRICES_N * N;
const TILE_CHANNELS = SUBGROUPS_M * SUBGROUP_CHANNELS;
const TILE_PIXELS = SUBGROUPS_N * SUBGROUP_PIXELS;
const CHANNEL_TILES = ${Math.ceil(g.outputChannels / g.groups / tile.channels)}u;
const PIXEL_TILES = ${Math.ceil(outputPixels(g) / tile.pixels)}u;
const C_OUT_PADDED = CHANNEL_TILES * TILE_CHANNELS;
const EIGHT = ${EIGHT};
${tileText(grid)}

// Of workgroup memory, in 16 bytes: rows of DEPTH halves and eight more; the x tile is after that of the weights.
const ROW_EIGHTS = DEPTH / 8u;
const STRIDE = ROW_EIGHTS + 1u;
const X_TILE = TILE_CHANNELS * STRIDE;
// The sums of a pass: M rows of each subgroup, of all slices.
const SUMS_STRIDE = TILE_PIXELS / 4u;
const PASS_ROWS = SUBGROUPS_M * M;
const PASS = PASS_ROWS * SUMS_STRIDE;

const X_VECTOR = ${xVector}u;
const X_COLUMNS = TILE_PIXELS / X_VECTOR;
const X_ROWS = THREADS / X_COLUMNS;
const X_LOADS = ${(depth * tile.pixels) / (EIGHT * xVector * threads)}u;
const WEIGHT_EIGHTS = TILE_CHANNELS * ROW_EIGHTS;
const WEIGHT_LOADS = ${(depth * tile.channels) / (EIGHT * threads)}u;
// The outputs of a pass, and those of a thread.
const Y_VECTOR = ${wideOutput ? 4 : 1}u;
const Y_COLUMNS = TILE_PIXELS / Y_VECTOR;
const PASS_OUTPUTS = PASS_ROWS * Y_COLUMNS;

const_assert SLICE_DEPTH % MATRIX_K == 0u && MATRIX_K % 8u == 0u && N % 4u == 0u;
// An odd number of 16 bytes a row.
const_assert ROW_EIGHTS % 2u == 0u;
const_assert X_ROWS * X_COLUMNS == THREADS;
const_assert X_ROWS * X_LOADS == ROW_EIGHTS;
const_assert WEIGHT_LOADS * THREADS == WEIGHT_EIGHTS;

#if ${xVector > 1}
alias XVector = vec${xVector}<X>;
#else
alias XVector = X;
#endif
#if ${wideOutput}
alias YVector = vec4<Y>;
#else
alias YVector = Y;
#endif

@group(0) @binding(0) var<storage, read> x: array<XVector>;
// Eight halves each.
@group(0) @binding(1) var<storage, read> weight: array<vec4u>;
#if ${g.bias}
@group(0) @binding(2) var<storage, read> bias: array<f32>;
#endif
@group(0) @binding(3) var<storage, read_write> y: array<YVector>;
${epilogue.text}

var<workgroup> tiles: array<vec4u, ${matrixBytes(config) / 16}>;
${matrixText(config.matrix, { array: 'tiles', stride: 'STRIDE', sumsStride: 'SUMS_STRIDE' })}

${receptiveField('')}

fn eight_halves(
  a: X, b: X, c: X, d: X,
  e: X, f: X, g: X, h: X,
) -> vec4u {
  return vec4u(bitcast<vec2u>(vec4<f16>(a, b, c, d)), bitcast<vec2u>(vec4<f16>(e, f, g, h)));
}

fn kept(value: XVector, mask: u32, bit: u32) -> XVector {
  return select(XVector(), value, (mask & (1u << bit)) != 0u);
}

#if ${oneTap}
${tapWalk('', g.padded)}
#endif

@compute @workgroup_size(THREADS) ${subgroupSizeAttribute(config.sized ? config.lanes : undefined)}
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) thread: u32,
  @builtin(subgroup_id) subgroup: u32,
) {
  let tile = tile_of(workgroup);
  if (tile >= GRID_TILES) {
    return;
  }
  let channel_tile = tile % CHANNEL_TILES;
  let group = tile / CHANNEL_TILES / PIXEL_TILES;
  let first_channel = channel_tile * TILE_CHANNELS;
  let first_pixel = tile / CHANNEL_TILES % PIXEL_TILES * TILE_PIXELS;
  let n = subgroup % SUBGROUPS_N;
  let m = subgroup / SUBGROUPS_N % SUBGROUPS_M;
  let slice = subgroup / (SUBGROUPS_N * SUBGROUPS_M) % SLICES;

  // What this thread fetches. After the last pixel, the last ones again: these sums are not stored.
  let x_row = thread / X_COLUMNS;
  let x_pixel = first_pixel + thread % X_COLUMNS * X_VECTOR;
#if ${g.columns}
  var x_at = (X_OFFSET + group * GROUP_C_IN * X_CHANNEL + min(x_pixel, X_CHANNEL - X_VECTOR)) / X_VECTOR;
#else
  let field = field_of(min(x_pixel, OUT_PIXELS - X_VECTOR), group);
#if ${pointwise}
  var x_at = (field.plane + field.top * W_IN + field.left) / X_VECTOR;
#elif ${oneTap}
  var walk = first_tap(field);
  var x_at = first_place(field);
#endif
#endif
#if ${wholeSteps}
  x_at += 8u * x_row * (X_CHANNEL / X_VECTOR);
#endif
  var weight_at = (group * CHANNEL_TILES + channel_tile) * STEPS * WEIGHT_EIGHTS + thread;
  var x_fetched: array<array<XVector, 8>, X_LOADS>;
#if ${!wholeSteps}
  var masks: array<u32, X_LOADS>;
#endif
  var weight_fetched: array<vec4u, WEIGHT_LOADS>;

  let left = m * SUBGROUP_CHANNELS * STRIDE + slice * (SLICE_DEPTH / 8u);
  let right = X_TILE + n * SUBGROUP_PIXELS * STRIDE + slice * (SLICE_DEPTH / 8u);
#for i in MATRICES_M
#for j in MATRICES_N
  var sums#i_#j: Sums;
#end
#end

  // A count that compilers do not know, so that the loop stays one.
  let steps = STEPS * min(1u, arrayLength(&weight));
  for (var step = 0u; step < steps + AHEAD; step++) {
    if (step < steps) {
#if ${oneTap}
      x_at += next_tap(&walk);
#endif
#if ${wholeSteps}
#for i in X_LOADS
#for e in EIGHT
      x_fetched[#i][#e] = x[x_at + (8u * #i * X_ROWS + #e) * (X_CHANNEL / X_VECTOR)];
#end
#end
      x_at += DEPTH * (X_CHANNEL / X_VECTOR);
#else
#for i in X_LOADS
      {
        let k = step * DEPTH + 8u * (x_row + #i * X_ROWS);
#if ${pointwise}
        masks[#i] = extractBits(255u, 0u, min(8u, K - min(K, k)));
#for e in EIGHT
        x_fetched[#i][#e] = x[x_at + min(k + #e, K - 1u) * (X_CHANNEL / X_VECTOR)];
#end
#elif ${eights}
        let in_k = min(k, K - 8u);
        let tap = tap_of(field, in_k / GROUP_C_IN);
        let x_at = field.plane + tap.at + in_k % GROUP_C_IN * X_CHANNEL;
        masks[#i] = select(0u, 255u, tap.inside & (k < K));
#for e in EIGHT
        x_fetched[#i][#e] = x[x_at + #e * X_CHANNEL];
#end
#else
        var mask = 0u;
#for e in EIGHT
        let k#e = min(k + #e, K - 1u);
        let tap#e = tap_of(field, k#e / GROUP_C_IN);
        mask |= select(0u, 1u << #e, tap#e.inside & (k + #e < K));
        x_fetched[#i][#e] = x[field.plane + tap#e.at + k#e % GROUP_C_IN * X_CHANNEL];
#end
        masks[#i] = mask;
#endif
      }
#end
#endif
#for i in WEIGHT_LOADS
      weight_fetched[#i] = weight[weight_at + #i * THREADS];
#end
      weight_at += WEIGHT_EIGHTS;
    }

#if ${config.prefetch}
    if (step > 0u) {
#else
${storeAll}
    workgroupBarrier();
    {
#endif
#for k in MATRICES_K
      {
#for i in MATRICES_M
        let left#i = load_left(left + #i * M * STRIDE + #k * (MATRIX_K / 8u));
#end
#for j in MATRICES_N
        let right#j = load_right(right + #j * N * STRIDE + #k * (MATRIX_K / 8u));
#for i in MATRICES_M
        sums#i_#j = multiply_add(left#i, right#j, sums#i_#j);
#end
#end
      }
#end
      workgroupBarrier();
    }

#if ${config.prefetch}
    if (step < steps) {
${storeAll}
      workgroupBarrier();
    }
#endif
  }

  let sums_at = (slice * PASS_ROWS + m * M) * SUMS_STRIDE + n * (SUBGROUP_PIXELS / 4u);
#for i in MATRICES_M
#for j in MATRICES_N
  store_sums(sums_at + #j * (N / 4u), sums#i_#j);
#end
  workgroupBarrier();
  for (var first = 0u; first < PASS_OUTPUTS; first += THREADS) {
    let output = first + thread;
    let row = output / Y_COLUMNS;
    let channel = first_channel + row / M * SUBGROUP_CHANNELS + #i * M + row % M;
    let pixel = first_pixel + output % Y_COLUMNS * Y_VECTOR;
    if ((output < PASS_OUTPUTS) & (channel < GROUP_C_OUT) & (pixel < OUT_PIXELS)) {
      let image = pixel / PLANE_OUT;
      let place = pixel % PLANE_OUT;
      let plane = group * GROUP_C_OUT + channel;
      let at = Y_OFFSET + image * Y_IMAGE + plane * Y_CHANNEL + place;
#if ${wideOutput}
      var sum = bitcast<vec4f>(tiles[output]);
      for (var s = 1u; s < SLICES; s++) {
        sum += bitcast<vec4f>(tiles[output + s * PASS]);
      }
#else
      var sum = bitcast<f32>(tiles[output / 4u][output % 4u]);
      for (var s = 1u; s < SLICES; s++) {
        sum += bitcast<f32>(tiles[output / 4u + s * PASS][output % 4u]);
      }
#endif
#if ${g.bias}
      sum += bias[group * C_OUT_PADDED + channel];
#endif
#if ${wideOutput}
      y[at / 4u] = to_y4(epilogue(sum, image, plane, place));
#else
      y[at] = to_y(epilogue(sum, image, plane, place));
#endif
    }
  }
  workgroupBarrier();
#end
}
`;
  return { source, operands: epilogue.bindings };
}
