/**
 * Normalisation of rows by their own statistics: layer, group, instance and root-mean-square normalisation.
 *
 *     centred    y = epilogue( (x - mean x) / sqrt( mean of (x - mean x)^2 + EPSILON ) )
 *     else       y = epilogue( x / sqrt( mean of x^2 + EPSILON ) )
 *
 * Scale and offset are pointwise operators after it, and its epilogue.
 *
 * Layouts: x, y row-major, seen as [OUTER, LENGTH, INNER] with what is normalised in the middle.
 * Thread mapping: that of rows (lib/rows.ts). Each lane walks its elements three times: for the mean, for the mean of
 * the squares of what is left, both by blocks, and to store. One pass for both, over x and x^2, would lose all digits
 * where the mean is large beside the deviation.
 */
import type { Grid } from './lib/grid.ts';
import { addUpText, type RowProblem, type RowsConfig, rowsText } from './lib/rows.ts';
import { wgsl } from './lib/wgsl.ts';

export interface NormalizeProblem extends RowProblem {
  readonly centred: boolean;
  readonly epsilon: number;
}

/** What a lane makes of its elements of a row: their sum, or that of their squares. */
export function laneSumText(): string {
  return `
// The elements of a lane, or the squares of their distances from a centre, added up.
fn lane_sum(row: Row, centre: f32, squared: bool) -> f32 {
  // A factor that no compiler can bound: Mesa would unroll the loops.
  let one = min(1u, arrayLength(&x));
  var sum = 0.0;
  for (var begin = 0u; begin < STEPS * one; begin += BLOCK) {
    var block = 0.0;
    for (var step = begin; step < min(begin + BLOCK, STEPS) * one; step++) {
      let l = step * LANES + row.lane;
      if (l < LENGTH) {
        let value = f32(x[row.first + l * INNER]) - centre;
        block += select(value, value * value, squared);
      }
    }
    sum += block;
  }
  return sum;
}`;
}

/** Stores a row by its centre and deviation. */
export function storeText(): string {
  return `
  if (row.inside) {
    let one = min(1u, arrayLength(&x));
    for (var l = row.lane; l < LENGTH * one; l += LANES) {
      let at = row.first + l * INNER;
      y[at] = to_y(epilogue_at((f32(x[at]) - centre) / deviation, at));
    }
  }`;
}

export function normalize(g: NormalizeProblem, config: RowsConfig, grid: Grid): string {
  return wgsl`
${rowsText(g, config, grid)}
const EPSILON = ${g.epsilon};

${addUpText(config)}

${laneSumText()}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let row = row_of(workgroup, thread);
#if ${g.centred}
  let centre = add_up(row, lane_sum(row, 0.0, false)) / f32(LENGTH);
#else
  const centre = 0.0;
#endif
  let variance = add_up(row, lane_sum(row, centre, true)) / f32(LENGTH);
  let deviation = sqrt(variance + EPSILON);
${storeText()}
}
`;
}
