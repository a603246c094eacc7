/**
 * Average pooling to a given output size; to 1 x 1 it is the global average.
 *
 *     y[n, c, p, q] = epilogue( mean of x[n, c, floor(p H / P) .. ceil((p+1) H / P) - 1, the same of q] )
 *
 * Layouts and threads: lib/map_kernel.ts.
 */
import type { Grid } from './lib/grid.ts';
import { type MapProblem, mapElementText } from './lib/map_kernel.ts';
import { wgsl } from './lib/wgsl.ts';

export interface AdaptivePoolProblem extends MapProblem {
  readonly inputHeight: number;
  readonly inputWidth: number;
  readonly outputHeight: number;
  readonly outputWidth: number;
}

export function adaptiveAveragePool2d(g: AdaptivePoolProblem, grid: Grid): string {
  return wgsl`
${mapElementText(g, grid)}
const H_IN = ${g.inputHeight}u;
const W_IN = ${g.inputWidth}u;
const H_OUT = ${g.outputHeight}u;
const W_OUT = ${g.outputWidth}u;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let at = element_at(workgroup, thread);
  if (at.nth >= COUNT) {
    return;
  }
  let p = at.place / W_OUT;
  let q = at.place % W_OUT;
  let top = p * H_IN / H_OUT;
  let bottom = ((p + 1u) * H_IN + H_OUT - 1u) / H_OUT;
  let left = q * W_IN / W_OUT;
  let right = ((q + 1u) * W_IN + W_OUT - 1u) / W_OUT;
  let plane = x_plane(at.image, at.channel);

  // A count that no compiler can bound: Mesa unrolls others, and compiles a mean of 7 x 7 for a third of a second.
  let one = min(1u, arrayLength(&x));
  let end = top + (bottom - top) * one;
  var sum = 0.0;
  for (var row = top; row < end; row++) {
    // By rows: what one long sum would lose of a million small terms is kept.
    var row_sum = 0.0;
    for (var column = left; column < right; column++) {
      row_sum += f32(x[plane + row * W_IN + column]);
    }
    sum += row_sum;
  }
  store(sum / f32((bottom - top) * (right - left)), at.image, at.channel, at.place);
}
`;
}
