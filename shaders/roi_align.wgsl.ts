/**
 * Pooling of regions of interest without rounding them to pixels. (He et al., "Mask R-CNN", 2017.)
 *
 * A region (left, top, right, bottom), times SCALE, less half a pixel where HALF_PIXEL, is cut into P x Q bins; a bin
 * is sampled at the centres of a grid of SAMPLES x SAMPLES, or of one sample a pixel:
 *
 *     avg   y[r, c, p, q] = mean over the samples of x, interpolated bilinearly
 *     max   y[r, c, p, q] = max over the samples of the greatest product of a neighbour and its bilinear weight,
 *                           as ONNX and onnxruntime have it
 *
 * Samples more than a pixel outside of x are 0; others take its edge. Where a bin has one sample a pixel, those outside
 * are counted and not computed, so that no region, however large, takes forever. An empty region has no samples, and 0.
 *
 * Layouts: x [N, C, H, W], rois [R, 4], batch_indices [R], y [R, C, P, Q], dense; then the epilogue. Threads: one
 * invocation an element of y, in memory order.
 */
import { type ElementTypes, elementTypes } from './lib/element_types.ts';
import type { Epilogue } from './lib/epilogue.ts';
import { epilogueAtText } from './lib/epilogue_at.ts';
import { elementText, type Grid } from './lib/grid.ts';
import { extremeText } from './lib/special_values.ts';
import { wgsl } from './lib/wgsl.ts';

export interface RoiAlignProblem {
  readonly mode: 'avg' | 'max';
  readonly halfPixel: boolean;
  readonly scale: number;
  /** Samples of a bin along each axis; 0 for one a pixel. */
  readonly samples: number;
  readonly batch: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly regions: number;
  readonly bins: readonly [rows: number, columns: number];
  /** Of y. */
  readonly shape: readonly number[];
  readonly types: ElementTypes<'x' | 'rois' | 'batch_indices'>;
  readonly epilogue: Epilogue | undefined;
}

export const ROI_ALIGN_THREADS = 64;

export function roiAlign(g: RoiAlignProblem, grid: Grid): string {
  const [rows, columns] = g.bins;
  const { x, rois, batch_indices, y } = g.types;
  return wgsl`
${elementTypes({ x, rois, indices: batch_indices, y }, g.epilogue)}
${elementText(grid, ROI_ALIGN_THREADS, g.regions * g.channels * rows * columns)}
const BATCH = ${g.batch}u;
const CHANNELS = ${g.channels}u;
const HEIGHT = ${g.height}u;
const WIDTH = ${g.width}u;
const BIN_ROWS = ${rows}u;
const BIN_COLUMNS = ${columns}u;
const SCALE = f32(${g.scale});
const SAMPLES = ${g.samples}u;
const HALF = f32(${g.halfPixel ? 0.5 : 0});

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read> rois: array<Rois>;
@group(0) @binding(2) var<storage, read> batch_indices: array<Indices>;
@group(0) @binding(3) var<storage, read_write> y: array<Y>;
${epilogueAtText(g.epilogue, g.shape)}
${g.mode === 'max' ? extremeText('max', 'larger') : ''}

// The samples of a bin along one axis: how many there are, and which of them may lie on x.
struct Samples {
  first: f32,
  step: f32,
  count: f32,
  begin: u32,
  end: u32,
}

fn samples_of(near: f32, far: f32, bin: u32, bins: u32, extent: u32) -> Samples {
  let start = near * SCALE - HALF;
#if ${g.halfPixel}
  let length = far * SCALE - HALF - start;
#else
  let length = max(far * SCALE - start, 1.0);
#endif
  let size = length / f32(bins);
#if ${g.samples > 0}
  let step = size / f32(SAMPLES);
  let first = start + f32(bin) * size + step / 2.0;
  return Samples(first, step, f32(SAMPLES), 0u, SAMPLES);
#else
  // A quotient may come out above the whole number that it is.
  let whole = ceil(size);
  let count = max(select(whole, whole - 1.0, (whole - 1.0) * f32(bins) >= length), 0.0);
  let step = size / max(count, 1.0);
  let first = start + f32(bin) * size + step / 2.0;
  // One more on each side, for what rounding moves over the edge. Several are half a pixel apart at least.
  let begin = u32(clamp(ceil((-1.0 - first) / step) - 1.0, 0.0, max(count - 1.0, 0.0)));
  let beyond = u32(clamp(ceil((f32(extent) - first) / step) + 2.0, 0.0, count));
  return Samples(first, step, count, begin, min(beyond, begin + 2u * extent + 8u));
#endif
}

// The neighbours of a sample along one axis, and their weights: 0 outside.
struct Neighbours {
  low: u32,
  high: u32,
  weights: vec2f,
}

fn neighbours_of(sample: f32, extent: u32) -> Neighbours {
  let inside = sample >= -1.0 && sample <= f32(extent);
  let position = clamp(sample, 0.0, f32(extent - 1u));
  let low = u32(position);
  let fraction = position - f32(low);
  let weights = select(vec2f(), vec2f(1.0 - fraction, fraction), inside);
  return Neighbours(low, min(low + 1u, extent - 1u), weights);
}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let at = element_of(workgroup, thread);
  if (at >= COUNT) {
    return;
  }
  let region = at / (BIN_ROWS * BIN_COLUMNS) / CHANNELS;
  let channel = at / (BIN_ROWS * BIN_COLUMNS) % CHANNELS;
  let left = f32(rois[region * 4u]);
  let top = f32(rois[region * 4u + 1u]);
  let right = f32(rois[region * 4u + 2u]);
  let bottom = f32(rois[region * 4u + 3u]);
  let image = u32(clamp(f32(batch_indices[region]), 0.0, f32(BATCH - 1u)));
  let plane = (image * CHANNELS + channel) * HEIGHT * WIDTH;
  let rows = samples_of(top, bottom, at / BIN_COLUMNS % BIN_ROWS, BIN_ROWS, HEIGHT);
  let columns = samples_of(left, right, at % BIN_COLUMNS, BIN_COLUMNS, WIDTH);
  var sum = 0.0;
#if ${g.mode === 'max'}
  // Samples that are not computed are 0, so that the first of the others is not the largest yet.
  let computed = f32(rows.end - rows.begin) * f32(columns.end - columns.begin);
  var first = computed == rows.count * columns.count;
#endif
  for (var i = rows.begin; i < rows.end; i++) {
    let row = neighbours_of(rows.first + f32(i) * rows.step, HEIGHT);
    for (var j = columns.begin; j < columns.end; j++) {
      let column = neighbours_of(columns.first + f32(j) * columns.step, WIDTH);
      let upper = row.weights.x * column.weights * vec2f(
        f32(x[plane + row.low * WIDTH + column.low]),
        f32(x[plane + row.low * WIDTH + column.high]),
      );
      let lower = row.weights.y * column.weights * vec2f(
        f32(x[plane + row.high * WIDTH + column.low]),
        f32(x[plane + row.high * WIDTH + column.high]),
      );
#if ${g.mode === 'avg'}
      sum += upper.x + upper.y + (lower.x + lower.y);
#else
      let greatest = larger(larger(upper.x, upper.y), larger(lower.x, lower.y));
      sum = select(larger(sum, greatest), greatest, first);
      first = false;
#endif
    }
  }
#if ${g.mode === 'avg'}
  sum /= max(rows.count * columns.count, 1.0);
#endif
  y[at] = to_y(epilogue_at(sum, at));
}
`;
}
