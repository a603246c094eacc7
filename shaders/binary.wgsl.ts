/**
 * Arithmetic of two tensors, element by element, an extent of 1 repeated along the other's:
 *
 *     y[i, j, ...] = a[i or 0, j or 0, ...] OPERATION b[i or 0, j or 0, ...]
 *
 * Layouts: row-major, padded by leading extents of 1 to MOST_AXES axes; a stride is 0 where the extent repeats.
 * Threads: one invocation an element of y, in memory order.
 * In place: an input of y's extents that y takes the memory of is not bound, but read from y.
 */
import { type ElementTypes, elementTypes } from './lib/element_types.ts';
import type { Grid } from './lib/grid.ts';
import { wgsl } from './lib/wgsl.ts';

export type BinaryKind = 'add' | 'sub' | 'mul' | 'div';

/** Axes that a kernel counts. */
export const MOST_AXES = 6;

export interface BinaryGeometry {
  readonly kind: BinaryKind;
  /** Of y, MOST_AXES extents. */
  readonly extents: readonly number[];
  readonly strides: { readonly a: readonly number[]; readonly b: readonly number[] };
  readonly types: ElementTypes<'a' | 'b'>;
}

export const BINARY_THREADS = 64;

export function binary(
  { kind, extents, strides, types }: BinaryGeometry,
  grid: Grid,
  overwritten: string | undefined,
): string {
  return wgsl`
${elementTypes(types)}
const AXES = ${MOST_AXES}u;
const EXTENTS = array<u32, AXES>(${extents.join(', ')});
const A_STRIDES = array<u32, AXES>(${strides.a.join(', ')});
const B_STRIDES = array<u32, AXES>(${strides.b.join(', ')});
const COUNT = ${extents.reduce((product, extent) => product * extent, 1)}u;
const THREADS = ${BINARY_THREADS}u;
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
  if (at >= COUNT) {
    return;
  }
  var rest = at;
  var a_at = 0u;
  var b_at = 0u;
#for i in AXES
  a_at += rest % EXTENTS[AXES - 1u - #i] * A_STRIDES[AXES - 1u - #i];
  b_at += rest % EXTENTS[AXES - 1u - #i] * B_STRIDES[AXES - 1u - #i];
  rest /= EXTENTS[AXES - 1u - #i];
#end
#if ${overwritten === 'a'}
  let left = f32(y[at]);
#else
  let left = f32(a[a_at]);
#endif
#if ${overwritten === 'b'}
  let right = f32(y[at]);
#else
  let right = f32(b[b_at]);
#endif
#if ${kind === 'add'}
  y[at] = to_y(left + right);
#elif ${kind === 'sub'}
  y[at] = to_y(left - right);
#elif ${kind === 'mul'}
  y[at] = to_y(left * right);
#else
  y[at] = to_y(left / right);
#endif
}
`;
}
