/**
 * Where the largest or the least element of each row is.
 *
 *     y[o, i] = the l of the first, or of the last, of the largest or least x[o, l, i]; where an element is not a
 *               number, the l of that
 *
 * Layouts: x row-major, seen as [OUTER, LENGTH, INNER] with the axis in the middle; y [OUTER, INNER], f32, exact below
 * 2^24. Elements are compared by their keys (lib/ordered_key.ts), equal ones by their index: no order of execution
 * matters.
 * Thread mapping: that of rows (lib/rows.ts).
 */
import type { Grid } from './lib/grid.ts';
import { orderedKeyText } from './lib/ordered_key.ts';
import { lanesText, type RowProblem, type RowsConfig, rowsText } from './lib/rows.ts';
import { wgsl } from './lib/wgsl.ts';

export interface ArgReduceProblem extends RowProblem {
  /** Which element is looked for. */
  readonly order: 'largest' | 'least';
  /** Among equals. */
  readonly takes: 'first' | 'last';
}

export function argReduce(g: ArgReduceProblem, config: RowsConfig, grid: Grid): string {
  return wgsl`
${rowsText(g, config, grid)}

${orderedKeyText(g.order)}

struct Found {
  key: u32,
  index: u32,
}

fn better(a: Found, b: Found) -> Found {
#if ${g.takes === 'first'}
  let a_comes = a.index < b.index;
#else
  let a_comes = a.index > b.index;
#endif
  if (a.key > b.key || (a.key == b.key && a_comes)) {
    return a;
  }
  return b;
}
${lanesText('best', config, 'better', 'Found')}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let row = row_of(workgroup, thread);
  // Lanes without an element look at the last one again.
  let begin = min(row.lane, LENGTH - 1u);
  var found = Found(key_of(f32(x[row.first + begin * INNER])), begin);
  // A factor that no compiler can bound: Mesa would unroll the loop.
  let one = min(1u, arrayLength(&x));
  for (var l = begin + LANES; l < LENGTH * one; l += LANES) {
    found = better(found, Found(key_of(f32(x[row.first + l * INNER])), l));
  }
  found = best(row, found);
  if (row.inside && row.lane == 0u) {
    y[row.nth] = to_y(epilogue_at(f32(found.index), row.nth));
  }
}
`;
}
