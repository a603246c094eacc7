/**
 * Average pooling to a given output size; to 1 x 1 it is the global average.
 *
 *     y[n, c, p, q] = epilogue( mean of x[n, c, floor(p H / P) .. ceil((p+1) H / P) - 1, the same of q] )
 *
 * Layouts: x, y maps [N, C, H, W] of dense planes. Threads: one invocation an element of y, in the order of the shape.
 * Sizes are bound. Means of whole planes have a text of their own: their loops are the same in all lanes.
 */
import type { ShaderModule } from './lib/dimensions.ts';
import type { Grid } from './lib/grid.ts';
import { MAP_THREADS, type MapProblem, mapModule } from './lib/map_kernel.ts';
import { wgsl } from './lib/wgsl.ts';

export interface AdaptivePoolProblem extends MapProblem {
  readonly inputHeight: number;
  readonly inputWidth: number;
  readonly outputHeight: number;
  readonly outputWidth: number;
}

/** Elements of a plane that one sum may take: four sums of 256 lose no digit that matters. */
const LONGEST_ROW = 1024;

export function adaptiveAveragePool2d(g: AdaptivePoolProblem, grid: Grid): ShaderModule {
  const isWhole = g.outputHeight === 1 && g.outputWidth === 1;
  const pixels = g.inputHeight * g.inputWidth;
  // A small plane is as well one row.
  const isRow = isWhole && pixels <= LONGEST_ROW;
  const { head, locals, words } = mapModule(g, grid, {
    COUNT: g.count,
    H_IN: isRow ? 1 : g.inputHeight,
    W_IN: isRow ? pixels : g.inputWidth,
    H_OUT: g.outputHeight,
    W_OUT: g.outputWidth,
  });
  const source = wgsl`
${head}
const THREADS = ${MAP_THREADS}u;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
${locals}
  let nth = (workgroup.x + workgroup.y * GRID_COLUMNS) * THREADS + thread;
  if (nth >= COUNT) {
    return;
  }
  // Remainders by multiplication: CPU adapters divide lane by lane.
  let plane_nth = nth / (H_OUT * W_OUT);
  let image = plane_nth / CHANNELS;
  let channel = plane_nth - image * CHANNELS;
  let place = nth - plane_nth * (H_OUT * W_OUT);
  let plane = x_plane(image, channel);
#if ${isWhole}
  let top = 0u;
  let bottom = H_IN;
  let left = 0u;
  let right = W_IN;
#else
  let p = place / W_OUT;
  let q = place - p * W_OUT;
  let top = p * H_IN / H_OUT;
  let bottom = ((p + 1u) * H_IN + H_OUT - 1u) / H_OUT;
  let left = q * W_IN / W_OUT;
  let right = ((q + 1u) * W_IN + W_OUT - 1u) / W_OUT;
#endif

  var sum = 0.0;
  for (var row = top; row < bottom; row++) {
    // By rows: what one long sum would lose of a million small terms is kept. By fours: a loop's step costs as a load.
    let row_at = plane + row * W_IN;
    var fours = vec4f();
    var column = left;
    for (; column + 3u < right; column += 4u) {
      let at = row_at + column;
      fours += vec4f(f32(x[at]), f32(x[at + 1u]), f32(x[at + 2u]), f32(x[at + 3u]));
    }
    for (; column < right; column++) {
      fours.x += f32(x[row_at + column]);
    }
    sum += dot(fours, vec4f(1.0));
  }
  store(sum / f32((bottom - top) * (right - left)), image, channel, place);
}
`;
  return { source, words };
}
