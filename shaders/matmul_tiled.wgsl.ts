/**
 * Products of matrices on workgroup tiles, for GPUs.
 *
 *     y[t, m, n] = epilogue( SCALE * sum over k of a[t, m, k] * b[t, k, n] )
 *
 * Layouts: a, b and y of any strides, which are 0 where a matrix serves several.
 *
 * Tile scheme. A workgroup of THREADS x THREADS invocations computes TILE x TILE elements of a matrix, 4 x 4 each, and
 * walks k in steps of TILE_DEPTH: all load a tile of a and one of b to workgroup memory, zeros beyond the matrices,
 * then each multiplies its four rows by its four columns. Neighbouring invocations load neighbours along that axis of
 * a factor along which they lie together in memory.
 */
import { type Grid, tileText } from './lib/grid.ts';
import { type MatmulProblem, matmulText } from './lib/matmul_problem.ts';
import { wgsl } from './lib/wgsl.ts';

export interface MatmulTiledConfig {
  /** Invocations along rows, and along columns. */
  readonly threads: number;
  /** Of a step along k. */
  readonly depth: number;
}

/** Rows, and columns, of a workgroup. */
export function matmulTile({ threads }: MatmulTiledConfig): number {
  return 4 * threads;
}

export function matmulTiled(g: MatmulProblem, config: MatmulTiledConfig, grid: Grid): string {
  const tile = matmulTile(config);
  return wgsl`
${matmulText(g, { a: false, b: false })}
${tileText(grid)}
const THREADS = ${config.threads}u;
const GROUP = THREADS * THREADS;
const TILE = 4u * THREADS;
const TILE_DEPTH = ${config.depth}u;
const LOADS = ${(tile * config.depth) / config.threads ** 2}u;
const ROW_TILES = ${Math.ceil(g.rows / tile)}u;
const COLUMN_TILES = ${Math.ceil(g.columns / tile)}u;
const QUAD = 4;

const_assert LOADS * GROUP == TILE * TILE_DEPTH;

// Of each k the rows, or the columns, in fours.
var<workgroup> a_tile: array<vec4f, TILE_DEPTH * THREADS>;
var<workgroup> b_tile: array<vec4f, TILE_DEPTH * THREADS>;

@compute @workgroup_size(GROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let tile = tile_of(workgroup);
  if (tile >= GRID_TILES) {
    return;
  }
  let first_column = tile % COLUMN_TILES * TILE;
  let first_row = tile / COLUMN_TILES % ROW_TILES * TILE;
  let matrix = tile / COLUMN_TILES / ROW_TILES;
  let a_at = a_first(matrix);
  let b_at = b_first(matrix);
  let m = thread / THREADS;
  let n = thread % THREADS;

  // DEPTH: a has as many elements, which compilers do not know. Else Intel's writes out all steps, and spills.
  let depth = min(DEPTH, arrayLength(&a));
  var sums: array<vec4f, 4>;
  for (var first = 0u; first < depth; first += TILE_DEPTH) {
    workgroupBarrier();
    for (var i = 0u; i < LOADS; i++) {
      let element = thread + i * GROUP;
#if ${g.a.columns === 1}
      let a_across = element / TILE_DEPTH;
      let a_k = element % TILE_DEPTH;
#else
      let a_across = element % TILE;
      let a_k = element / TILE;
#endif
#if ${g.b.rows === 1}
      let b_across = element / TILE_DEPTH;
      let b_k = element % TILE_DEPTH;
#else
      let b_across = element % TILE;
      let b_k = element / TILE;
#endif
      let row = first_row + a_across;
      let column = first_column + b_across;
      var a_value = 0.0;
      if (row < ROWS && first + a_k < DEPTH) {
        a_value = f32(a[a_at + row * A_ROW + (first + a_k) * A_COLUMN]);
      }
      var b_value = 0.0;
      if (column < COLUMNS && first + b_k < DEPTH) {
        b_value = f32(b[b_at + column * B_COLUMN + (first + b_k) * B_ROW]);
      }
      a_tile[a_k * THREADS + a_across / 4u][a_across % 4u] = a_value;
      b_tile[b_k * THREADS + b_across / 4u][b_across % 4u] = b_value;
    }
    workgroupBarrier();
    for (var k = 0u; k < TILE_DEPTH; k++) {
      let rows = a_tile[k * THREADS + m];
      let columns = b_tile[k * THREADS + n];
#for i in QUAD
      sums[#i] += rows[#i] * columns;
#end
    }
  }

#for i in QUAD
#for j in QUAD
  if (first_row + m * 4u + #i < ROWS && first_column + n * 4u + #j < COLUMNS) {
    store(matrix, first_row + m * 4u + #i, first_column + n * 4u + #j, sums[#i][#j]);
  }
#end
#end
}
`;
}
