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
import type { Grid } from './lib/grid.ts';
import { type MapProblem, mapElementText } from './lib/map_kernel.ts';
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

export function pad2d(g: Pad2dProblem, grid: Grid): string {
  return wgsl`
${mapElementText(g, grid)}
const H_IN = ${g.inputHeight}i;
const W_IN = ${g.inputWidth}i;
const W_OUT = ${g.outputWidth}u;
const TOP = i32(${g.top});
const LEFT = i32(${g.left});
const VALUE = f32(${g.value});

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let at = element_at(workgroup, thread);
  if (at.nth >= COUNT) {
    return;
  }
  var row = i32(at.place / W_OUT) - TOP;
  var column = i32(at.place % W_OUT) - LEFT;
#if ${g.mode === 'constant'}
  if (row < 0i || row >= H_IN || column < 0i || column >= W_IN) {
    store(VALUE, at.image, at.channel, at.place);
    return;
  }
#elif ${g.mode === 'edge'}
  row = clamp(row, 0i, H_IN - 1i);
  column = clamp(column, 0i, W_IN - 1i);
#elif ${g.mode === 'wrap'}
  row = (row % H_IN + H_IN) % H_IN;
  column = (column % W_IN + W_IN) % W_IN;
#else
  row = H_IN - 1i - abs(H_IN - 1i - abs(row));
  column = W_IN - 1i - abs(W_IN - 1i - abs(column));
#endif
  let source = x_plane(at.image, at.channel) + u32(row * W_IN + column);
  store(f32(x[source]), at.image, at.channel, at.place);
}
`;
}
