/**
 * Where the largest element of each window lies: what max pooling leaves for unpooling.
 *
 *     y[n, c, p, q] = the index in x of the first of the window's largest elements that lie in the image; where one is
 *                     not a number, of that
 *
 * An index counts the elements of all of x, each plane row by row or column by column. It is exact up to 2^24. Elements
 * are compared by their keys (lib/ordered_key.ts).
 *
 * Layouts and threads: lib/map_kernel.ts.
 */
import type { Grid } from './lib/grid.ts';
import { mapElementText } from './lib/map_kernel.ts';
import { orderedKeyText } from './lib/ordered_key.ts';
import { wgsl } from './lib/wgsl.ts';
import { windowText } from './lib/window.ts';
import type { Pool2dProblem } from './pool2d.wgsl.ts';

export interface MaxPool2dIndicesProblem extends Pool2dProblem {
  /** What follow one another in a plane. */
  readonly order: 'rows' | 'columns';
}

export function maxPool2dIndices(g: MaxPool2dIndicesProblem, grid: Grid): string {
  return wgsl`
${mapElementText(g, grid)}
const H_IN = ${g.inputHeight}i;
const W_IN = ${g.inputWidth}i;
const W_OUT = ${g.outputWidth}u;
${windowText(g, 'i32')}
// From one index to the next, down and across.
const DOWN = ${g.order === 'rows' ? g.inputWidth : 1}u;
const ACROSS = ${g.order === 'rows' ? 1 : g.inputHeight}u;
${orderedKeyText('largest')}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let at = element_at(workgroup, thread);
  if (at.nth >= COUNT) {
    return;
  }
  let top = i32(at.place / W_OUT) * STRIDE_H - PAD_TOP;
  let left = i32(at.place % W_OUT) * STRIDE_W - PAD_LEFT;
  let plane = x_plane(at.image, at.channel);
  // A factor that no compiler can bound: Mesa would unroll the loops.
  let one = i32(min(1u, arrayLength(&y)));
  // No element has this key.
  var largest = 0u;
  var found = 0u;
  for (var r = 0i; r < K_H * one; r++) {
    let row = top + r * DILATION_H;
    if (row < 0i || row >= H_IN) {
      continue;
    }
    for (var s = 0i; s < K_W * one; s++) {
      let column = left + s * DILATION_W;
      if (column >= 0i && column < W_IN) {
        let key = key_of(f32(x[plane + u32(row * W_IN + column)]));
        if (key > largest) {
          largest = key;
          found = u32(row) * DOWN + u32(column) * ACROSS;
        }
      }
    }
  }
  let before = (at.image * CHANNELS + at.channel) * u32(H_IN * W_IN);
  store(f32(before + found), at.image, at.channel, at.place);
}
`;
}
