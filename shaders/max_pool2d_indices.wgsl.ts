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
import type { ShaderModule } from './lib/dimensions.ts';
import type { Grid } from './lib/grid.ts';
import { mapElementModule } from './lib/map_kernel.ts';
import { orderedKeyText } from './lib/ordered_key.ts';
import { wgsl } from './lib/wgsl.ts';
import { type Pool2dProblem, pool2dSizes } from './pool2d.wgsl.ts';

export interface MaxPool2dIndicesProblem extends Pool2dProblem {
  /** What follow one another in a plane. */
  readonly order: 'rows' | 'columns';
}

export function maxPool2dIndices(g: MaxPool2dIndicesProblem, grid: Grid): ShaderModule {
  const { head, locals, words } = mapElementModule(g, grid, {
    ...pool2dSizes(g),
    // From one index to the next, down and across.
    DOWN: g.order === 'rows' ? g.inputWidth : 1,
    ACROSS: g.order === 'rows' ? 1 : g.inputHeight,
  });
  const source = wgsl`
${head}
${orderedKeyText('largest')}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
${locals}
  let at = element_at(workgroup, thread);
  if (at.nth >= COUNT) {
    return;
  }
  // Above and left of the image the subtraction wraps round to a huge number: one comparison does.
  let top = at.place / W_OUT * STRIDE_H - PAD_TOP;
  let left = at.place % W_OUT * STRIDE_W - PAD_LEFT;
  let plane = x_plane(at.image, at.channel);
  // No element has this key.
  var largest = 0u;
  var found = 0u;
  for (var r = 0u; r < K_H; r++) {
    let row = top + r * DILATION_H;
    if (row >= H_IN) {
      continue;
    }
    for (var s = 0u; s < K_W; s++) {
      let column = left + s * DILATION_W;
      if (column < W_IN) {
        let key = key_of(f32(x[plane + row * W_IN + column]));
        if (key > largest) {
          largest = key;
          found = row * DOWN + column * ACROSS;
        }
      }
    }
  }
  let before = (at.image * CHANNELS + at.channel) * (H_IN * W_IN);
  store(f32(before + found), at.image, at.channel, at.place);
}
`;
  return { source, words };
}
