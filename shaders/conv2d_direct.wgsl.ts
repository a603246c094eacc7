/**
 * 2-D convolution without workgroup memory, for adapters that run on the CPU.
 *
 *     y[n, o, p, q] = epilogue( bias[o] + sum over c, r, s of
 *                     x[n, c, p * STRIDE + r * DILATION - PAD, ...] * weight[o, c, r, s] )
 *
 * Layouts
 *     x                a feature map; or columns: a matrix [input channel][output pixel of the batch], rows PITCH apart
 *     residual, y      feature maps. Pixel p of image n, channel c is element n * Y_IMAGE + c * Y_CHANNEL + p:
 *                      NCHW, or channel-major, where the pixels of the batch follow one another
 *     weight           [group][tile of CHANNELS output channels][tap r * K_W + s][input channel of the group]
 *                      [output channel of the tile], so that a workgroup reads one run of memory
 *     bias             [group][output channel, padded to CHANNELS]
 *
 * Tile and threads. The output pixels of the whole batch are numbered 0 .. OUT_PIXELS - 1. A workgroup
 * owns LANES * PIXELS of them and CHANNELS output channels; a lane keeps PIXELS x CHANNELS sums in
 * registers. Of each LANES * VECTOR neighbouring pixels, lane l has VECTOR, from l * VECTOR on.
 *
 *     VECTOR 1   SwiftShader loads word by word, whatever the type.
 *     VECTOR 4   A lane reads four words at once. Mesa's llvmpipe checks and fetches lane by lane whatever
 *                the pattern, so fewer and wider loads are what counts. Columns only.
 *
 * Weights are the same for all lanes, and loads cost more than arithmetic. So each lane loads other weights, and
 * they go round:
 *
 *     broadcast  w = subgroupBroadcast(weights, l) for each l: all lanes have the weight of channel l.
 *     swap       where a subgroup is a quad: quadSwapX, Y and Diagonal give lane l the weight of channel l ^ s,
 *                s = 1, 2, 3. Lanes then work on different channels at a time, and on each channel once; the
 *                lane's sum number o belongs to channel o ^ l. One instruction on SwiftShader, where a broadcast
 *                takes 25.
 *
 * DEPTH input channels are read before any is multiplied: llvmpipe then selects by its execution mask, which
 * guards whatever a loop carries, once for DEPTH multiply-adds; SwiftShader loads and stores the sums as seldom.
 */

import {
  type Conv2dGeometry,
  conv2dSizes,
  outputPixels,
  wholeFours,
} from './lib/conv2d_geometry.ts';
import { type Dimensions, dimensions } from './lib/dimensions.ts';
import { elementTypes } from './lib/element_types.ts';
import type { Grid } from './lib/grid.ts';
import { wgsl } from './lib/wgsl.ts';

/** Sizes of the register tile. */
export interface Conv2dDirectConfig {
  /** Invocations of a workgroup, along pixels. */
  readonly lanes: number;
  /** Output pixels of one invocation; a multiple of `vector`. */
  readonly pixels: number;
  /** Output channels of one invocation; a multiple of `subgroup`. */
  readonly channels: number;
  /** Input channels a step; divides those of a group. */
  readonly depth: number;
  /** Neighbouring pixels that one load of x fetches. 4 needs columns with a pitch of whole fours. */
  readonly vector: 1 | 4;
  /** How the lanes of a subgroup share the weights that they load; `none` loads every weight in every lane. */
  readonly share: 'none' | 'broadcast' | 'swap';
  /** Lanes that share: the device's subgroup width, or 1. `swap` needs 4. */
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
    HAS_BIAS: Number(g.bias),
    HAS_RESIDUAL: Number(g.residual),
    HAS_RELU: Number(g.activation === 'relu'),
  };
  return dimensions(sizes, config.bound);
}

/** Elements of x. */
function inputLength(g: Conv2dGeometry): number {
  if (g.columns !== undefined) return g.inputChannels * g.columns;
  const { image, channel } = g.xStrides;
  return (g.batch - 1) * image + (g.inputChannels - 1) * channel + g.inputHeight * g.inputWidth;
}

