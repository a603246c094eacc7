/**
 * Activations, element by element:
 *
 *     clip          y = min(max(x, A), B)
 *     leaky_relu    y = x, or A x where x < 0
 *     sigmoid       y = 1 / (1 + exp(-x)), by exp(x) / (1 + exp(x)) where x < 0, so that nothing overflows
 *     hard_sigmoid  y = min(max(A x + B, 0), 1)
 *     hard_swish    y = x min(max(A x + B, 0), 1)
 *
 * Layouts: both tensors alike. Threads: one invocation an element, in memory order.
 * In place: x is not bound, but read from y.
 */
import { elementTypes, type UnaryTypes } from './lib/element_types.ts';
import type { Grid } from './lib/grid.ts';
import { wgsl } from './lib/wgsl.ts';

export type ActivationKind = 'clip' | 'leaky_relu' | 'sigmoid' | 'hard_sigmoid' | 'hard_swish';

export interface ActivationGeometry {
  readonly kind: ActivationKind;
  readonly count: number;
  /** The formula's A and B. */
  readonly a: number;
  readonly b: number;
  readonly types: UnaryTypes;
}

export const ACTIVATION_THREADS = 64;

export function activation(
  { kind, count, a, b, types }: ActivationGeometry,
  grid: Grid,
  inPlace: boolean,
): string {
  return wgsl`
${elementTypes(types)}
const COUNT = ${count}u;
const A = f32(${a});
const B = f32(${b});
const THREADS = ${ACTIVATION_THREADS}u;
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
  if (at >= COUNT) {
    return;
  }
#if ${inPlace}
  let value = f32(y[at]);
#else
  let value = f32(x[at]);
#endif
#if ${kind === 'clip'}
  y[at] = to_y(min(max(value, A), B));
#elif ${kind === 'leaky_relu'}
  y[at] = to_y(select(value, A * value, value < 0.0));
#elif ${kind === 'sigmoid'}
  let decay = exp(-abs(value));
  y[at] = to_y(select(1.0, decay, value < 0.0) / (1.0 + decay));
#elif ${kind === 'hard_sigmoid'}
  y[at] = to_y(min(max(A * value + B, 0.0), 1.0));
#else
  y[at] = to_y(value * min(max(A * value + B, 0.0), 1.0));
#endif
}
`;
}
