/**
 * Fully connected layer.
 *
 *     y[n, o] = activation( bias[o] + sum over i of x[n, i] * weight[i, o] )
 *
 * Layouts: x, y [N, features]; weight transposed at load time to [input, output]; bias [output], f32.
 * Threads: one invocation an output element; neighbouring invocations read neighbouring weights, and
 * all of them the same x.
 */
import { type ElementTypes, elementTypes } from './lib/element_types.ts';
import type { Grid } from './lib/grid.ts';
import { wgsl } from './lib/wgsl.ts';

export interface LinearGeometry {
  readonly batch: number;
  readonly inputs: number;
  readonly outputs: number;
  readonly bias: boolean;
  readonly activation: 'none' | 'relu';
  readonly types: ElementTypes<'x' | 'weight'>;
}

export const LINEAR_THREADS = 64;

export function linear(g: LinearGeometry, grid: Grid): string {
  return wgsl`
${elementTypes(g.types)}
const INPUTS = ${g.inputs}u;
const OUTPUTS = ${g.outputs}u;
const COUNT = ${g.batch * g.outputs}u;
const THREADS = ${LINEAR_THREADS}u;
const GRID_COLUMNS = ${grid.columns}u;

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read> weight: array<Weight>;
#if ${g.bias}
@group(0) @binding(2) var<storage, read> bias: array<f32>;
#endif
@group(0) @binding(3) var<storage, read_write> y: array<Y>;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let at = (workgroup.x + workgroup.y * GRID_COLUMNS) * THREADS + thread;
  if (at >= COUNT) {
    return;
  }
  let output = at % OUTPUTS;
  let row = at / OUTPUTS * INPUTS;
  var sum = 0.0;
  for (var i = 0u; i < INPUTS; i++) {
    sum += f32(x[row + i]) * f32(weight[i * OUTPUTS + output]);
  }
#if ${g.bias}
  sum += bias[output];
#endif
#if ${g.activation === 'relu'}
  y[at] = to_y(max(sum, 0.0));
#else
  y[at] = to_y(sum);
#endif
}
`;
}
