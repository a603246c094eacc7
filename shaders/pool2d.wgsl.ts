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
 */
import { elementText, type Grid } from './lib/grid.ts';
import { type MapProblem, mapText } from './lib/map_kernel.ts';
import { extremeText } from './lib/special_values.ts';
import { wgsl } from './lib/wgsl.ts';
import { type Window2d, windowText } from './lib/window.ts';

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

/** Outputs of an invocation: several where their windows overlap, and have no gaps. */
function outputsOf({ kernel, stride, dilation, outputWidth }: Pool2dProblem): number {
  const overlap = stride[1] < kernel[1] && dilation[1] === 1;
  return overlap ? Math.min(4, outputWidth) : 1;
}

/** Invocations that a pooling takes. */
export function pool2dRuns(g: Pool2dProblem): number {
  return (g.count / g.outputWidth) * Math.ceil(g.outputWidth / outputsOf(g));
}

export function pool2d(g: Pool2dProblem, grid: Grid): string {
  const isMax = g.mode === 'max';
  const outputs = outputsOf(g);
  const reach = (g.kernel[1] - 1) * g.dilation[1] + 1;
  return wgsl`
${mapText(g)}
${elementText(grid, POOL2D_THREADS, pool2dRuns(g))}
const H_IN = ${g.inputHeight}i;
const W_IN = ${g.inputWidth}i;
const H_OUT = ${g.outputHeight}u;
const W_OUT = ${g.outputWidth}u;
${windowText(g, 'i32')}
const PADDED_BOTTOM = ${g.inputHeight + g.padding.bottom}i;
const PADDED_RIGHT = ${g.inputWidth + g.padding.right}i;
const OUTPUTS = ${outputs}u;
const RUNS = ${Math.ceil(g.outputWidth / outputs)}u;
const REACH = ${reach}i;
const PATCH = ${(outputs - 1) * g.stride[1] + reach}i;
// The bits of -Infinity, which WGSL has no word for, or of 0.
const START = ${isMax ? -0x800000 : 0}i;
${isMax ? extremeText('max', 'larger') : ''}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let nth = element_of(workgroup, thread);
  if (nth >= COUNT) {
    return;
  }
  let image = nth / (RUNS * H_OUT * CHANNELS);
  let channel = nth / (RUNS * H_OUT) % CHANNELS;
  let p = nth / RUNS % H_OUT;
  let first = nth % RUNS * OUTPUTS;
  let plane = i32(x_plane(image, channel));
  let top = i32(p) * STRIDE_H - PAD_TOP;
  let left = i32(first) * STRIDE_W - PAD_LEFT;
  // A factor that no compiler can bound: Mesa would unroll the loops.
  let one = i32(min(1u, arrayLength(&y)));

#for o in OUTPUTS
  var result#o = bitcast<f32>(START * one);
#end
  var rows = 0.0;
  for (var r = 0i; r < K_H * one; r++) {
    let row = top + r * DILATION_H;
#if ${!isMax}
#if ${g.countIncludePad}
    rows += f32(row < PADDED_BOTTOM);
#else
    rows += f32(row >= 0i && row < H_IN);
#endif
#endif
    if (row < 0i || row >= H_IN) {
      continue;
    }
    for (var j = 0i; j < PATCH * one; j += DILATION_W) {
      let column = left + j;
      if (column >= 0i && column < W_IN) {
        let value = f32(x[plane + row * W_IN + column]);
#for o in OUTPUTS
        {
          let tap = j - #o * STRIDE_W;
          let seen = (tap >= 0i) & (tap < REACH);
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
#for o in OUTPUTS
  if (first + #o < W_OUT) {
#if ${!isMax}
    var columns = 0.0;
    for (var s = 0i; s < K_W * one; s++) {
      let column = left + #o * STRIDE_W + s * DILATION_W;
#if ${g.countIncludePad}
      columns += f32(column < PADDED_RIGHT);
#else
      columns += f32(column >= 0i && column < W_IN);
#endif
    }
    result#o /= rows * columns;
#endif
    store(result#o, image, channel, place + #o);
  }
#end
}
`;
}
