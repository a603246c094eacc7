/**
 * Max and average pooling over a window.
 *
 *     max      y[n, c, p, q] = max over the window's elements that lie in the image
 *     average  y[n, c, p, q] = (sum over the same elements) / divisor, where the divisor is the number of
 *              elements in the image or, with count_include_pad, also of those in the padding. Cells that
 *              ceil mode adds beyond the padding never count.
 *
 * Layouts: x, y feature maps, NCHW or channel-major. Threads: one invocation an output element, in the order of NCHW.
 */
import type { MapStrides } from './lib/conv2d_geometry.ts';
import { elementTypes, type UnaryTypes } from './lib/element_types.ts';
import type { Grid } from './lib/grid.ts';
import { wgsl } from './lib/wgsl.ts';

export interface Pool2dGeometry {
  readonly mode: 'max' | 'average';
  readonly batch: number;
  readonly channels: number;
  readonly inputHeight: number;
  readonly inputWidth: number;
  readonly outputHeight: number;
  readonly outputWidth: number;
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly padding: {
    readonly top: number;
    readonly left: number;
    readonly bottom: number;
    readonly right: number;
  };
  readonly countIncludePad: boolean;
  readonly xStrides: MapStrides;
  readonly yStrides: MapStrides;
  readonly types: UnaryTypes;
}

export const POOL2D_THREADS = 64;

export function pool2d(g: Pool2dGeometry, grid: Grid): string {
  return wgsl`
${elementTypes(g.types)}
const H_IN = ${g.inputHeight}i;
const W_IN = ${g.inputWidth}i;
const H_OUT = ${g.outputHeight}i;
const W_OUT = ${g.outputWidth}i;
const CHANNELS = ${g.channels}i;
const COUNT = ${g.batch * g.channels * g.outputHeight * g.outputWidth}i;
const X_IMAGE = ${g.xStrides.image}i;
const X_CHANNEL = ${g.xStrides.channel}i;
const Y_IMAGE = ${g.yStrides.image}i;
const Y_CHANNEL = ${g.yStrides.channel}i;
const K_H = ${g.kernel[0]}i;
const K_W = ${g.kernel[1]}i;
const STRIDE_H = ${g.stride[0]}i;
const STRIDE_W = ${g.stride[1]}i;
const DILATION_H = ${g.dilation[0]}i;
const DILATION_W = ${g.dilation[1]}i;
const PAD_TOP = ${g.padding.top}i;
const PAD_LEFT = ${g.padding.left}i;
const PADDED_BOTTOM = ${g.inputHeight + g.padding.bottom}i;
const PADDED_RIGHT = ${g.inputWidth + g.padding.right}i;
const LOWEST = -0x1.fffffep+127f;
const THREADS = ${POOL2D_THREADS}u;
const GRID_COLUMNS = ${grid.columns}u;

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read_write> y: array<Y>;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let at = i32((workgroup.x + workgroup.y * GRID_COLUMNS) * THREADS + thread);
  if (at >= COUNT) {
    return;
  }
  let image = at / (H_OUT * W_OUT * CHANNELS);
  let channel = at / (H_OUT * W_OUT) % CHANNELS;
  let plane = image * X_IMAGE + channel * X_CHANNEL;
  let to = image * Y_IMAGE + channel * Y_CHANNEL + at % (H_OUT * W_OUT);
  let top = at / W_OUT % H_OUT * STRIDE_H - PAD_TOP;
  let left = at % W_OUT * STRIDE_W - PAD_LEFT;

#if ${g.mode === 'max'}
  var best = LOWEST;
#else
  var sum = 0.0;
  var divisor = 0.0;
#endif
  for (var r = 0i; r < K_H; r++) {
    for (var s = 0i; s < K_W; s++) {
      let row = top + r * DILATION_H;
      let column = left + s * DILATION_W;
      let inside = row >= 0i && row < H_IN && column >= 0i && column < W_IN;
#if ${g.mode === 'max'}
      if (inside) {
        best = max(best, f32(x[plane + row * W_IN + column]));
      }
#else
      if (inside) {
        sum += f32(x[plane + row * W_IN + column]);
      }
#if ${g.countIncludePad}
      if (row < PADDED_BOTTOM && column < PADDED_RIGHT) {
        divisor += 1.0;
      }
#else
      if (inside) {
        divisor += 1.0;
      }
#endif
#endif
    }
  }
#if ${g.mode === 'max'}
  y[to] = to_y(best);
#else
  y[to] = to_y(sum / divisor);
#endif
}
`;
}
