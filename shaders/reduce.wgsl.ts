/**
 * Mean or maximum along neighbouring axes.
 *
 *     y[o, i] = epilogue( mean or max over l of x[o, l, i] )
 *
 * Layouts: x row-major, seen as [OUTER, LENGTH, INNER] with the axes in the middle; y [OUTER, INNER].
 * Threads: one workgroup an element of y. Each invocation walks every THREADS-th element; the rest goes through a
 * tree in workgroup memory, always in the same order.
 */
import { elementTypes, type UnaryTypes } from './lib/element_types.ts';
import type { Epilogue } from './lib/epilogue.ts';
import { epilogueAtText } from './lib/epilogue_at.ts';
import { type Grid, tileText } from './lib/grid.ts';
import { reductionText } from './lib/reduction.ts';
import { wgsl } from './lib/wgsl.ts';

export type ReduceKind = 'mean' | 'max';

export interface ReduceProblem {
  readonly kind: ReduceKind;
  readonly outer: number;
  readonly length: number;
  readonly inner: number;
  /** Of y. */
  readonly shape: readonly number[];
  readonly types: UnaryTypes;
  readonly epilogue: Epilogue | undefined;
}

export function reduce(g: ReduceProblem, grid: Grid): string {
  const isMean = g.kind === 'mean';
  const combine = (a: string, b: string): string => (isMean ? `${a} + ${b}` : `max(${a}, ${b})`);
  return wgsl`
${elementTypes(g.types, g.epilogue)}
const LENGTH = ${g.length}u;
const INNER = ${g.inner}u;
const THREADS = 64u;
const LOWEST = -0x1.fffffep+127f;
const START = ${isMean ? '0.0' : 'LOWEST'};
const DIVISOR = f32(${isMean ? g.length : 1});
${tileText(grid)}
${reductionText('combine', combine)}

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read_write> y: array<Y>;
${epilogueAtText(g.epilogue, g.shape)}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let at = tile_of(workgroup);
  if (at >= GRID_TILES) {
    return;
  }
  let first = at / INNER * (LENGTH * INNER) + at % INNER;
  var result = START;
  for (var l = thread; l < LENGTH; l += THREADS) {
    let value = f32(x[first + l * INNER]);
#if ${isMean}
    result += value;
#else
    result = max(result, value);
#endif
  }
  let total = combine(thread, result);
  if (thread == 0u) {
    y[at] = to_y(epilogue_at(total / DIVISOR, at));
  }
}
`;
}
