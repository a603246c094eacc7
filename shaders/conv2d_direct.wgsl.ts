/**
 * 2-D convolution without workgroup memory, for adapters that run on the CPU.
 *
 *     y[n, o, p, q] = epilogue( bias[o] + sum over c, r, s of
 *                     x[n, c, p * STRIDE + r * DILATION - PAD, ...] * weight[o, c, r, s] )
 *
 * Layouts
 *     x, y             feature maps. Pixel p of image n, channel c is element
 *                      Y_OFFSET + n * Y_IMAGE + c * Y_CHANNEL + p: NCHW, channel-major, where the pixels of the batch
 *                      follow one another, or a part of such a map. x may also be columns: a matrix
 *                      [input channel][output pixel of the batch], rows X_CHANNEL apart
 *     weight           [group][tile of TILE_CHANNELS output channels][tap r * K_W + s][input channel of the group,
 *                      padded to DEPTH by zeros][output channel of the tile]: a workgroup reads one run of memory
 *     bias             [group][output channel, padded to TILE_CHANNELS]
 *
 * Tile and threads. The output pixels of the whole batch are numbered 0 .. OUT_PIXELS - 1. A workgroup owns PIXELS of
 * them and TILE_CHANNELS = LANES * CHANNELS output channels; a lane keeps CHANNELS x PIXELS sums in registers. Of each
 * LANES * VECTOR neighbouring channels, lane l has VECTOR, from l * VECTOR on. Channels go along the lanes because
 * theirs are round numbers, and maps are not: a 14x14 map is 7 tiles of 28 pixels.
 *
 *     VECTOR, X_VECTOR 1   SwiftShader loads word by word, whatever the type.
 *     VECTOR, X_VECTOR 4   A lane reads four words at once. Mesa's llvmpipe checks and fetches lane by lane whatever
 *                          the pattern, so fewer and wider loads are what counts. For x only where it is columns.
 *
 * Pixels are the same for all lanes, and loads cost more than arithmetic. So each lane loads other pixels, and they go
 * round:
 *
 *     broadcast  x = subgroupBroadcast(pixels, l) for each l: all lanes have the value of pixel l.
 *     swap       where a subgroup is a quad: quadSwapX, Y and Diagonal give lane l the value of pixel l ^ s,
 *                s = 1, 2, 3. Lanes then work on different pixels at a time, and on each pixel once; the
 *                lane's sum number o belongs to pixel o ^ l. One instruction on SwiftShader, where a broadcast
 *                takes 25.
 *
 * Sums are taken by blocks of BLOCK_ROWS rows of the weights (lib/blocked_sum.ts), and results add those up.
 * DEPTH input channels are read before any is multiplied: llvmpipe then selects by its execution mask, which
 * guards whatever a loop carries, once for DEPTH multiply-adds; SwiftShader loads and stores the sums as seldom.
 */

import { blockOf } from './lib/blocked_sum.ts';
import { type Conv2dProblem, conv2dSizes, outputPixels, wholeFours } from './lib/conv2d_problem.ts';
import { dimensions, type ShaderModule } from './lib/dimensions.ts';
import { elementTypes } from './lib/element_types.ts';
import { epilogueModule, operandsInFours } from './lib/epilogue.ts';
import type { Grid } from './lib/grid.ts';
import { wgsl } from './lib/wgsl.ts';

/** Sizes of the register tile. */
export interface Conv2dDirectConfig {
  /** Invocations of a workgroup, along output channels. */
  readonly lanes: number;
  /** Output channels of one invocation; a multiple of `vector`. */
  readonly channels: number;
  /** Output pixels of a workgroup, all of them in each invocation; a multiple of `xVector` and, to swap, of 4. */
  readonly pixels: number;
  /** Input channels a step; divides those of a group where x is columns. */
  readonly depth: number;
  /** Neighbouring output channels whose weights one load fetches. */
  readonly vector: 1 | 4;
  /** Neighbouring pixels that one load of x fetches. 4 needs columns of whole fours. */
  readonly xVector: 1 | 4;
  /** How the lanes of a subgroup share the pixels that they load; `none` loads every pixel in every lane. */
  readonly share: 'none' | 'broadcast' | 'swap';
  /** Lanes that share: the device's subgroup width, or 1. `swap` needs 4, and pixels loaded one by one. */
  readonly subgroup: number;
}

