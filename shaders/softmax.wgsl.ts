/**
 * Softmax along one axis, shifted by the maximum so that no exponential overflows.
 *
 *     y = epilogue( exp(x - max x) / sum exp(x - max x) )
 *
 * Layouts: x, y row-major, seen as [OUTER, LENGTH, INNER] with the axis in the middle.
 * Threads: one workgroup a row of LENGTH elements. Each invocation walks every THREADS-th element; maximum
 * and sum then go through a tree in workgroup memory, always in the same order.
 */
import { elementTypes, type UnaryTypes } from './lib/element_types.ts';
import type { Epilogue } from './lib/epilogue.ts';
import { epilogueAtText } from './lib/epilogue_at.ts';
import { type Grid, tileText } from './lib/grid.ts';
import { reductionText } from './lib/reduction.ts';
import { wgsl } from './lib/wgsl.ts';

export interface SoftmaxProblem {
  readonly outer: number;
  readonly length: number;
  readonly inner: number;
  /** The axes one by one. */
  readonly shape: readonly number[];
  readonly types: UnaryTypes;
  readonly epilogue: Epilogue | undefined;
}

export function softmax(g: SoftmaxProblem, grid: Grid): string {
  return wgsl`
${elementTypes(g.types, g.epilogue)}
const LENGTH = ${g.length}u;
const INNER = ${g.inner}u;
const THREADS = 64u;
const LOWEST = -0x1.fffffep+127f;
${tileText(grid)}
${reductionText('maximum', (a, b) => `max(${a}, ${b})`)}
${reductionText('add_up', (a, b) => `${a} + ${b}`)}

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read_write> y: array<Y>;
${epilogueAtText(g.epilogue, g.shape)}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let row = tile_of(workgroup);
  if (row >= GRID_TILES) {
    return;
  }
  let first = row / INNER * (LENGTH * INNER) + row % INNER;

  var largest = LOWEST;
  for (var i = thread; i < LENGTH; i += THREADS) {
    largest = max(largest, f32(x[first + i * INNER]));
  }
  largest = maximum(thread, largest);

  var sum = 0.0;
  for (var i = thread; i < LENGTH; i += THREADS) {
    sum += exp(f32(x[first + i * INNER]) - largest);
  }
  sum = add_up(thread, sum);

  for (var i = thread; i < LENGTH; i += THREADS) {
    let at = first + i * INNER;
    y[at] = to_y(epilogue_at(exp(f32(x[at]) - largest) / sum, at));
  }
}
`;
}
