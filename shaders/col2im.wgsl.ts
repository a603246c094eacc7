/**
 * Columns laid back on the map that they were taken of, which is also the second pass of a transposed convolution: adds
 * up, for each element, the products that fall on it.
 *
 *     y[n, o, p, q] = epilogue( bias[o] + sum over r, s of products[(o * K_H + r) * K_W + s, n, row, column] )
 *
 *     over those r, s for which row = (p + PAD_TOP - r * DILATION_H) / STRIDE_H is an integer, and column likewise, and
 *     both lie in the plane of products
 *
 * With a kernel as large as the stride this is one product for each element: an interleaving of phases. Products are
 * added in the order of r and s, so that results do not depend on timing.
 *
 * Layouts: products, y maps of dense planes; bias [C_OUT]. Threads: one invocation an element of y, in the order of the
 * shape.
 */
import { type ElementTypes, elementTypes } from './lib/element_types.ts';
import { type Epilogue, epilogueText } from './lib/epilogue.ts';
import { elementText, type Grid } from './lib/grid.ts';
import { planeText } from './lib/map_kernel.ts';
import type { MapStrides } from './lib/map_strides.ts';
import { wgsl } from './lib/wgsl.ts';
import { type Window2d, windowText } from './lib/window.ts';

export interface Col2imProblem extends Window2d {
  readonly batch: number;
  readonly outputChannels: number;
  readonly outputHeight: number;
  readonly outputWidth: number;
  /** Of the planes of products. */
  readonly height: number;
  readonly width: number;
  readonly products: MapStrides;
  readonly bias: boolean;
  readonly epilogue: Epilogue | undefined;
  readonly yStrides: MapStrides;
  readonly types: ElementTypes<'products'>;
}

export const COL2IM_THREADS = 64;

/** Elements of y. */
export function col2imCount(g: Col2imProblem): number {
  return g.batch * g.outputChannels * g.outputHeight * g.outputWidth;
}

/** From one tap that can fall on an element to the next, along an axis. */
function stepOf({ stride, dilation }: Col2imProblem, axis: 0 | 1): number {
  return dilation[axis] === 1 ? stride[axis] : 1;
}

/** Whether exactly one product falls on each element. */
export function isInterleaving({ kernel, stride, dilation }: Col2imProblem): boolean {
  return ([0, 1] as const).every(
    (axis) => kernel[axis] === stride[axis] && (dilation[axis] === 1 || kernel[axis] === 1),
  );
}

export function col2im(g: Col2imProblem, grid: Grid): string {
  return wgsl`
${elementTypes(g.types, g.epilogue)}
${elementText(grid, COL2IM_THREADS, col2imCount(g))}
const C_OUT = ${g.outputChannels}u;
const H_OUT = ${g.outputHeight}u;
const W_OUT = ${g.outputWidth}u;
const PLANE_OUT = H_OUT * W_OUT;
const HEIGHT = ${g.height}u;
const WIDTH = ${g.width}u;
${windowText(g, 'u32')}
const STEP_H = ${stepOf(g, 0)}u;
const STEP_W = ${stepOf(g, 1)}u;

@group(0) @binding(0) var<storage, read> products: array<Products>;
#if ${g.bias}
@group(0) @binding(1) var<storage, read> bias: array<f32>;
#endif
@group(0) @binding(2) var<storage, read_write> y: array<Y>;
${planeText('products', g.products)}
${planeText('y', g.yStrides)}
${epilogueText(g.epilogue)}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let nth = element_of(workgroup, thread);
  if (nth >= COUNT) {
    return;
  }
  let image = nth / (C_OUT * PLANE_OUT);
  let channel = nth / PLANE_OUT % C_OUT;
  let place = nth % PLANE_OUT;
  let down = place / W_OUT + PAD_TOP;
  let across = place % W_OUT + PAD_LEFT;
  let first = products_plane(image, channel * K_H * K_W);

  var sum = 0.0;
#if ${isInterleaving(g)}
  let row = down / STRIDE_H;
  let column = across / STRIDE_W;
  let tap = down % STRIDE_H * K_W + across % STRIDE_W;
  if (row < HEIGHT && column < WIDTH) {
    sum = f32(products[first + tap * PRODUCTS_CHANNEL + row * WIDTH + column]);
  }
#else
  // A factor that no compiler can bound: Mesa would unroll the loops.
  let one = min(1u, arrayLength(&y));
  for (var r = down % STEP_H; r < K_H * one; r += STEP_H) {
    // Before the plane the subtraction wraps round to a huge number.
    let stretched_row = down - r * DILATION_H;
    let row = stretched_row / STRIDE_H;
    if (row >= HEIGHT || row * STRIDE_H != stretched_row) {
      continue;
    }
    for (var s = across % STEP_W; s < K_W * one; s += STEP_W) {
      let stretched_column = across - s * DILATION_W;
      let column = stretched_column / STRIDE_W;
      if (column < WIDTH && column * STRIDE_W == stretched_column) {
        sum += f32(products[first + (r * K_W + s) * PRODUCTS_CHANNEL + row * WIDTH + column]);
      }
    }
  }
#endif
#if ${g.bias}
  sum += bias[channel];
#endif
  y[y_plane(image, channel) + place] = to_y(epilogue(sum, image, channel, place));
}
`;
}
