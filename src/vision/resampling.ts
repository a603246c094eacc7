/**
 * Antialiased bilinear resampling along one axis, to the bit as Pillow's `Image.resize(BILINEAR)` does it
 * for 8-bit images (src/libImaging/Resample.c): a triangle that spans at least two source pixels and grows with the
 * scale; its weights sum up to one, in fixed point.
 */

/** Fraction bits of a weight. Pillow's PRECISION_BITS: 32 less 8 of a colour value and 2 of headroom. */
export const WEIGHT_BITS = 22;

/** Words of a record before its weights: the first source pixel and the number of weights. */
export const RECORD_HEAD = 2;

/** Which part of an axis is computed: `count` pixels from `from` on of an axis resized from `source` to `resized`. */
export interface AxisCrop {
  readonly source: number;
  readonly resized: number;
  readonly from: number;
  readonly count: number;
}

/** How the pixels of a crop along one axis are made of source pixels. */
export interface Taps {
  /** The source pixels that are needed: [start, end). At least one, so that buffers are never empty. */
  readonly start: number;
  readonly end: number;
  /** Words from one record to the next. */
  readonly stride: number;
  /**
   * One record for each pixel of the crop: the first source pixel counted from `start`, the number of
   * weights, the weights. Pixels beyond the image have none.
   */
  readonly records: Uint32Array;
}

/** The weights for a crop, computed in f64. */
export function tapsOf(crop: AxisCrop): Taps {
  const pixels = Array.from({ length: crop.count }, (_, i) => windowOf(crop, crop.from + i));
  const used = pixels.filter(({ weights }) => weights.length > 0);
  const start = used.reduce((least, { first }) => Math.min(least, first), crop.source - 1);
  const end = used.reduce((most, w) => Math.max(most, w.first + w.weights.length), start + 1);
  const longest = used.reduce((most, { weights }) => Math.max(most, weights.length), 0);
  const stride = RECORD_HEAD + longest;
  const records = new Uint32Array(crop.count * stride);
  pixels.forEach(({ first, weights }, i) => {
    if (weights.length === 0) return;
    records.set([first - start, weights.length], i * stride);
    records.set(weights, i * stride + RECORD_HEAD);
  });
  return { start, end, stride, records };
}

interface Window {
  readonly first: number;
  readonly weights: Uint32Array;
}

function windowOf({ source, resized }: AxisCrop, pixel: number): Window {
  if (pixel < 0 || pixel >= resized) return { first: 0, weights: new Uint32Array() };
  const scale = source / resized;
  const support = Math.max(scale, 1);
  const center = (pixel + 0.5) * scale;
  const first = Math.max(0, Math.trunc(center - support + 0.5));
  const end = Math.min(source, Math.trunc(center + support + 0.5));
  const weights = Float64Array.from({ length: end - first }, (_, i) =>
    triangle((first + i - center + 0.5) * (1 / support)),
  );
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return {
    first,
    weights: Uint32Array.from(weights, (weight) => 0.5 + (weight / sum) * 2 ** WEIGHT_BITS),
  };
}

function triangle(x: number): number {
  return Math.max(0, 1 - Math.abs(x));
}
