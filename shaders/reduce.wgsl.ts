/**
 * Reductions of rows.
 *
 *     y[o, i] = epilogue( combine over l of element(x[o, l, i]), for a mean divided by LENGTH )
 *
 * Layouts: x row-major, seen as [OUTER, LENGTH, INNER] with the axes in the middle; y [OUTER, INNER].
 * Thread mapping: that of rows (lib/rows.ts). Each lane combines blocks of its elements, and the blocks; the largest
 * and the least begin with an element, as WGSL has no word for infinity.
 */
import type { Grid } from './lib/grid.ts';
import { lanesText, type RowProblem, type RowsConfig, rowsText } from './lib/rows.ts';
import { extremeText } from './lib/special_values.ts';
import { wgsl } from './lib/wgsl.ts';

/** What the kernel makes of a row; other reductions are composed of these. */
export type ReduceKind = 'sum' | 'mean' | 'max' | 'min' | 'prod' | 'sum_square' | 'l1';

export interface ReduceProblem extends RowProblem {
  readonly kind: ReduceKind;
}

/** How elements are combined: as terms of a sum or a product, from a neutral element on, or by comparison. */
const KINDS: Readonly<
  Record<ReduceKind, { readonly start?: string; readonly element?: string; readonly both: string }>
> = {
  sum: { start: '0.0', both: 'a + b' },
  mean: { start: '0.0', both: 'a + b' },
  max: { both: 'extreme(a, b)' },
  min: { both: 'extreme(a, b)' },
  prod: { start: '1.0', both: 'a * b' },
  sum_square: { start: '0.0', element: 'value * value', both: 'a + b' },
  l1: { start: '0.0', element: 'abs(value)', both: 'a + b' },
};

export function reduce(g: ReduceProblem, config: RowsConfig, grid: Grid): string {
  const { start, element = 'value', both } = KINDS[g.kind];
  return wgsl`
${rowsText(g, config, grid)}
const START = ${start ?? '0.0'};
const DIVISOR = f32(${g.kind === 'mean' ? g.length : 1});

fn element(value: f32) -> f32 {
  return ${element};
}

${g.kind === 'max' || g.kind === 'min' ? extremeText(g.kind, 'extreme') : ''}
fn combined(a: f32, b: f32) -> f32 {
  return ${both};
}
${lanesText('combine', config, 'combined')}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let row = row_of(workgroup, thread);
#if ${start === undefined}
  // Seen twice, an element changes neither the largest nor the least.
  let start = f32(x[row.first + min(row.lane, LENGTH - 1u) * INNER]);
#else
  const start = START;
#endif
  // A factor that no compiler can bound: Mesa would unroll the loops.
  let one = min(1u, arrayLength(&x));
  var result = start;
  for (var begin = 0u; begin < STEPS * one; begin += BLOCK) {
    var block = start;
    for (var step = begin; step < min(begin + BLOCK, STEPS) * one; step++) {
      let l = step * LANES + row.lane;
      if (l < LENGTH) {
        block = combined(block, element(f32(x[row.first + l * INNER])));
      }
    }
    result = combined(result, block);
  }
  let total = combine(row, result);
  if (row.inside && row.lane == 0u) {
    y[row.nth] = to_y(epilogue_at(total / DIVISOR, row.nth));
  }
}
`;
}