export function conv2dDirect(
  g: Conv2dGeometry,
  config: Conv2dDirectConfig,
  { declarations, locals }: Dimensions,
): string {
  const { share, subgroup, bound } = config;
  const shared = share !== 'none';
  const swapped = share === 'swap';
  const columns = g.columns !== undefined;
  const vector4 = config.vector === 4;
  const wideWeights = share === 'broadcast' && vector4 && config.channels % (4 * subgroup) === 0;
  // A lane's four pixels are neighbours in y too, unless an image ends between them.
  const wideOutput = vector4 && wholeFours(g, g.yStrides) && wholeFours(g, g.residualStrides);
  const weightVector = wideWeights ? 4 : 1;
  const masked = g.padded && !columns;
  return wgsl`
#if ${shared}
enable subgroups;
#endif
${elementTypes(g.types)}

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
const Y_VECTORS = ${config.pixels / (wideOutput ? 4 : 1)}u;

#if ${vector4}
alias XVector = vec4<X>;
alias Values = vec4f;
#else
alias XVector = X;
alias Values = f32;
#endif
#if ${wideWeights}
alias WeightVector = vec4<Weight>;
alias Weights = vec4f;
#else
alias WeightVector = Weight;
alias Weights = f32;
#endif
#if ${wideOutput}
alias YVector = vec4<Y>;
alias ResidualVector = vec4<Residual>;
alias Sums = vec4f;
#else
alias YVector = Y;
alias ResidualVector = Residual;
alias Sums = f32;
#endif
#if ${bound}
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
#if ${bound || g.bias}
@group(0) @binding(2) var<storage, read> bias: array<f32>;
#endif
#if ${bound || g.residual}
@group(0) @binding(3) var<storage, read> residual: array<ResidualVector>;
#endif
@group(0) @binding(4) var<storage, read_write> y: array<YVector>;

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
#if ${shared}
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
  let weight_row = CHANNELS / WEIGHT_VECTOR;
  var weight_at = (group * CHANNEL_TILES + channel_tile) * (K_H * K_W * GROUP_C_IN) * weight_row;
#if ${shared}
  weight_at += subgroup_lane;
#endif

#if ${columns}
  // Lanes behind the last pixel compute the last ones again and do not store them.
  let x_row = PITCH / VECTOR;
#for v in VECTORS
  let pixel#v = min(first_pixel + #v * LANES * VECTOR, PITCH - VECTOR);
  var x_at#v = (group * GROUP_C_IN * PITCH + pixel#v) / VECTOR;
#end
#else
  let x_row = X_CHANNEL;
#for v in VECTORS
  let pixel#v = min(first_pixel + #v * LANES, OUT_PIXELS - 1u);
  let plane#v = pixel#v / PLANE_OUT * X_IMAGE + group * GROUP_C_IN * X_CHANNEL;
  let top#v = pixel#v % PLANE_OUT / W_OUT * STRIDE_H;
  let left#v = pixel#v % W_OUT * STRIDE_W;
  var x_at#v = 0u;
  var inside#v = true;
#end
  var tap = 0u;
  var channels_left = 0u;
#endif
  // One loop over taps and channels: compilers carry the sums from loop to loop one by one.
  for (var k = 0u; k < K_H * K_W * GROUP_C_IN; k += DEPTH) {
#if ${!columns}
    if (channels_left == 0u) {
#for v in VECTORS
      {
        // Above and left of the image the subtraction wraps round to a huge number: one comparison does.
        let row = top#v + tap / K_W * DILATION_H - PAD_TOP;
        let column = left#v + tap % K_W * DILATION_W - PAD_LEFT;
        x_at#v = plane#v + row * W_IN + column;
#if ${g.padded}
        inside#v = row < H_IN && column < W_IN;
        x_at#v = select(0u, x_at#v, inside#v);
#endif
      }
#end
      tap++;
      channels_left = GROUP_C_IN;
    }
    channels_left -= DEPTH;
#endif
#for d in DEPTH
#for v in VECTORS
#if ${masked}
    let loaded#d_#v = select(0.0, f32(x[x_at#v + #d * x_row]), inside#v);
#else
    let loaded#d_#v = Values(x[x_at#v + #d * x_row]);
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
    let weights#d_#w = Weights(weight[weight_at + #d * weight_row + #w * SUBGROUP]);
#end
#end
#for w in WEIGHT_LOADS
#if ${swapped}
#for d in DEPTH
    let turned#d_#w_0 = weights#d_#w;
    let turned#d_#w_1 = quadSwapX(weights#d_#w);
    let turned#d_#w_2 = quadSwapY(weights#d_#w);
    let turned#d_#w_3 = quadSwapDiagonal(weights#d_#w);
#end
#endif
#for l in SUBGROUP
#for e in WEIGHT_VECTOR
    {
      const O = (#w * SUBGROUP + #l) * WEIGHT_VECTOR + #e;
#for d in DEPTH
#if ${wideWeights}
      let w#d = subgroupBroadcast(weights#d_#w[#e], #l);
#elif ${swapped}
      let w#d = turned#d_#w_#l;
#elif ${shared}
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

  // The epilogue is a true loop over a copy of the sums. Unrolled like the rest, its stores would be nine
  // tenths of the compile time on CPU adapters; a count that the compiler cannot know keeps it a loop.
  var results: array<Sums, CHANNELS * Y_VECTORS>;
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
#for p in Y_VECTORS
  let pixel_out#p = first_pixel + #p * Y_VECTOR / VECTOR * (LANES * VECTOR) + #p * Y_VECTOR % VECTOR;
  let image#p = pixel_out#p / PLANE_OUT;
  let place#p = pixel_out#p % PLANE_OUT;
#end
  let count = min(CHANNELS, CHANNELS * arrayLength(&y));
  for (var o = 0u; o < count; o++) {
#if ${swapped}
    let channel = first_channel + (o ^ subgroup_lane);
#else
    let channel = first_channel + o;
#endif
    if (channel < GROUP_C_OUT) {
      let plane = group * GROUP_C_OUT + channel;
      var shift = 0.0;
#if ${bound || g.bias}
      if (HAS_BIAS == 1u) {
        shift = bias[group * C_OUT_PADDED + channel];
      }
#endif
#for p in Y_VECTORS
      if (pixel_out#p < OUT_PIXELS) {
        var value = results[o * Y_VECTORS + #p] + shift;
#if ${bound || g.residual}
        if (HAS_RESIDUAL == 1u) {
          value += Sums(residual[(image#p * RESIDUAL_IMAGE + plane * RESIDUAL_CHANNEL + place#p) / Y_VECTOR]);
        }
#endif
        value = select(value, max(value, Sums()), HAS_RELU == 1u);
        let at = (image#p * Y_IMAGE + plane * Y_CHANNEL + place#p) / Y_VECTOR;
#if ${wideOutput}
        y[at] = to_y4(value);
#else
        y[at] = to_y(value);
#endif
      }
#end
    }
  }
}
`;
}
