/**
 * Products of matrices of few rows or columns: one invocation an element.
 *
 *     y[t, m, n] = epilogue( SCALE * sum over k of a[t, m, k] * b[t, k, n] )
 *
 * Layouts: a, b and y of any strides, which are 0 where a matrix serves several. Threads: one invocation an
 * element of y, in memory order.
 */
import { elementText, type Grid } from './lib/grid.ts';
import { type MatmulProblem, matmulText, matricesOf } from './lib/matmul_problem.ts';
import { wgsl } from './lib/wgsl.ts';

export const MATMUL_THREADS = 64;

export function matmul(g: MatmulProblem, grid: Grid): string {
  return wgsl`
${matmulText(g, { a: false, b: false })}
${elementText(grid, MATMUL_THREADS, matricesOf(g) * g.rows * g.columns)}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let at = element_of(workgroup, thread);
  if (at >= COUNT) {
    return;
  }
  let matrix = at / (ROWS * COLUMNS);
  let row = at / COLUMNS % ROWS;
  let column = at % COLUMNS;
  let a_at = a_first(matrix) + row * A_ROW;
  let b_at = b_first(matrix) + column * B_COLUMN;
  var sum = 0.0;
  for (var k = 0u; k < DEPTH; k++) {
    sum += f32(a[a_at + k * A_COLUMN]) * f32(b[b_at + k * B_ROW]);
  }
  store(matrix, row, column, sum);
}
`;
}
