/**
 * Element by element:
 *
 *     relu     y = max(x, 0)
 *     add      y = a + b, the residual connection; with relu, y = max(a + b, 0)
 *
 * Layouts: all tensors alike. Threads: one invocation an element, in memory order.
 * In place: an input that y takes the memory of is not bound, but read from y.
 */
import { type ElementTypes, elementTypes, type UnaryTypes } from './lib/element_types.ts';
import type { Grid } from './lib/grid.ts';
import { wgsl } from './lib/wgsl.ts';

export const ELEMENTWISE_THREADS = 64;

export function relu(count: number, types: UnaryTypes, grid: Grid, inPlace: boolean): string {
  return wgsl`
${elementTypes(types)}
const COUNT = ${count}u;
const THREADS = ${ELEMENTWISE_THREADS}u;
const GRID_COLUMNS = ${grid.columns}u;

#if ${!inPlace}
@group(0) @binding(0) var<storage, read> x: array<X>;
#endif
@group(0) @binding(1) var<storage, read_write> y: array<Y>;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let at = (workgroup.x + workgroup.y * GRID_COLUMNS) * THREADS + thread;
  if (at < COUNT) {
#if ${inPlace}
    y[at] = to_y(max(f32(y[at]), 0.0));
#else
    y[at] = to_y(max(f32(x[at]), 0.0));
#endif
  }
}
`;
}

export function add(
  count: number,
  activation: 'none' | 'relu',
  types: ElementTypes<'a' | 'b'>,
  grid: Grid,
  overwritten: string | undefined,
): string {
  return wgsl`
${elementTypes(types)}
const COUNT = ${count}u;
const THREADS = ${ELEMENTWISE_THREADS}u;
const GRID_COLUMNS = ${grid.columns}u;

#if ${overwritten !== 'a'}
@group(0) @binding(0) var<storage, read> a: array<A>;
#endif
#if ${overwritten !== 'b'}
@group(0) @binding(1) var<storage, read> b: array<B>;
#endif
@group(0) @binding(2) var<storage, read_write> y: array<Y>;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let at = (workgroup.x + workgroup.y * GRID_COLUMNS) * THREADS + thread;
  if (at < COUNT) {
#if ${overwritten === 'a'}
    let sum = f32(y[at]) + f32(b[at]);
#elif ${overwritten === 'b'}
    let sum = f32(a[at]) + f32(y[at]);
#else
    let sum = f32(a[at]) + f32(b[at]);
#endif
#if ${activation === 'relu'}
    y[at] = to_y(max(sum, 0.0));
#else
    y[at] = to_y(sum);
#endif
  }
}
`;
}
