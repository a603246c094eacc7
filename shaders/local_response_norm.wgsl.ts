/**
 * Local response normalisation across channels. (Krizhevsky, Sutskever and Hinton, 2012, section 3.3.)
 *
 *     y[n, c] = epilogue( x[n, c] / (BIAS + ALPHA / SIZE * sum over d of x[n, d]^2)^BETA )
 *
 * where d runs over SIZE channels about c, as far as they exist: BEFORE of them before it.
 * Layouts and threads: lib/map_kernel.ts.
 */
import type { ShaderModule } from './lib/dimensions.ts';
import { bitsOf } from './lib/epilogue.ts';
import type { Grid } from './lib/grid.ts';
import { type MapProblem, mapElementModule } from './lib/map_kernel.ts';
import { wgsl } from './lib/wgsl.ts';

export interface LocalResponseNormProblem extends MapProblem {
  readonly size: number;
  readonly alpha: number;
  readonly beta: number;
  readonly bias: number;
}

export function localResponseNorm(g: LocalResponseNormProblem, grid: Grid): ShaderModule {
  const { head, locals, words } = mapElementModule(g, grid, {
    SIZE: g.size,
    BEFORE: Math.floor((g.size - 1) / 2),
    SCALE: bitsOf(g.alpha / g.size),
    BETA: bitsOf(g.beta),
    BIAS: bitsOf(g.bias),
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
  let first = max(at.channel, BEFORE) - BEFORE;
  let last = min(at.channel + SIZE - BEFORE, CHANNELS);
  var sum = 0.0;
  for (var d = first; d < last; d++) {
    let value = f32(x[x_plane(at.image, d) + at.place]);
    sum += value * value;
  }
  let value = f32(x[x_plane(at.image, at.channel) + at.place]);
  let base = bitcast<f32>(BIAS) + bitcast<f32>(SCALE) * sum;
  store(value / pow(base, bitcast<f32>(BETA)), at.image, at.channel, at.place);
}
`;
  return { source, words };
}