export function conv2dDirect(
  g: Conv2dProblem,
  config: Conv2dDirectConfig,
  grid: Grid,
): ShaderModule {
  const { share, subgroup, vector, xVector } = config;
  const { columns } = g;
  const shared = share !== 'none';
  const swapped = share === 'swap';
  // On llvmpipe: its compiler takes the square of how often an array is mentioned.
  const split = vector === 4;
  // A lane's four pixels are neighbours in y too, unless an image ends between them.
  const fours =
    wholeFours(g, g.yStrides) &&
    operandsInFours(g.epilogue, g.batch, g.outputHeight * g.outputWidth);
  const wideOutput = vector === 4 && config.pixels % 4 === 0 && fours && !swapped;
  const tileChannels = config.lanes * config.channels;
  const channelTiles = Math.ceil(g.outputChannels / g.groups / tileChannels);
  const epilogue = epilogueModule(g.epilogue, wideOutput ? 4 : 1, 'shared');
  const sizes = {
    ...conv2dSizes(g),
    CHANNEL_TILES: channelTiles,
    PIXEL_TILES: Math.ceil(outputPixels(g) / config.pixels),
    C_OUT_PADDED: channelTiles * tileChannels,
    TAP_ROWS: Math.ceil(g.inputChannels / g.groups / config.depth) * config.depth,
    GRID_COLUMNS: grid.columns,
    GRID_TILES: grid.tiles,
    HAS_BIAS: Number(g.bias),
    ...epilogue.sizes,
  };
  const { declarations, locals, words } = dimensions(sizes);
  const source = wgsl`
#if ${shared}
enable subgroups;
#endif
${elementTypes(g.types, g.epilogue)}

${declarations}
const LANES = ${config.lanes}u;
const VECTOR = ${vector}u;
const CHANNELS = ${config.channels}u;
const VECTORS = ${config.channels / vector}u;
const TILE_CHANNELS = LANES * CHANNELS;
const PIXELS = ${config.pixels}u;
const DEPTH = ${config.depth}u;
const FOLLOWING = ${config.depth - 1}u;
const BLOCK_ROWS = ${blockOf(config.depth)}u;
const SUBGROUP = ${subgroup}u;
const X_VECTOR = ${xVector}u;
const X_LOADS = ${Math.ceil(config.pixels / (subgroup * xVector))}u;
const LOADED_PIXELS = X_LOADS * SUBGROUP * X_VECTOR;
const Y_VECTOR = ${wideOutput ? 4 : 1}u;
const Y_VECTORS = ${config.pixels / (wideOutput ? 4 : 1)}u;

#if ${vector === 4}
alias WeightVector = vec4<Weight>;
alias Weights = vec4f;
#else
alias WeightVector = Weight;
alias Weights = f32;
#endif
#if ${xVector === 4}
alias XVector = vec4<X>;
alias Values = vec4f;
#else
alias XVector = X;
alias Values = f32;
#endif
#if ${wideOutput}
alias YVector = vec4<Y>;
alias Sums = vec4f;
#else
alias YVector = Y;
alias Sums = f32;
#endif
@group(0) @binding(0) var<storage, read> x: array<XVector>;
@group(0) @binding(1) var<storage, read> weight: array<WeightVector>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<YVector>;
${epilogue.text}

// Among those of the tile.
fn channel_of(lane: u32, c: u32) -> u32 {
  return (c / VECTOR * LANES + lane) * VECTOR + c % VECTOR;
}

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
#if ${shared}
  @builtin(subgroup_invocation_id) subgroup_lane: u32,
#endif
  @builtin(local_invocation_index) lane: u32,
) {
${locals}
#if ${!shared}
  const subgroup_lane = 0u;
#endif
  // Workgroups after the last tile compute and do not store: after a return, llvmpipe would blend whatever follows.
  let tile = workgroup.x + workgroup.y * GRID_COLUMNS;
  let pixel_tiles = tile / CHANNEL_TILES;
  let channel_tile = tile - pixel_tiles * CHANNEL_TILES;
  let group = pixel_tiles / PIXEL_TILES;
  let first_pixel = (pixel_tiles - group * PIXEL_TILES) * PIXELS;
  let first_channel = channel_tile * TILE_CHANNELS;

  let bias_at = group * C_OUT_PADDED + first_channel;
  var shifts: array<f32, CHANNELS>;
#if ${split}
  // Each load takes its compiler 15 ms.
  for (var c = 0u; c < CHANNELS * HAS_BIAS; c++) {
    shifts[c] = bias[bias_at + channel_of(lane, c)];
  }
#else
#for c in CHANNELS
  shifts[#c] = select(0.0, bias[bias_at + channel_of(lane, #c)], HAS_BIAS == 1u);
#end
#endif
#if ${split}
#for c in CHANNELS
  var results_#c: array<Sums, Y_VECTORS>;
#end
#else
  var results: array<Sums, Y_VECTORS * CHANNELS>;
#endif
#for o in Y_VECTORS
#for c in CHANNELS
#if ${split}
  results_#c[#o] = Sums(shifts[#c]);
#else
  results[#o * CHANNELS + #c] = Sums(shifts[#c]);
#endif
#end
#end
  let weight_row = TILE_CHANNELS / VECTOR;
  var weight_at = (group * CHANNEL_TILES + channel_tile) * (K_H * K_W * TAP_ROWS) * weight_row + lane;

  // Pixels after the last one repeat others and are not stored.
#if ${columns}
  let x_row = X_CHANNEL / X_VECTOR;
#for w in X_LOADS
  let pixel#w = min(first_pixel / X_VECTOR + #w * SUBGROUP + subgroup_lane, x_row - 1u);
  var x_at#w = X_OFFSET / X_VECTOR + group * GROUP_C_IN * x_row + pixel#w;
#end
#else
  let x_row = X_CHANNEL;
#for w in X_LOADS
  let pixel#w = min(first_pixel + #w * SUBGROUP + subgroup_lane, OUT_PIXELS - 1u);
  let image#w = pixel#w / PLANE_OUT;
  let place#w = pixel#w - image#w * PLANE_OUT;
  let row#w = place#w / W_OUT;
  let plane#w = X_OFFSET + image#w * X_IMAGE + group * GROUP_C_IN * X_CHANNEL;
  let top#w = row#w * STRIDE_H;
  let left#w = (place#w - row#w * W_OUT) * STRIDE_W;
  var x_at#w = 0u;
  var inside#w = true;
#end
  var r = 0u;
  var s = 0u;
  var channels_left = 0u;
#endif
  // A block is one loop over taps and channels: compilers carry the sums from loop to loop one by one.
  var values: array<array<f32, CHANNELS>, DEPTH>;
  let rows = K_H * K_W * TAP_ROWS;
  var k = 0u;
  while (k < rows) {
    // Spelt out: SwiftShader keeps what a variable without initializer had in the round before.
    var sums = array<array<f32, LOADED_PIXELS>, CHANNELS>();
    let block_end = min(k + BLOCK_ROWS, rows);
    for (; k < block_end; k += DEPTH) {
#if ${!columns}
      if (channels_left == 0u) {
#for w in X_LOADS
        {
          // Above and left of the image the subtraction wraps round to a huge number: one comparison does.
          let row = top#w + r * DILATION_H - PAD_TOP;
          let column = left#w + s * DILATION_W - PAD_LEFT;
          x_at#w = plane#w + row * W_IN + column;
          // Layers with padding and without share a pipeline.
          inside#w = (row < H_IN) & (column < W_IN);
          x_at#w = select(0u, x_at#w, inside#w);
        }
#end
        s++;
        r += select(0u, 1u, s == K_W);
        s = select(s, 0u, s == K_W);
        channels_left = GROUP_C_IN;
      }
#endif
#for d in DEPTH
#for v in VECTORS
      let weights#d_#v = Weights(weight[weight_at + #d * weight_row + #v * LANES]);
#if ${vector === 4}
#for e in VECTOR
      values[#d][#v * VECTOR + #e] = weights#d_#v[#e];
#end
#else
      values[#d][#v] = weights#d_#v;
#endif
#end
#for w in X_LOADS
#if ${!columns}
      let loaded#d_#w = select(0.0, f32(x[x_at#w + #d * x_row]), inside#w & (#d < channels_left));
#else
      let loaded#d_#w = Values(x[x_at#w + #d * x_row]);
#endif
#end
#end
#if ${swapped}
      var turned: array<array<f32, LOADED_PIXELS>, DEPTH>;
#for w in X_LOADS
#for d in DEPTH
      turned[#d][#w * 4] = loaded#d_#w;
      turned[#d][#w * 4 + 1] = quadSwapX(loaded#d_#w);
      turned[#d][#w * 4 + 2] = quadSwapY(loaded#d_#w);
      turned[#d][#w * 4 + 3] = quadSwapDiagonal(loaded#d_#w);
#end
#end
      // Products first: SwiftShader has its sums in memory, and would load and store them for each.
#for c in CHANNELS
#for p in PIXELS
      {
        var step = turned[0][#p] * values[0][#c];
#for d in FOLLOWING
        step += turned[#d + 1][#p] * values[#d + 1][#c];
#end
        sums[#c][#p] += step;
      }
#end
#end
#else
#for w in X_LOADS
#for l in SUBGROUP
#for e in X_VECTOR
      {
        const O = (#w * SUBGROUP + #l) * X_VECTOR + #e;
        // The last load may fetch more than the tile needs.
        if (O < PIXELS) {
#for d in DEPTH
#if ${xVector === 4}
#if ${shared}
          let x#d = subgroupBroadcast(loaded#d_#w[#e], #l);
#else
          let x#d = loaded#d_#w[#e];
#endif
#elif ${shared}
          let x#d = subgroupBroadcast(loaded#d_#w, #l);
#else
          let x#d = loaded#d_#w;
#endif
#for c in CHANNELS
          sums[#c][O] += values[#d][#c] * x#d;
#end
#end
        }
      }
#end
#end
#end
#endif
#for w in X_LOADS
      x_at#w += DEPTH * x_row;
#end
      weight_at += DEPTH * weight_row;
#if ${!columns}
      channels_left -= min(channels_left, DEPTH);
#endif
    }
#for o in Y_VECTORS
#for c in CHANNELS
    {
#if ${wideOutput}
      let sum = vec4f(sums[#c][#o * 4], sums[#c][#o * 4 + 1], sums[#c][#o * 4 + 2], sums[#c][#o * 4 + 3]);
#else
      let sum = sums[#c][#o];
#endif
#if ${split}
      results_#c[#o] += sum;
#else
      results[#o * CHANNELS + #c] += sum;
#endif
    }
#end
#end
  }

  // The epilogue is true loops. Unrolled like the rest, its stores would be nine tenths of the compile time on CPU
  // adapters; a factor that the compiler cannot bound keeps them loops. Inside, SwiftShader would divide for a length.
#if ${epilogue.addend}
  let one = min(1u, arrayLength(&y) + arrayLength(&addend));
#else
  let one = min(1u, arrayLength(&y));
#endif
  for (var o = 0u; o < Y_VECTORS * one; o++) {
#if ${swapped}
    let pixel = first_pixel + (o ^ subgroup_lane);
#else
    let pixel = first_pixel + o * Y_VECTOR;
#endif
    let image = pixel / PLANE_OUT;
    let place = pixel - image * PLANE_OUT;
#if ${split}
#for c in CHANNELS
    let result_#c = results_#c[o];
#end
#endif
    for (var c = 0u; c < CHANNELS * one; c++) {
#if ${split}
      var result = result_0;
#for d in CHANNELS
      result = select(result, result_#d, c == #d);
#end
#else
      let result = results[o * CHANNELS + c];
#endif
      let channel = first_channel + channel_of(lane, c);
      if ((tile < GRID_TILES) & (pixel < OUT_PIXELS) & (channel < GROUP_C_OUT)) {
        let plane = group * GROUP_C_OUT + channel;
        let value = epilogue(result, image, plane, place${epilogue.sizeArguments});
        let at = (Y_OFFSET + image * Y_IMAGE + plane * Y_CHANNEL + place) / Y_VECTOR;
#if ${wideOutput}
        y[at] = to_y4(value);
#else
        y[at] = to_y(value);
#endif
      }
    }
  }
}
`;
  // Whether there is a bias is bound, too: the weights are in its place.
  const standIn = !g.bias ? [{ slot: 2, value: 'weight', access: 'read' } as const] : [];
  return { source, words, operands: [...standIn, ...epilogue.bindings] };
}
