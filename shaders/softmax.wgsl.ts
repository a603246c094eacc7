/**
 * Softmax along one axis, shifted by the maximum so that no exponential overflows.
 *
 *     y = exp(x - max x) / sum exp(x - max x)
 *
 * Layouts: x, y row-major, seen as [OUTER, LENGTH, INNER] with the axis in the middle.
 * Threads: one workgroup a row of LENGTH elements. Each invocation walks every THREADS-th element; maximum
 * and sum then go through a tree in workgroup memory, always in the same order.
 */
import { elementTypes, type UnaryTypes } from './lib/element_types.ts';
import type { Grid } from './lib/grid.ts';
import { wgsl } from './lib/wgsl.ts';

export interface SoftmaxGeometry {
  readonly outer: number;
  readonly length: number;
  readonly inner: number;
  readonly types: UnaryTypes;
}

export function softmax(g: SoftmaxGeometry, grid: Grid): string {
  return wgsl`
${elementTypes(g.types)}
const LENGTH = ${g.length}u;
const INNER = ${g.inner}u;
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
  let row = workgroup.x + workgroup.y * GRID_COLUMNS;
  if (row >= GRID_TILES) {
    return;
  }
  let first = row / INNER * (LENGTH * INNER) + row % INNER;

  var largest = LOWEST;
  for (var i = thread; i < LENGTH; i += THREADS) {
    largest = max(largest, f32(x[first + i * INNER]));
  }
  partial[thread] = largest;
  for (var half = THREADS / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (thread < half) {
      partial[thread] = max(partial[thread], partial[thread + half]);
    }
  }
  workgroupBarrier();
  largest = partial[0];
  workgroupBarrier();

  var sum = 0.0;
  for (var i = thread; i < LENGTH; i += THREADS) {
    sum += exp(f32(x[first + i * INNER]) - largest);
  }
  partial[thread] = sum;
  for (var half = THREADS / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (thread < half) {
      partial[thread] += partial[thread + half];
    }
  }
  workgroupBarrier();
  sum = partial[0];

  for (var i = thread; i < LENGTH; i += THREADS) {
    y[first + i * INNER] = to_y(exp(f32(x[first + i * INNER]) - largest) / sum);
  }
}
`;
}
