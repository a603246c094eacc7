/**
 * Products of matrices, for what no linear layer is: both factors may be activations.
 *
 *     y[t, m, n] = epilogue( SCALE * sum over k of a[t, m, k] * b[t, k, n] )
 *
 * Layouts: stacks of row-major matrices; a stride between the matrices of a stack is 0 where one serves all;
 * either factor may be stored transposed. Threads: one invocation an element of y, in memory order.
 */
import { type ElementTypes, elementTypes } from './lib/element_types.ts';
import type { Epilogue } from './lib/epilogue.ts';
import { epilogueAtText } from './lib/epilogue_at.ts';
import { elementText, type Grid } from './lib/grid.ts';
import { wgsl } from './lib/wgsl.ts';

export interface MatmulProblem {
  readonly matrices: number;
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly scale: number;
  /** Elements from one matrix to the next. */
  readonly stackA: number;
  readonly stackB: number;
  /** Of y. */
  readonly shape: readonly number[];
  readonly types: ElementTypes<'a' | 'b'>;
  readonly epilogue: Epilogue | undefined;
}

export const MATMUL_THREADS = 64;

export function matmul(g: MatmulProblem, grid: Grid): string {
  return wgsl`
${elementTypes(g.types, g.epilogue)}
${elementText(grid, MATMUL_THREADS, g.matrices * g.rows * g.columns)}
const ROWS = ${g.rows}u;
const COLUMNS = ${g.columns}u;
const DEPTH = ${g.depth}u;
const SCALE = f32(${g.scale});
const STACK_A = ${g.stackA}u;
const STACK_B = ${g.stackB}u;

@group(0) @binding(0) var<storage, read> a: array<A>;
@group(0) @binding(1) var<storage, read> b: array<B>;
@group(0) @binding(2) var<storage, read_write> y: array<Y>;
${epilogueAtText(g.epilogue, g.shape)}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let at = element_of(workgroup, thread);
  if (at >= COUNT) {
    return;
  }
  let matrix = at / (ROWS * COLUMNS);
  let row = at / COLUMNS % ROWS;
  let column = at % COLUMNS;
  let a_first = matrix * STACK_A;
  let b_first = matrix * STACK_B;
  var sum = 0.0;
  for (var k = 0u; k < DEPTH; k++) {
#if ${g.transposeA}
    let left = f32(a[a_first + k * ROWS + row]);
#else
    let left = f32(a[a_first + row * DEPTH + k]);
#endif
#if ${g.transposeB}
    sum += left * f32(b[b_first + column * DEPTH + k]);
#else
    sum += left * f32(b[b_first + k * COLUMNS + column]);
#endif
  }
  y[at] = to_y(epilogue_at(SCALE * sum, at));
}
`;
}
