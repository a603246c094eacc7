/**
 * Local response normalisation across channels. (Krizhevsky, Sutskever and Hinton, 2012, section 3.3.)
 *
 *     y[n, c] = epilogue( x[n, c] / (BIAS + ALPHA / SIZE * sum over d of x[n, d]^2)^BETA )
 *
 * where d runs over SIZE channels about c, as far as they exist: BEFORE of them before it.
 * Layouts and threads: lib/map_kernel.ts.
 */
import type { Grid } from './lib/grid.ts';
import { type MapProblem, mapElementText } from './lib/map_kernel.ts';
import { wgsl } from './lib/wgsl.ts';

export interface LocalResponseNormProblem extends MapProblem {
  readonly size: number;
  readonly alpha: number;
  readonly beta: number;
  readonly bias: number;
}

export function localResponseNorm(g: LocalResponseNormProblem, grid: Grid): string {
  return wgsl`
${mapElementText(g, grid)}
const SIZE = ${g.size}u;
const BEFORE = (SIZE - 1u) / 2u;
const SCALE = f32(${g.alpha / g.size});
const BETA = f32(${g.beta});
const BIAS = f32(${g.bias});

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let at = element_at(workgroup, thread);
  if (at.nth >= COUNT) {
    return;
  }
  let first = max(at.channel, BEFORE) - BEFORE;
  let last = min(at.channel + SIZE - BEFORE, CHANNELS);
  var sum = 0.0;
  for (var d = first; d < last; d++) {
    let value = f32(x[x_plane(at.image, d) + at.place]);
    sum += value * value;
  }
  let value = f32(x[x_plane(at.image, at.channel) + at.place]);
  store(value / pow(BIAS + SCALE * sum, BETA), at.image, at.channel, at.place);
}
`;
}
