/**
 * The first pass of a deformable convolution: what each tap of each window reads, at places of its own.
 * (Dai et al., "Deformable Convolutional Networks", 2017; Zhu et al., "Deformable ConvNets v2", 2019, for the mask.)
 *
 *     columns[n, c * TAPS + tap, p, q] = mask[n, g * TAPS + tap, p, q] * x(n, c, row, column)
 *
 *     row    = p * STRIDE_H + r * DILATION_H - PAD_TOP  + offset[n, (g * TAPS + tap) * 2,     p, q]
 *     column = q * STRIDE_W + s * DILATION_W - PAD_LEFT + offset[n, (g * TAPS + tap) * 2 + 1, p, q]
 *
 * where tap = r * K_W + s, g is the group of c, of OFFSET_GROUPS, and x is interpolated between its four neighbours, of
 * zeros outside of the map.
 *
 * Layouts: all maps of dense planes. Threads: one invocation for a tap of a window and at most BLOCK channels of a
 * group, which share their place; places of a plane are neighbours. Columns are made of PLANE windows of each image,
 * from window FIRST on, which is bound: bands of them share a pipeline.
 */
import { dimensions, type ShaderModule } from './lib/dimensions.ts';
import { type ElementTypes, elementTypes } from './lib/element_types.ts';
import { elementText, type Grid } from './lib/grid.ts';
import { planeText } from './lib/map_kernel.ts';
import type { MapStrides } from './lib/map_strides.ts';
import { wgsl } from './lib/wgsl.ts';
import { type Window2d, windowText } from './lib/window.ts';

export interface DeformColumnsProblem extends Window2d {
  readonly batch: number;
  readonly channels: number;
  readonly inputHeight: number;
  readonly inputWidth: number;
  readonly outputWidth: number;
  /** Windows of each image, row by row. */
  readonly windows: { readonly first: number; readonly count: number };
  /** Groups of channels that have offsets and a mask of their own. */
  readonly offsetGroups: number;
  readonly xStrides: MapStrides;
  readonly offsetStrides: MapStrides;
  /** Undefined where there is no mask. */
  readonly maskStrides: MapStrides | undefined;
  readonly columnStrides: MapStrides;
  /** Columns, y here, are scratch. Of the mask as of the offsets where there is none. */
  readonly types: ElementTypes<'x' | 'offset' | 'mask'>;
}

export const DEFORM_COLUMNS_THREADS = 64;

/** Channels of an invocation. */
const BLOCK = 8;

function blocksOf({ channels, offsetGroups }: DeformColumnsProblem): number {
  return Math.ceil(channels / offsetGroups / BLOCK);
}

/** Invocations that it takes. */
export function deformColumnsCount(g: DeformColumnsProblem): number {
  return g.batch * g.windows.count * g.kernel[0] * g.kernel[1] * g.offsetGroups * blocksOf(g);
}

export function deformColumns(g: DeformColumnsProblem, grid: Grid): ShaderModule {
  const { declarations, locals, words } = dimensions({ FIRST: g.windows.first });
  const source = wgsl`
${elementTypes(g.types)}
${elementText(grid, DEFORM_COLUMNS_THREADS, deformColumnsCount(g))}
const H_IN = ${g.inputHeight}.0;
const W_IN = ${g.inputWidth}.0;
const W_OUT = ${g.outputWidth}u;
const PLANE = ${g.windows.count}u;
const TAPS = ${g.kernel[0] * g.kernel[1]}u;
${windowText(g, 'i32')}
const OFFSET_GROUPS = ${g.offsetGroups}u;
const GROUP = ${g.channels / g.offsetGroups}u;
const BLOCK = ${BLOCK}u;
const BLOCKS = ${blocksOf(g)}u;

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read> offset: array<Offset>;
#if ${g.maskStrides !== undefined}
@group(0) @binding(2) var<storage, read> mask: array<Mask>;
#endif
@group(0) @binding(3) var<storage, read_write> columns: array<Y>;
${declarations}
${planeText('x', g.xStrides)}
${planeText('offset', g.offsetStrides)}
${g.maskStrides ? planeText('mask', g.maskStrides) : ''}
${planeText('columns', g.columnStrides)}

// A neighbour of a place: how much it counts, and where it is in a plane of x.
struct Corner {
  weight: f32,
  at: u32,
  inside: bool,
}

fn corner(row: f32, column: f32, weight: f32) -> Corner {
  let inside = (row >= 0.0) & (row < H_IN) & (column >= 0.0) & (column < W_IN);
  let at = u32(clamp(row, 0.0, H_IN - 1.0)) * u32(W_IN) + u32(clamp(column, 0.0, W_IN - 1.0));
  return Corner(weight, at, inside);
}

fn weighted(plane: u32, corner: Corner) -> f32 {
  return select(0.0, corner.weight * f32(x[plane + corner.at]), corner.inside);
}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
${locals}
  let nth = element_of(workgroup, thread);
  if (nth >= COUNT) {
    return;
  }
  let place = nth % PLANE;
  let window = FIRST + place;
  let tap = nth / PLANE % TAPS;
  let block = nth / (PLANE * TAPS) % BLOCKS;
  let group = nth / (PLANE * TAPS * BLOCKS) % OFFSET_GROUPS;
  let image = nth / (PLANE * TAPS * BLOCKS * OFFSET_GROUPS);

  let moved = group * TAPS + tap;
  let down = f32(offset[offset_plane(image, moved * 2u) + window]);
  let across = f32(offset[offset_plane(image, moved * 2u + 1u) + window]);
  let row = f32(i32(window / W_OUT) * STRIDE_H + i32(tap) / K_W * DILATION_H - PAD_TOP) + down;
  let column = f32(i32(window % W_OUT) * STRIDE_W + i32(tap) % K_W * DILATION_W - PAD_LEFT) + across;
  let top = floor(row);
  let left = floor(column);
  let below = row - top;
  let right = column - left;
  let top_left = corner(top, left, (1.0 - below) * (1.0 - right));
  let top_right = corner(top, left + 1.0, (1.0 - below) * right);
  let bottom_left = corner(top + 1.0, left, below * (1.0 - right));
  let bottom_right = corner(top + 1.0, left + 1.0, below * right);
#if ${g.maskStrides !== undefined}
  let factor = f32(mask[mask_plane(image, moved) + window]);
#else
  let factor = 1.0;
#endif

  let first = group * GROUP + block * BLOCK;
  let end = min(first + BLOCK, (group + 1u) * GROUP);
  // A factor that no compiler can bound: Mesa would unroll the loop.
  let one = min(1u, arrayLength(&columns));
  for (var channel = first; channel < end * one; channel++) {
    let plane = x_plane(image, channel);
    let upper = weighted(plane, top_left) + weighted(plane, top_right);
    let lower = weighted(plane, bottom_left) + weighted(plane, bottom_right);
    columns[columns_plane(image, channel * TAPS + tap) + place] = factor * (upper + lower);
  }
}
`;
  return { source, words };
}
