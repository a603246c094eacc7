/**
 * Running sums of rows.
 *
 *     y[o, l, i] = epilogue( sum over k <= l of x[o, k, i] )
 *
 * EXCLUSIVE leaves out k = l; REVERSE runs from the end of the row, over k >= l.
 *
 * Layouts: x, y row-major, seen as [OUTER, LENGTH, INNER] with the axis in the middle.
 * Thread mapping: rows and lanes are those of lib/rows.ts, but a lane takes STEPS neighbours, in the order of the sum:
 *
 *     lane 0: elements 0 1 2 3    lane 1: elements 4 5 6 7    ...
 *
 * Each lane adds up its elements, the lanes what comes before each of them, by doubling distances, and each lane walks
 * its elements again to store. It adds by blocks either time: a sum is what was before the block and what is in it.
 */
import type { Grid } from './lib/grid.ts';
import { type RowProblem, type RowsConfig, rowsText } from './lib/rows.ts';
import { wgsl } from './lib/wgsl.ts';

export interface CumSumProblem extends RowProblem {
  readonly exclusive: boolean;
  readonly reverse: boolean;
}

export function cumSum(g: CumSumProblem, config: RowsConfig, grid: Grid): string {
  return wgsl`
${rowsText(g, config, grid)}

#if ${config.lanes > 1}
var<workgroup> sums: array<f32, THREADS>;

// What the lanes of a row before this one have added up.
fn before(row: Row, total: f32) -> f32 {
  let at = row.lane * TILE_ROWS + row.place;
  sums[at] = total;
  for (var distance = 1u; distance < LANES; distance *= 2u) {
    workgroupBarrier();
    var sum = sums[at];
    if (row.lane >= distance) {
      sum += sums[at - distance * TILE_ROWS];
    }
    workgroupBarrier();
    sums[at] = sum;
  }
  workgroupBarrier();
  if (row.lane == 0u) {
    return 0.0;
  }
  return sums[at - TILE_ROWS];
}
#else
fn before(row: Row, total: f32) -> f32 {
  return 0.0;
}
#endif

// Where the element of a row is that a sum reaches after so many others.
fn element(row: Row, nth: u32) -> u32 {
#if ${g.reverse}
  return row.first + (LENGTH - 1u - nth) * INNER;
#else
  return row.first + nth * INNER;
#endif
}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let row = row_of(workgroup, thread);
  let first = min(row.lane * STEPS, LENGTH);
  let end = min(first + STEPS, LENGTH);
  // A factor that no compiler can bound: Mesa would unroll the loops.
  let one = min(1u, arrayLength(&x));

  var sum = 0.0;
#if ${config.lanes > 1}
  for (var begin = first; begin < end * one; begin += BLOCK) {
    var block = 0.0;
    for (var nth = begin; nth < min(begin + BLOCK, end) * one; nth++) {
      block += f32(x[element(row, nth)]);
    }
    sum += block;
  }
#endif
  sum = before(row, sum);
  if (!row.inside) {
    return;
  }
  for (var begin = first; begin < end * one; begin += BLOCK) {
    var block = 0.0;
    for (var nth = begin; nth < min(begin + BLOCK, end) * one; nth++) {
      let at = element(row, nth);
#if ${g.exclusive}
      let result = sum + block;
      block += f32(x[at]);
#else
      block += f32(x[at]);
      let result = sum + block;
#endif
      y[at] = to_y(epilogue_at(result, at));
    }
    sum += block;
  }
}
`;
}
