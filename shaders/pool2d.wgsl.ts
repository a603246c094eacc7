/**
 * Max and average pooling over a window.
 *
 *     max      y[n, c, p, q] = epilogue( max over the window's elements that lie in the image )
 *     average  y[n, c, p, q] = epilogue( (sum over the same elements) / divisor ), where the divisor is the number of
 *              elements in the image or, with count_include_pad, also of those in the padding. Cells that
 *              ceil mode adds beyond the padding never count.
 *
 * By rows: an invocation computes OUTPUTS neighbours of a row. It loads what they see of an input row once, and hands
 * each element to those whose window it lies in: 9 loads in place of 12 for four windows of 3x3, stride 2.
 *
 *     x   . . . . . . . . .        y   o o o o      OUTPUTS = 4, PATCH = 9
 *
 * Layouts: x, y maps [N, C, H, W] of dense planes. Threads: one invocation a run of a row, in the order of the shape.
 * All sizes are bound, those of the window, too: no loop over taps is worth unrolling.
 */
import type { ShaderModule } from './lib/dimensions.ts';
import type { Grid } from './lib/grid.ts';
import { type MapProblem, mapModule } from './lib/map_kernel.ts';
import { extremeText } from './lib/special_values.ts';
import { wgsl } from './lib/wgsl.ts';
import { type Window2d, windowSizes } from './lib/window.ts';

export interface Pool2dProblem extends MapProblem, Window2d {
  /** What becomes of a window. */
  readonly mode: 'max' | 'average';
  /** Rows of an input plane. */
  readonly inputHeight: number;
  /** Columns of an input plane. */
  readonly inputWidth: number;
  /** Rows of an output plane. */
  readonly outputHeight: number;
  /** Columns of an output plane. */
  readonly outputWidth: number;
  /** Rows and columns on each side. */
  readonly padding: {
    /** Rows above the first. */
    readonly top: number;
    /** Columns before the first. */
    readonly left: number;
    /** Rows below the last. */
    readonly bottom: number;
    /** Columns after the last. */
    readonly right: number;
  };
  /** Whether padding counts as zeros in a mean. */
  readonly countIncludePad: boolean;
}

export const POOL2D_THREADS = 64;

/** Outputs of an invocation: several where there are no gaps in their windows, and none between them. */
function outputsOf({ kernel, stride, dilation, outputWidth }: Pool2dProblem): number {
  const together = stride[1] <= kernel[1] && dilation[1] === 1;
  return together ? Math.min(4, outputWidth) : 1;
}

/** Invocations that a pooling takes. */
export function pool2dRuns(g: Pool2dProblem): number {
  return (g.count / g.outputWidth) * Math.ceil(g.outputWidth / outputsOf(g));
}

/** The rows and columns that count in a mean, from the first to before the last; they may be negative. */
function countedSizes({ inputHeight, inputWidth, padding, countIncludePad }: Pool2dProblem) {
  const { top, left, bottom, right } = countIncludePad ? padding : NO_PADDING;
  return {
    COUNTED_TOP: -top,
    COUNTED_BOTTOM: inputHeight + bottom,
    COUNTED_LEFT: -left,
    COUNTED_RIGHT: inputWidth + right,
  };
}

const NO_PADDING = { top: 0, left: 0, bottom: 0, right: 0 };

export function pool2d(g: Pool2dProblem, grid: Grid): ShaderModule {
  const isMax = g.mode === 'max';
  const outputs = outputsOf(g);
  const reach = (g.kernel[1] - 1) * g.dilation[1] + 1;
  const { head, locals, words } = mapModule(g, grid, {
    COUNT: pool2dRuns(g),
    H_IN: g.inputHeight,
    W_IN: g.inputWidth,
    H_OUT: g.outputHeight,
    W_OUT: g.outputWidth,
    ...windowSizes(g),
    RUNS: Math.ceil(g.outputWidth / outputs),
    REACH: reach,
    PATCH: (outputs - 1) * g.stride[1] + reach,
    // The bits of -Infinity, which WGSL has no word for, or of 0.
    START: isMax ? 0xff800000 : 0,
    ...(isMax ? {} : countedSizes(g)),
  });
  const source = wgsl`
${head}
const THREADS = ${POOL2D_THREADS}u;
const OUTPUTS = ${outputs}u;
${isMax ? extremeText('max', 'larger') : ''}
#if ${!isMax}
// How many of the taps from at on, dilation apart, lie before end, however many there are. The half keeps quotients
// away from whole numbers, which the division of GPUs may miss by a few units.
fn before(end: u32, at: u32, dilation: u32) -> f32 {
  return floor((f32(i32(end - at)) - 0.5) / f32(dilation)) + 1.0;
}

// How many of taps taps lie in [first, end).
fn counted(at: u32, first: u32, end: u32, taps: u32, dilation: u32) -> f32 {
  return min(f32(taps), before(end, at, dilation)) - max(0.0, before(first, at, dilation));
}
#endif

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
${locals}
  let nth = (workgroup.x + workgroup.y * GRID_COLUMNS) * THREADS + thread;
  if (nth >= COUNT) {
    return;
  }
  // Remainders by multiplication: CPU adapters divide lane by lane.
  let row_nth = nth / RUNS;
  let plane_nth = row_nth / H_OUT;
  let image = plane_nth / CHANNELS;
  let channel = plane_nth - image * CHANNELS;
  let p = row_nth - plane_nth * H_OUT;
  let first = (nth - row_nth * RUNS) * OUTPUTS;
  let plane = x_plane(image, channel);
  // Above and left of the image the subtraction wraps round to a huge number: one comparison does.
  let top = p * STRIDE_H - PAD_TOP;
  let left = first * STRIDE_W - PAD_LEFT;

#for o in OUTPUTS
  var result#o = bitcast<f32>(START);
#end
  for (var r = 0u; r < K_H; r++) {
    let row = top + r * DILATION_H;
    if (row >= H_IN) {
      continue;
    }
    for (var j = 0u; j < PATCH; j += DILATION_W) {
      let column = left + j;
      if (column < W_IN) {
        let value = f32(x[plane + row * W_IN + column]);
#for o in OUTPUTS
        {
          let seen = j - #o * STRIDE_W < REACH;
#if ${isMax}
          result#o = select(result#o, larger(result#o, value), seen);
#else
          result#o += select(0.0, value, seen);
#endif
        }
#end
      }
    }
  }

  let place = p * W_OUT + first;
#if ${!isMax}
  let rows = counted(top, COUNTED_TOP, COUNTED_BOTTOM, K_H, DILATION_H);
#endif
#for o in OUTPUTS
  if (first + #o < W_OUT) {
#if ${!isMax}
    result#o /= rows * counted(left + #o * STRIDE_W, COUNTED_LEFT, COUNTED_RIGHT, K_W, DILATION_W);
#endif
    store(result#o, image, channel, place + #o);
  }
#end
}
`;
  return { source, words };
}
