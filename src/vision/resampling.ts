/**
 * Antialiased resampling along one axis, to the bit as Pillow's `Image.resize` does it for 8-bit images
 * (src/libImaging/Resample.c): a filter that spans some source pixels on each side and grows with the scale; its
 * weights sum up to one, in fixed point. `nearest` takes the source pixel that a pixel's centre lies in, and averages
 * nothing.
 */
import type { Interpolation } from './preprocessing.ts';

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
  /** Bilinear by default. */
  readonly interpolation?: Interpolation | undefined;
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
  /** In two's complement: some filters have negative ones. */
  readonly weights: Uint32Array;
}

const ONE = 2 ** WEIGHT_BITS;

function windowOf(
  { source, resized, interpolation = 'bilinear' }: AxisCrop,
  pixel: number,
): Window {
  if (pixel < 0 || pixel >= resized) return { first: 0, weights: new Uint32Array() };
  const scale = source / resized;
  const center = (pixel + 0.5) * scale;
  if (interpolation === 'nearest') {
    const first = Math.min(Math.trunc(summedCentre(scale, pixel)), source - 1);
    return { first, weights: Uint32Array.of(ONE) };
  }
  const { reach, weight } = FILTERS[interpolation];
  const stretched = Math.max(scale, 1);
  const support = reach * stretched;
  const first = Math.max(0, Math.trunc(center - support + 0.5));
  const end = Math.min(source, Math.trunc(center + support + 0.5));
  const weights = Float64Array.from({ length: end - first }, (_, i) =>
    weight((first + i - center + 0.5) * (1 / stretched)),
  );
  const sum = weights.reduce((total, value) => total + value, 0);
  return { first, weights: Uint32Array.from(weights, (value) => fixed(value / sum)) };
}

/** As Pillow finds it, step by step: where a centre lies on an edge, rounding decides for the pixel before or after. */
function summedCentre(scale: number, pixel: number): number {
  let centre = scale * 0.5;
  for (let i = 0; i < pixel; i++) centre += scale;
  return centre;
}

/** Rounded half away from zero; conversion to integers cuts what is behind the point. */
function fixed(weight: number): number {
  return weight * ONE + (weight < 0 ? -0.5 : 0.5);
}

interface Filter {
  /** Source pixels on each side, where nothing is made smaller. */
  readonly reach: number;
  /** At a distance within the reach. */
  readonly weight: (x: number) => number;
}

const FILTERS: Readonly<Record<Exclude<Interpolation, 'nearest'>, Filter>> = {
  box: { reach: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bilinear: { reach: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  hamming: {
    reach: 1,
    weight: (x) => (Math.abs(x) < 1 ? sinc(x) * (0.54 + 0.46 * Math.cos(Math.PI * x)) : 0),
  },
  bicubic: { reach: 2, weight: (x) => cubic(Math.abs(x)) },
  lanczos: { reach: 3, weight: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
};

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

/** Keys, "Cubic convolution interpolation for digital image processing", 1981, with a = -1/2. */
function cubic(x: number): number {
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * -0.5 : 0;
}
