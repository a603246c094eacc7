/**
 * Mean or maximum along neighbouring axes.
 *
 *     y[o, i] = mean or max over l of x[o, l, i]
 *
 * Layouts: x row-major, seen as [OUTER, LENGTH, INNER] with the axes in the middle; y [OUTER, INNER].
 * Threads: one workgroup an element of y. Each invocation walks every THREADS-th element; the rest goes through a
 * tree in workgroup memory, always in the same order.
 */
import { elementTypes, type UnaryTypes } from './lib/element_types.ts';
import type { Grid } from './lib/grid.ts';
import { wgsl } from './lib/wgsl.ts';

export type ReduceKind = 'mean' | 'max';

export interface ReduceGeometry {
  readonly kind: ReduceKind;
  readonly outer: number;
  readonly length: number;
  readonly inner: number;
  readonly types: UnaryTypes;
}

export function reduce({ kind, length, inner, types }: ReduceGeometry, grid: Grid): string {
  return wgsl`
${elementTypes(types)}
const LENGTH = ${length}u;
const INNER = ${inner}u;
const THREADS = 64u;
const LOWEST = -0x1.fffffep+127f;
const GRID_COLUMNS = ${grid.columns}u;
const GRID_TILES = ${grid.tiles}u;

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read_write> y: array<Y>;

var<workgroup> partial: array<f32, THREADS>;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let at = workgroup.x + workgroup.y * GRID_COLUMNS;
  if (at >= GRID_TILES) {
    return;
  }
  let first = at / INNER * (LENGTH * INNER) + at % INNER;
#if ${kind === 'mean'}
  var result = 0.0;
#else
  var result = LOWEST;
#endif
  for (var l = thread; l < LENGTH; l += THREADS) {
#if ${kind === 'mean'}
    result += f32(x[first + l * INNER]);
#else
    result = max(result, f32(x[first + l * INNER]));
#endif
  }
  partial[thread] = result;
  for (var half = THREADS / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (thread < half) {
#if ${kind === 'mean'}
      partial[thread] += partial[thread + half];
#else
      partial[thread] = max(partial[thread], partial[thread + half]);
#endif
    }
  }
  if (thread == 0u) {
#if ${kind === 'mean'}
    y[at] = to_y(partial[0] / f32(LENGTH));
#else
    y[at] = to_y(partial[0]);
#endif
  }
}
`;
}
