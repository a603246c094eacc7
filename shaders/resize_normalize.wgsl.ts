/**
 * Resizing as Pillow does it, in two passes, and normalisation; only a crop of the result is computed.
 *
 *     c(j, i)    = tone of the pixel over its background, see `load`
 *     m(j, q)    = (2^21 + sum over column q's window of weight * c(j, first + i)) / 2^22, along rows
 *     v(p, q)    = (2^21 + sum over row p's window of weight * m(first + j, q)) / 2^22, along columns
 *     y[n, k, p, q] = v(p, q)[k] * scale[k] + offset[k]
 *
 * All but the last line is integer arithmetic, so that the result equals Pillow's to the bit; m and v are clamped to
 * 0 .. 255, since weights may be negative (two's complement, as are the sums). Where a window has no weights, the
 * result is the padding; of rows of padding, weights make padding again, since they add up to one but for roundings.
 *
 * Layouts: x one RGBA word a pixel, red lowest, the part of the image that the crop needs, row-major. m the
 * same, as wide as the crop and as tall as x. y NCHW or NHWC, its channels RGB, BGR or grey. Sizes differ from image to
 * image and are read from `table`, so that one pipeline serves all: its head is described by TABLE, and the windows'
 * records follow.
 * Threads: one invocation a pixel of m, then of y, in memory order.
 *
 * Source: Pillow's src/libImaging/Resample.c, Paste.c and Convert.c.
 */
import { wgsl } from './lib/wgsl.ts';

export interface ResizeGeometry {
  readonly channels: 'rgb' | 'bgr' | 'grey';
  readonly layout: 'nchw' | 'nhwc';
  /** Of the crop. */
  readonly height: number;
  readonly width: number;
  /** Fraction bits of the weights and of the tone's gain. */
  readonly weightBits: number;
  /** What is outside of the image, 0 .. 255 in each channel. */
  readonly padding: number;
  readonly toneBits: number;
  /** For red, green and blue; the first counts for grey. */
  readonly scale: readonly [number, number, number];
  readonly offset: readonly [number, number, number];
}

/** The words at the head of a table. A record is [first source pixel, number of weights, weights ...]. */
export const TABLE = {
  /** Extents of x. */
  sourceWidth: 0,
  sourceHeight: 1,
  /** Where the records of the crop's columns start, and the words from one to the next. */
  columns: 2,
  columnStride: 3,
  /** The same for its rows. */
  rows: 4,
  rowStride: 5,
  /** The image's first element in y. */
  destination: 6,
  /** The tone: what transparent pixels show, what becomes 0, and the gain (two's complement). */
  background: 7,
  black: 8,
  gain: 9,
  /** Words of the head. */
  length: 10,
} as const;

export const RESIZE_THREADS = 64;

