/**
 * Depthwise convolution: every output channel sees one input channel, and GROUP_C_OUT of them the same one.
 *
 *     y[n, o, p, q] = epilogue( bias[o] + sum over r, s of
 *                     x[n, o / GROUP_C_OUT, p * STRIDE + r * DILATION - PAD, ...] * weight[o, r, s] )
 *
 * A multiply-add for every load would be all there is. So an invocation computes a strip of ROWS x PIXELS neighbouring
 * outputs of a plane, from the top down: a step reads STRIDE_H new rows of x, PATCH_W values of each, adds them to the
 * sums of all the rows of outputs that see them, and stores the row of outputs that is complete after it:
 *
 *     PATCH_W values of x        LIVE x PIXELS sums             3x3, stride 1: a step reads 6 values and stores
 *     +-----------------+        +-----------+  begun now       4 outputs, where each alone takes 9 loads
 *     | . . . . . .     |  -->   | . . . .   |
 *     +-----------------+        | . . . .   |  complete
 *
 * Row r of the window sees, in a step, row r * DILATION_H mod STRIDE_H of the new ones, and belongs to the outputs that
 * were begun r * DILATION_H / STRIDE_H steps ago. The first LIVE - 1 steps of a strip complete nothing.
 *
 * Layouts
 *     x, y             feature maps, NCHW, channel-major or a part of one: pixel p of image n, channel c is element
 *                      Y_OFFSET + n * Y_IMAGE + c * Y_CHANNEL + p
 *     weight           [output channel][tap r * K_W + s], as it comes
 *     bias             [output channel], f32
 *
 * Threads. The strips are numbered along a row, then along the rows, the channels and the images; each invocation
 * has one.
 *
 *     looped      CPU adapters: long strips, a step's code stands once.
 *     unrolled    GPUs: short strips, whose loads are all on their way at a time. Their steps are compiled in, so that
 *                 compilers leave out the sums that are never stored.
 */
import { type Conv2dProblem, conv2dSizes } from './lib/conv2d_problem.ts';
import { constants, dimensions, type ShaderModule } from './lib/dimensions.ts';
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
  /** Whether a step's code stands once, in a loop, or once for each step. */
  readonly looped: boolean;
}

/** Words that one invocation reads in a step along a row of x, rows of outputs under way, steps of a strip. */
export function depthwiseSteps(
  { kernel, stride, dilation }: Conv2dProblem,
  { rows, pixels }: Pick<Conv2dDepthwiseConfig, 'rows' | 'pixels'>,
): {
  readonly width: number;
  readonly live: number;
  readonly steps: number;
} {
  const reach = (kernel[0] - 1) * dilation[0];
  const live = Math.floor(reach / stride[0]) + 1;
  return {
    width: (pixels - 1) * stride[1] + (kernel[1] - 1) * dilation[1] + 1,
    live,
    steps: rows + live - 1,
  };
}

/** Workgroups. */
export function depthwiseWorkgroups(g: Conv2dProblem, config: Conv2dDepthwiseConfig): number {
  return Math.ceil((g.batch * g.outputChannels * stripsOfPlane(g, config)) / config.lanes);
}

function stripsOfPlane(g: Conv2dProblem, { rows, pixels }: Conv2dDepthwiseConfig): number {
  return Math.ceil(g.outputHeight / rows) * Math.ceil(g.outputWidth / pixels);
}

