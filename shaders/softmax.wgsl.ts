/**
 * Softmax of rows and its logarithm, shifted by the maximum so that no exponential overflows. NaN
 * makes all of its row NaN.
 *
 *     softmax        y = epilogue( exp(x - max x) / sum exp(x - max x) )
 *     log softmax    y = epilogue( x - max x - log sum exp(x - max x) )
 *
 * Layouts: x, y row-major, seen as [OUTER, LENGTH, INNER] with the axis in the middle.
 * Thread mapping: that of rows (lib/rows.ts). Each lane walks its elements three times: for the maximum, for the sum of
 * the exponentials, by blocks, and to store.
 */
import type { Grid } from './lib/grid.ts';
import { addUpText, lanesText, type RowProblem, type RowsConfig, rowsText } from './lib/rows.ts';
import { extremeText } from './lib/special_values.ts';
import { wgsl } from './lib/wgsl.ts';

export interface SoftmaxProblem extends RowProblem {
  readonly logarithm: boolean;
}

export function softmax(g: SoftmaxProblem, config: RowsConfig, grid: Grid): string {
  return wgsl`
${rowsText(g, config, grid)}
${extremeText('max', 'larger')}
${lanesText('maximum', config, 'larger')}
${addUpText(config)}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let row = row_of(workgroup, thread);
  // A factor that no compiler can bound: Mesa would unroll the loops.
  let one = min(1u, arrayLength(&x));

  var largest = f32(x[row.first + min(row.lane, LENGTH - 1u) * INNER]);
  for (var l = row.lane; l < LENGTH * one; l += LANES) {
    largest = larger(largest, f32(x[row.first + l * INNER]));
  }
  largest = maximum(row, largest);

  var sum = 0.0;
  for (var begin = 0u; begin < STEPS * one; begin += BLOCK) {
    var block = 0.0;
    for (var step = begin; step < min(begin + BLOCK, STEPS) * one; step++) {
      let l = step * LANES + row.lane;
      if (l < LENGTH) {
        block += exp(f32(x[row.first + l * INNER]) - largest);
      }
    }
    sum += block;
  }
  sum = add_up(row, sum);

  if (row.inside) {
    for (var l = row.lane; l < LENGTH * one; l += LANES) {
      let at = row.first + l * INNER;
      let shifted = f32(x[at]) - largest;
#if ${g.logarithm}
      y[at] = to_y(epilogue_at(shifted - log(sum), at));
#else
      y[at] = to_y(epilogue_at(exp(shifted) / sum, at));
#endif
    }
  }
}
`;
}
