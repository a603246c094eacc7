/**
 * The K largest elements of each row, the largest first, or the K least, the least first; the lower index first among
 * equals.
 *
 * Layouts: x [row][element]; y [row][K][value, index]. An index is a number like the value, exact below 2^24. Where
 * a row holds what is not a number, its first entry has the index -1 - i, i the first such element.
 *
 * Elements are compared by their keys (lib/ordered_key.ts): what is not a number is seen for certain.
 *
 * Threads: one workgroup a row, K rounds. In each, every invocation walks every THREADS-th element for the first of
 * those after the last one found; a tree in workgroup memory takes the first of all. No order of execution matters:
 * keys and indices decide.
 */
import { elementTypes, type UnaryTypes } from './lib/element_types.ts';
import { type Grid, tileText } from './lib/grid.ts';
import { orderedKeyText } from './lib/ordered_key.ts';
import { wgsl } from './lib/wgsl.ts';

/** Rows, and how many elements of each are looked for. */
export interface TopKProblem {
  /** Their number. */
  readonly rows: number;
  /** Elements of a row. */
  readonly length: number;
  /** At most `length`. */
  readonly k: number;
  /** Which elements are looked for. */
  readonly order: 'largest' | 'least';
  /** How input and output are stored. */
  readonly types: UnaryTypes;
}

/** By workgroups of so many invocations, a power of two. */
export function topK(g: TopKProblem, threads: number, grid: Grid): string {
  return wgsl`
${elementTypes(g.types)}
${tileText(grid)}
const LENGTH = ${g.length}u;
const K = ${g.k}u;
const THREADS = ${threads}u;

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read_write> y: array<Y>;

var<workgroup> keys: array<u32, THREADS>;
var<workgroup> indices: array<u32, THREADS>;

${orderedKeyText(g.order)}

fn before(key: u32, index: u32, other_key: u32, other_index: u32) -> bool {
  return key > other_key || (key == other_key && index < other_index);
}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let row = tile_of(workgroup);
  if (row >= GRID_TILES) {
    return;
  }
  var last_key = 0xffffffffu;
  var last_index = 0u;
  // A factor that no compiler can bound: Mesa would unroll the rounds.
  let one = min(1u, arrayLength(&x));
  for (var round = 0u; round < K * one; round++) {
    var best_key = 0u;
    var best_index = LENGTH;
    for (var i = thread; i < LENGTH; i += THREADS) {
      let key = key_of(f32(x[row * LENGTH + i]));
      if (before(last_key, last_index, key, i) && before(key, i, best_key, best_index)) {
        best_key = key;
        best_index = i;
      }
    }
    keys[thread] = best_key;
    indices[thread] = best_index;
    for (var half = THREADS / 2u; half > 0u; half /= 2u) {
      workgroupBarrier();
      if (thread < half) {
        let other = thread + half;
        if (before(keys[other], indices[other], keys[thread], indices[thread])) {
          keys[thread] = keys[other];
          indices[thread] = indices[other];
        }
      }
    }
    workgroupBarrier();
    last_key = keys[0];
    last_index = indices[0];
    if (thread == 0u) {
      let at = (row * K + round) * 2u;
      let index = f32(last_index);
      y[at] = to_y(f32(x[row * LENGTH + last_index]));
      y[at + 1u] = to_y(select(index, -1.0 - index, last_key == NOT_A_NUMBER));
    }
    workgroupBarrier();
  }
}
`;
}
