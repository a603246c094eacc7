/**
 * 2-D convolution and transposed convolution by definition, from weights as they lie: for weights that are known only
 * when the network runs, and for what no other kernel computes.
 *
 *     convolution  y[n, o, p, q] = epilogue( bias[o] + sum over r, s, c of x[n, c, row, column] * weight[o, c, r, s] ),
 *                  row = p * STRIDE + r * DILATION - PAD, and column likewise
 *     transposed   y[n, o, p, q] = epilogue( bias[o] + sum over r, s, c of x[n, c, row, column] * weight[c, o, r, s] ),
 *                  over those taps for which row = (p + PAD - r * DILATION) / STRIDE is an integer, and column likewise
 *
 * where c goes through the input channels of o's group, and x is 0 outside of the map.
 *
 * Layouts: x, y maps [N, C, H, W] of dense planes; weight [C_OUT, GROUP_C_IN, K_H, K_W], transposed
 * [C_IN, GROUP_C_OUT, K_H, K_W]; bias [C_OUT]. Threads: one invocation an element of y, in the order of the shape.
 * The channels of a tap are added up by blocks (lib/blocked_sum.ts).
 */
import { blockOf } from './lib/blocked_sum.ts';
import { type Conv2dProblem, conv2dSizes } from './lib/conv2d_problem.ts';
import { constants } from './lib/dimensions.ts';
import { type ElementTypes, elementTypes } from './lib/element_types.ts';
import { epilogueText } from './lib/epilogue.ts';
import { elementText, type Grid } from './lib/grid.ts';
import { wgsl } from './lib/wgsl.ts';

export interface Conv2dGatherProblem extends Omit<Conv2dProblem, 'padded' | 'columns' | 'types'> {
  readonly transposed: boolean;
  /** A bias that is computed is stored as other activations are. */
  readonly types: ElementTypes<'x' | 'weight' | 'bias'>;
}

export const CONV2D_GATHER_THREADS = 64;

export function conv2dGather(g: Conv2dGatherProblem, grid: Grid): string {
  const count = g.batch * g.outputChannels * g.outputHeight * g.outputWidth;
  return wgsl`
${elementTypes(g.types, g.epilogue)}
${elementText(grid, CONV2D_GATHER_THREADS, count)}
${constants(conv2dSizes(g))}
const TAPS = K_H * K_W;
const BLOCK = ${blockOf(1)}u;

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read> weight: array<Weight>;
#if ${g.bias}
@group(0) @binding(2) var<storage, read> bias: array<Bias>;
#endif
@group(0) @binding(3) var<storage, read_write> y: array<Y>;
${epilogueText(g.epilogue)}

// Where a tap reads along an axis: an extent or more where it reads nothing.
#if ${g.transposed}
fn source(position: u32, tap: u32, stride: u32, dilation: u32, pad: u32) -> u32 {
  let stretched = i32(position + pad) - i32(tap * dilation);
  let at = stretched / i32(stride);
  return select(0xffffffffu, u32(at), stretched >= 0i && at * i32(stride) == stretched);
}
#else
fn source(position: u32, tap: u32, stride: u32, dilation: u32, pad: u32) -> u32 {
  // Before the map the subtraction wraps round to a huge number.
  return position * stride + tap * dilation - pad;
}
#endif

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let nth = element_of(workgroup, thread);
  if (nth >= COUNT) {
    return;
  }
  let image = nth / (C_OUT * PLANE_OUT);
  let channel = nth / PLANE_OUT % C_OUT;
  let place = nth % PLANE_OUT;
  let group = channel / GROUP_C_OUT;
  let x_first = X_OFFSET + image * X_IMAGE + group * GROUP_C_IN * X_CHANNEL;
#if ${g.transposed}
  let weight_first = (group * GROUP_C_IN * GROUP_C_OUT + channel % GROUP_C_OUT) * TAPS;
  const WEIGHT_STEP = GROUP_C_OUT * TAPS;
#else
  let weight_first = channel * GROUP_C_IN * TAPS;
  const WEIGHT_STEP = TAPS;
#endif

  var sum = 0.0;
  // A factor that no compiler can bound: Mesa would unroll the loops.
  let one = min(1u, arrayLength(&y));
  for (var r = 0u; r < K_H * one; r++) {
    let row = source(place / W_OUT, r, STRIDE_H, DILATION_H, PAD_TOP);
    if (row >= H_IN) {
      continue;
    }
    for (var s = 0u; s < K_W * one; s++) {
      let column = source(place % W_OUT, s, STRIDE_W, DILATION_W, PAD_LEFT);
      if (column >= W_IN) {
        continue;
      }
      var x_at = x_first + row * W_IN + column;
      var weight_at = weight_first + r * K_W + s;
      var c = 0u;
      while (c < GROUP_C_IN) {
        var block_sum = 0.0;
        let block_end = min(c + BLOCK, GROUP_C_IN * one);
        for (; c < block_end; c++) {
          block_sum += f32(x[x_at]) * f32(weight[weight_at]);
          x_at += X_CHANNEL;
          weight_at += WEIGHT_STEP;
        }
        sum += block_sum;
      }
    }
  }
#if ${g.bias}
  sum += f32(bias[channel]);
#endif
  let at = Y_OFFSET + image * Y_IMAGE + channel * Y_CHANNEL + place;
  y[at] = to_y(epilogue(sum, image, channel, place));
}
`;
}
