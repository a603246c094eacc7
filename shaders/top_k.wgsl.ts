/**
 * The K largest elements of each row, the largest first, or the K least, the least first; the lower index first among
 * equals.
 *
 * Elements are in the order of 56 bits: of their key (lib/ordered_key.ts), then of REST = 2^24 - 1 - index. Two
 * dispatches, so that no order of execution matters:
 *
 *     select   the K-th element of that order, eight bits at a time: counts of the elements that begin as it does by
 *              their next digit, from the largest digit down to that in which the K-th falls; where all with that digit
 *              are chosen, no further digit is needed. All from the K-th on are chosen, in any order.
 *     rank     the place of each of them is how many of them come before it.
 *
 * That is two to eight walks along a row and K^2 comparisons, where K searches for the next one would be K walks.
 *
 * Layouts: x [row][element]; chosen [row][K] (key, index); y [row][K][value, index]. An index is a number like the
 * value, exact below 2^24. What is not a number comes first, with the index -1 - i.
 *
 * Threads: select one workgroup a row, of which every invocation walks every THREADS-th element; rank one invocation a
 * chosen element.
 */
import { elementTypes, type UnaryTypes } from './lib/element_types.ts';
import { elementText, type Grid, tileText } from './lib/grid.ts';
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

export const RANK_THREADS = 64;

/** Reads `x`, writes `chosen`; by workgroups of so many invocations. */
export function topKSelect(g: TopKProblem, threads: number, grid: Grid): string {
  return wgsl`
${elementTypes(g.types)}
${tileText(grid)}
const LENGTH = ${g.length}u;
const K = ${g.k}u;
const THREADS = ${threads}u;
const DIGITS = 7u;
const VALUES = 256u;
const LAST = 0xffffffu;

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read_write> chosen: array<vec2u>;

var<workgroup> counts: array<atomic<u32>, VALUES>;
// The digit of the K-th element, how many are chosen of those that have it, and whether these are all.
var<workgroup> found: vec3u;

${orderedKeyText(g.order)}

// A digit of (key, rest), the first one from the left; the key has four, the rest three.
fn digit_of(element: vec2u, digit: u32) -> u32 {
  let of_key = digit < 4u;
  let shift = select(48u, 24u, of_key) - 8u * digit;
  return (select(element.y, element.x, of_key) >> shift) % VALUES;
}

// What has this digit there, and zeros elsewhere.
fn with_digit(value: u32, digit: u32) -> vec2u {
  let of_key = digit < 4u;
  let shifted = value << (select(48u, 24u, of_key) - 8u * digit);
  return select(vec2u(0u, shifted), vec2u(shifted, 0u), of_key);
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
  // The K-th element, as far as its digits are found, and which bits these are.
  var least = vec2u();
  var known = vec2u();
  // How many of those that begin so are chosen.
  var left = K;
  // A factor that no compiler can bound: Mesa would unroll the loop.
  let one = min(1u, arrayLength(&x));
  for (var digit = 0u; digit < DIGITS * one; digit++) {
    for (var value = thread; value < VALUES; value += THREADS) {
      atomicStore(&counts[value], 0u);
    }
    workgroupBarrier();
    for (var i = thread; i < LENGTH; i += THREADS) {
      let element = vec2u(key_of(f32(x[row * LENGTH + i])), LAST - i);
      if (all((element & known) == least)) {
        atomicAdd(&counts[digit_of(element, digit)], 1u);
      }
    }
    workgroupBarrier();
    if (thread == 0u) {
      var value = VALUES - 1u;
      var count = atomicLoad(&counts[value]);
      while (count < left) {
        left -= count;
        value--;
        count = atomicLoad(&counts[value]);
      }
      found = vec3u(value, left, u32(count == left));
    }
    let next = workgroupUniformLoad(&found);
    least |= with_digit(next.x, digit);
    known |= with_digit(VALUES - 1u, digit);
    left = next.y;
    if (next.z == 1u) {
      break;
    }
  }
  if (thread == 0u) {
    atomicStore(&counts[0], 0u);
  }
  workgroupBarrier();
  for (var i = thread; i < LENGTH * one; i += THREADS) {
    let key = key_of(f32(x[row * LENGTH + i]));
    if (key > least.x || (key == least.x && LAST - i >= least.y)) {
      chosen[row * K + atomicAdd(&counts[0], 1u)] = vec2u(key, i);
    }
  }
}
`;
}

/** Reads `x` and `chosen`, writes `y`. */
export function topKRank(g: TopKProblem, grid: Grid): string {
  return wgsl`
${elementTypes(g.types)}
${elementText(grid, RANK_THREADS, g.rows * g.k)}
const LENGTH = ${g.length}u;
const K = ${g.k}u;

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read> chosen: array<vec2u>;
@group(0) @binding(2) var<storage, read_write> y: array<Y>;

${orderedKeyText(g.order)}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let at = element_of(workgroup, thread);
  if (at >= COUNT) {
    return;
  }
  let row = at / K;
  let own = chosen[at];
  var rank = 0u;
  // A factor that no compiler can bound: Mesa would unroll the loop.
  let one = min(1u, arrayLength(&x));
  for (var i = 0u; i < K * one; i++) {
    let other = chosen[row * K + i];
    rank += u32(other.x > own.x || (other.x == own.x && other.y < own.y));
  }
  let place = (row * K + rank) * 2u;
  let index = f32(own.y);
  y[place] = to_y(f32(x[row * LENGTH + own.y]));
  y[place + 1u] = to_y(select(index, -1.0 - index, own.x == NOT_A_NUMBER));
}
`;
}