export function conv2dDepthwise(
  g: Conv2dProblem,
  config: Conv2dDepthwiseConfig,
  grid: Grid,
): ShaderModule {
  const { width, live, steps } = depthwiseSteps(g, config);
  const { K_H, K_W, STRIDE_H, STRIDE_W, DILATION_H, DILATION_W, ...maps } = conv2dSizes(g);
  const window = { K_H, K_W, STRIDE_H, STRIDE_W, DILATION_H, DILATION_W };
  // Its stores are unrolled, and an addend that may be missing would be a load for each.
  const epilogue = epilogueModule(g.epilogue, 1, 'bound');
  const strip = { ROWS: config.rows, STEPS: steps };
  const sizes = {
    ...maps,
    H_OUT: g.outputHeight,
    ...(config.looped && strip),
    STRIPS_ACROSS: Math.ceil(g.outputWidth / config.pixels),
    PLANE_STRIPS: stripsOfPlane(g, config),
    PLANES: g.batch * g.outputChannels,
    GRID_COLUMNS: grid.columns,
    ...epilogue.sizes,
  };
  const { declarations, locals, words } = dimensions(sizes);
  const source = wgsl`
${elementTypes(g.types, g.epilogue)}

${declarations}
const LANES = ${config.lanes}u;
const PIXELS = ${config.pixels}u;
${constants(config.looped ? window : { ...window, ...strip })}
const TAPS = ${g.kernel[0] * g.kernel[1]}u;
const PATCH_W = ${width}u;
const LIVE = ${live}u;
const LAST = ${live - 1}u;
const UNROLLED = ${config.looped ? 1 : steps}u;

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
  let strip = (workgroup.x + workgroup.y * GRID_COLUMNS) * LANES + lane;
  let plane = strip / PLANE_STRIPS;
  if (plane >= PLANES) {
    return;
  }
  let image = plane / C_OUT;
  let channel = plane % C_OUT;
  let first_row = strip % PLANE_STRIPS / STRIPS_ACROSS * ROWS;
  let first_column = strip % STRIPS_ACROSS * PIXELS;

  // Above and left of the image the subtraction wraps round to a huge number: one comparison does.
  let top = first_row * STRIDE_H - PAD_TOP;
  let left = first_column * STRIDE_W - PAD_LEFT;
  let x_plane = X_OFFSET + image * X_IMAGE + channel / GROUP_C_OUT * X_CHANNEL;
  let y_plane = Y_OFFSET + image * Y_IMAGE + channel * Y_CHANNEL;
#for i in PATCH_W
  let inside_#i = left + #i < W_IN;
#end
  let weight_at = channel * TAPS;
  var weights: array<f32, TAPS>;
#if ${config.looped}
  // Each load takes llvmpipe's compiler 5 ms; SwiftShader divides for each length that it has not seen before.
  let one = min(1u, arrayLength(&x) + arrayLength(&weight) + arrayLength(&y));
  for (var t = 0u; t < TAPS * one; t++) {
    weights[t] = f32(weight[weight_at + t]);
  }
#else
#for t in TAPS
  weights[#t] = f32(weight[weight_at + #t]);
#end
#endif
#if ${g.bias}
  let shift = bias[channel];
#else
  const shift = 0.0;
#endif

  // sums[q] are those of the row of outputs that was begun q steps ago.
  var sums: array<array<f32, PIXELS>, LIVE>;
#if ${config.looped}
  for (var first_step = 0u; first_step < STEPS; first_step++) {
#else
  {
    const first_step = 0u;
#endif
#for u in UNROLLED
    {
      let step = first_step + #u;
#for p in PIXELS
#for q in LAST
      sums[LAST - #q][#p] = sums[LAST - #q - 1u][#p];
#end
      sums[0][#p] = shift;
#end
      var seen: array<array<f32, PATCH_W>, STRIDE_H>;
#for j in STRIDE_H
      {
        let row = top + step * STRIDE_H + #j;
        let row_inside = row < H_IN;
        let row_at = x_plane + row * W_IN + left;
#for i in PATCH_W
        {
          let inside = row_inside & inside_#i;
          seen[#j][#i] = select(0.0, f32(x[select(0u, row_at + #i, inside)]), inside);
        }
#end
      }
#end
#for r in K_H
#for s in K_W
#for p in PIXELS
      sums[#r * DILATION_H / STRIDE_H][#p] +=
        seen[#r * DILATION_H % STRIDE_H][#p * STRIDE_W + #s * DILATION_W] * weights[#r * K_W + #s];
#end
#end
#end
      // Where step is less than LAST, the subtraction wraps round, too.
      let row = step - LAST;
      if ((row < ROWS) & (first_row + row < H_OUT)) {
#for p in PIXELS
        if (first_column + #p < W_OUT) {
          let place = (first_row + row) * W_OUT + first_column + #p;
          y[y_plane + place] = to_y(epilogue(sums[LAST][#p], image, channel, place${epilogue.sizeArguments}));
        }
#end
      }
    }
#end
  }
}
`;
  return { source, words, operands: epilogue.bindings };
}
