/**
 * Products of matrices without workgroup memory, for adapters that run on the CPU.
 *
 *     y[t, m, n] = epilogue( SCALE * sum over k of a[t, m, k] * b[t, k, n] )
 *
 * Layouts: a, b and y of any strides, which are 0 where a matrix serves several.
 *
 * Tile and threads. A workgroup owns TILE_ROWS rows of a matrix and 4 * LANES columns; lane l keeps the sums of all
 * these rows and of the columns from 4 * l on. A load is what costs, whatever its pattern, so that four words are
 * loaded at once where that can be: of a along k; of b along its columns, or along k where b is stored transposed. STEP
 * rows of k are multiplied at a time, and sums are taken by blocks (lib/blocked_sum.ts). Rows and columns after the
 * last ones repeat it and are not stored.
 */
import { blockOf } from './lib/blocked_sum.ts';
import { type Grid, tileText } from './lib/grid.ts';
import { inFours, type MatmulProblem, matmulText } from './lib/matmul_problem.ts';
import { wgsl } from './lib/wgsl.ts';

export interface MatmulRowsConfig {
  /** Rows of one invocation. */
  readonly rows: number;
  /** Invocations of a workgroup, along columns. */
  readonly lanes: number;
}

export function matmulRows(g: MatmulProblem, config: MatmulRowsConfig, grid: Grid): string {
  const aWide = inFours(g, 'a', 'columns');
  const bAlongDepth = inFours(g, 'b', 'rows');
  const bWide = inFours(g, 'b', 'columns');
  const step = g.depth % 4 === 0 ? 4 : 1;
  return wgsl`
${matmulText(g, { a: aWide, b: bWide || bAlongDepth })}
${tileText(grid)}
const TILE_ROWS = ${config.rows}u;
const LANES = ${config.lanes}u;
const STEP = ${step}u;
const BLOCK = ${blockOf(step)}u;
const ROW_TILES = ${Math.ceil(g.rows / config.rows)}u;
const COLUMN_TILES = ${Math.ceil(g.columns / (4 * config.lanes))}u;
const QUAD = 4;

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tile = tile_of(workgroup);
  if (tile >= GRID_TILES) {
    return;
  }
  let first_column = (tile % COLUMN_TILES * LANES + lane) * 4u;
  let first_row = tile / COLUMN_TILES % ROW_TILES * TILE_ROWS;
  let matrix = tile / COLUMN_TILES / ROW_TILES;
#for r in TILE_ROWS
  let a_at#r = a_first(matrix) + min(first_row + #r, ROWS - 1u) * A_ROW;
#end
#for c in QUAD
  let b_at#c = b_first(matrix) + min(first_column + #c, COLUMNS - 1u) * B_COLUMN;
#end

  var results: array<vec4f, TILE_ROWS>;
  var k = 0u;
  while (k < DEPTH) {
    // Spelt out: SwiftShader keeps what a variable without initializer had in the round before.
    var sums = array<vec4f, TILE_ROWS>();
    let block_end = min(k + BLOCK, DEPTH);
    for (; k < block_end; k += STEP) {
#if ${bAlongDepth}
#for c in QUAD
      let column#c = vec4f(b[(b_at#c + k) / 4u]);
#end
#for d in STEP
      let b#d = vec4f(column0[#d], column1[#d], column2[#d], column3[#d]);
#end
#else
#for d in STEP
#if ${bWide}
      let b#d = vec4f(b[(b_at0 + (k + #d) * B_ROW) / 4u]);
#else
      let b_row#d = (k + #d) * B_ROW;
      let b#d = vec4f(
        f32(b[b_at0 + b_row#d]), f32(b[b_at1 + b_row#d]), f32(b[b_at2 + b_row#d]), f32(b[b_at3 + b_row#d]),
      );
#endif
#end
#endif
#for r in TILE_ROWS
#if ${aWide}
      let a#r = vec4f(a[(a_at#r + k) / 4u]);
#for d in STEP
      sums[#r] += a#r[#d] * b#d;
#end
#else
#for d in STEP
      sums[#r] += f32(a[a_at#r + (k + #d) * A_COLUMN]) * b#d;
#end
#endif
#end
    }
#for r in TILE_ROWS
    results[#r] += sums[#r];
#end
  }

  // True loops: a factor that no compiler can bound keeps them from being unrolled, which would be most of the code.
  let one = min(1u, arrayLength(&y));
  for (var r = 0u; r < TILE_ROWS * one; r++) {
    for (var c = 0u; c < 4u * one; c++) {
      if (first_row + r < ROWS && first_column + c < COLUMNS) {
        store(matrix, first_row + r, first_column + c, results[r][c]);
      }
    }
  }
}
`;
}
