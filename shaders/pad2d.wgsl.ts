/**
 * Padding of feature maps, also by negative amounts, which cut.
 *
 *     constant  y[p, q] = x[p - TOP, q - LEFT], or VALUE outside of x
 *     edge      the nearest element of x instead
 *     wrap      x again, from its other end
 *     reflect   x mirrored at its first and last element, which are not repeated
 *
 * and the epilogue of that. Layouts and threads: lib/map_kernel.ts.
 */
import type { ShaderModule } from './lib/dimensions.ts';
import { bitsOf } from './lib/epilogue.ts';
import type { Grid } from './lib/grid.ts';
import { type MapProblem, mapElementModule } from './lib/map_kernel.ts';
import { wgsl } from './lib/wgsl.ts';

/** What padding is made of: one value, the nearest element, the tensor repeated, or mirrored at its last element. */
export type PadMode = 'constant' | 'edge' | 'wrap' | 'reflect';

export interface Pad2dProblem extends MapProblem {
  readonly mode: PadMode;
  readonly value: number;
  readonly inputHeight: number;
  readonly inputWidth: number;
  readonly outputWidth: number;
  readonly top: number;
  readonly left: number;
}

export function pad2d(g: Pad2dProblem, grid: Grid): ShaderModule {
  const { head, locals, words } = mapElementModule(g, grid, {
    H_IN: g.inputHeight,
    W_IN: g.inputWidth,
    W_OUT: g.outputWidth,
    TOP: g.top,
    LEFT: g.left,
    VALUE: bitsOf(g.value),
  });
  const source = wgsl`
${head}

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
  let height = i32(H_IN);
  let width = i32(W_IN);
  var row = i32(at.place / W_OUT - TOP);
  var column = i32(at.place % W_OUT - LEFT);
#if ${g.mode === 'constant'}
  if (row < 0i || row >= height || column < 0i || column >= width) {
    store(bitcast<f32>(VALUE), at.image, at.channel, at.place);
    return;
  }
#elif ${g.mode === 'edge'}
  row = clamp(row, 0i, height - 1i);
  column = clamp(column, 0i, width - 1i);
#elif ${g.mode === 'wrap'}
  row = (row % height + height) % height;
  column = (column % width + width) % width;
#else
  row = height - 1i - abs(height - 1i - abs(row));
  column = width - 1i - abs(width - 1i - abs(column));
#endif
  let source = x_plane(at.image, at.channel) + u32(row * width + column);
  store(f32(x[source]), at.image, at.channel, at.place);
}
`;
  return { source, words };
}
