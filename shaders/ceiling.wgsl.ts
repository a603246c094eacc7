/**
 * Microkernels that find an adapter's limits, for the shares of the roofline that profiles print.
 *
 * fmaCeiling: CHAINS independent chains of s = s * a + b in each invocation, STEPS long, nothing else: the
 * most multiply-adds a kernel can do. The result is stored so that the compiler keeps the work.
 *
 * copyCeiling: y = x, one value of WIDTH words an invocation, neighbouring invocations on neighbouring
 * values, RUN values one grid apart: the most bytes a kernel can move.
 */
import type { Grid } from './lib/grid.ts';
import { wgsl } from './lib/wgsl.ts';

export const CEILING_THREADS = 64;

export interface FmaCeilingConfig {
  /** Independent chains an invocation: enough to fill the pipeline, few enough to stay in registers. */
  readonly chains: number;
  readonly steps: number;
  readonly width: 1 | 4;
}

export function fmaCeiling({ chains, steps, width }: FmaCeilingConfig): string {
  return wgsl`
const CHAINS = ${chains};
const STEPS = ${steps}u;
const THREADS = ${CEILING_THREADS}u;
#if ${width === 4}
alias Value = vec4f;
#else
alias Value = f32;
#endif

@group(0) @binding(0) var<storage, read_write> y: array<Value>;

@compute @workgroup_size(THREADS)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let a = Value(f32(id.x) * 1e-9 + 0.999);
  let b = Value(1e-7);
#for i in CHAINS
  var s#i = Value(f32(id.x + #i));
#end
  for (var step = 0u; step < STEPS; step++) {
#for i in CHAINS
    s#i = s#i * a + b;
#end
  }
  var sum = Value();
#for i in CHAINS
  sum += s#i;
#end
  y[id.x] = sum;
}
`;
}

export interface CopyCeilingConfig {
  /** Words moved at once. */
  readonly width: 1 | 4;
  /** Values that one invocation moves. */
  readonly run: number;
}

/** Copies `count` floats, a multiple of WIDTH * RUN * CEILING_THREADS, by a grid that covers them exactly. */
export function copyCeiling(count: number, { width, run }: CopyCeilingConfig, grid: Grid): string {
  return wgsl`
const RUN = ${run}u;
const STRIDE = ${count / width / run}u;
const THREADS = ${CEILING_THREADS}u;
const GRID_COLUMNS = ${grid.columns}u;
#if ${width === 4}
alias Value = vec4f;
#else
alias Value = f32;
#endif

@group(0) @binding(0) var<storage, read> x: array<Value>;
@group(0) @binding(1) var<storage, read_write> y: array<Value>;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let first = (workgroup.x + workgroup.y * GRID_COLUMNS) * THREADS + thread;
  if (first >= STRIDE) {
    return;
  }
  for (var i = 0u; i < RUN; i++) {
    y[first + i * STRIDE] = x[first + i * STRIDE];
  }
}
`;
}