/** The first pass: x to m. */
export function resizeColumns(g: ResizeGeometry): string {
  return wgsl`
const WIDTH = ${g.width}u;
const WEIGHT_BITS = ${g.weightBits}u;
const PADDING = ${g.padding}u;
const TONE_BITS = ${g.toneBits}u;
const SOURCE_WIDTH = ${TABLE.sourceWidth}u;
const SOURCE_HEIGHT = ${TABLE.sourceHeight}u;
const COLUMNS = ${TABLE.columns}u;
const COLUMN_STRIDE = ${TABLE.columnStride}u;
const BACKGROUND = ${TABLE.background}u;
const BLACK = ${TABLE.black}u;
const GAIN = ${TABLE.gain}u;
const THREADS = ${RESIZE_THREADS}u;

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read> table: array<u32>;
@group(0) @binding(2) var<storage, read_write> m: array<u32>;

// Sums are rounded half up.
const HALF_WEIGHT = 1u << (WEIGHT_BITS - 1u);
const HALF_TONE = 1i << (TONE_BITS - 1u);

// RGBA over the background (the rounded division by 255 without dividing), grey if asked for, toned.
fn load(at: u32) -> vec3u {
  let rgba = x[at];
  let alpha = rgba >> 24u;
  var color = (vec3u(rgba) >> vec3u(0u, 8u, 16u)) & vec3u(255u);
  color = color * alpha + table[BACKGROUND] * (255u - alpha) + 128u;
  color = (color + (color >> vec3u(8u))) >> vec3u(8u);
#if ${g.channels === 'grey'}
  color = vec3u((color.r * 19595u + color.g * 38470u + color.b * 7471u + 0x8000u) >> 16u);
#endif
  let grown = (vec3i(color) - i32(table[BLACK])) * bitcast<i32>(table[GAIN]) + HALF_TONE;
  return vec3u(clamp(grown >> vec3u(TONE_BITS), vec3i(0), vec3i(255)));
}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let at = (workgroup.x + workgroup.y * grid.x) * THREADS + thread;
  if (at >= WIDTH * table[SOURCE_HEIGHT]) {
    return;
  }
  let record = table[COLUMNS] + at % WIDTH * table[COLUMN_STRIDE];
  let first = at / WIDTH * table[SOURCE_WIDTH] + table[record];
  let count = table[record + 1u];
  var sum = vec3u(select(HALF_WEIGHT, PADDING << WEIGHT_BITS, count == 0u));
  for (var i = 0u; i < count; i++) {
    sum += load(first + i) * table[record + 2u + i];
  }
  let value = clamp(vec3i(sum) >> vec3u(WEIGHT_BITS), vec3i(0), vec3i(255));
  let bytes = vec3u(value);
  m[at] = bytes.r | (bytes.g << 8u) | (bytes.b << 16u);
}
`;
}

/** The second pass: m to y. */
export function resizeRowsNormalize(g: ResizeGeometry): string {
  const planes = g.channels === 'grey' ? 1 : 3;
  const [pixel, channel] = g.layout === 'nhwc' ? [planes, 1] : [1, g.height * g.width];
  const [red, blue] = g.channels === 'bgr' ? [2, 0] : [0, 2];
  return wgsl`
const HEIGHT = ${g.height}u;
const WIDTH = ${g.width}u;
const WEIGHT_BITS = ${g.weightBits}u;
const PADDING = ${g.padding}u;
const SCALE = vec3f(${g.scale[0]}, ${g.scale[1]}, ${g.scale[2]});
const OFFSET = vec3f(${g.offset[0]}, ${g.offset[1]}, ${g.offset[2]});
const PIXEL_STRIDE = ${pixel}u;
const CHANNEL_STRIDE = ${channel}u;
const RED = ${red}u;
const BLUE = ${blue}u;
const ROWS = ${TABLE.rows}u;
const ROW_STRIDE = ${TABLE.rowStride}u;
const DESTINATION = ${TABLE.destination}u;
const THREADS = ${RESIZE_THREADS}u;

@group(0) @binding(0) var<storage, read> m: array<u32>;
@group(0) @binding(1) var<storage, read> table: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

const HALF_WEIGHT = 1u << (WEIGHT_BITS - 1u);

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let at = (workgroup.x + workgroup.y * grid.x) * THREADS + thread;
  if (at >= HEIGHT * WIDTH) {
    return;
  }
  let record = table[ROWS] + at / WIDTH * table[ROW_STRIDE];
  let first = table[record] * WIDTH + at % WIDTH;
  let count = table[record + 1u];
  var sum = vec3u(select(HALF_WEIGHT, PADDING << WEIGHT_BITS, count == 0u));
  for (var j = 0u; j < count; j++) {
    let color = (vec3u(m[first + j * WIDTH]) >> vec3u(0u, 8u, 16u)) & vec3u(255u);
    sum += color * table[record + 2u + j];
  }
  let color = clamp(vec3i(sum) >> vec3u(WEIGHT_BITS), vec3i(0), vec3i(255));
  let value = vec3f(color) * SCALE + OFFSET;
  let to = table[DESTINATION] + at * PIXEL_STRIDE;
#if ${g.channels === 'grey'}
  y[to] = value.r;
#else
  y[to + RED * CHANNEL_STRIDE] = value.r;
  y[to + CHANNEL_STRIDE] = value.g;
  y[to + BLUE * CHANNEL_STRIDE] = value.b;
#endif
}
`;
}
