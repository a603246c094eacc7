import { describe, expect, it } from 'vitest';
import { ShapeError } from '../runtime/errors.ts';
import type { Ink } from './ink.ts';
import {
  checkPreprocessing,
  digitsPreprocessing,
  type Extent,
  forInputSize,
  geometryOf,
  imagenetPreprocessing,
  type Preprocessing,
} from './preprocessing.ts';

interface FitCase {
  /** [width, height] */
  readonly image: readonly [number, number];
  readonly resized: readonly [number, number];
  /** [left, top] */
  readonly offset: readonly [number, number];
}

function extent(width: number, height: number): Extent {
  return { width, height };
}

describe('geometryOf for ImageNet', () => {
  // By Python, with torchvision's formulas: int(256 * long / short), int(round((size - 224) / 2.0)).
  it.each<FitCase>([
    { image: [451, 300], resized: [384, 256], offset: [80, 16] },
    { image: [600, 400], resized: [384, 256], offset: [80, 16] },
    { image: [300, 451], resized: [256, 384], offset: [16, 80] },
    { image: [224, 224], resized: [256, 256], offset: [16, 16] },
    { image: [256, 256], resized: [256, 256], offset: [16, 16] },
    { image: [640, 427], resized: [383, 256], offset: [80, 16] },
    { image: [427, 640], resized: [256, 383], offset: [16, 80] },
    { image: [1023, 767], resized: [341, 256], offset: [58, 16] },
    { image: [257, 256], resized: [257, 256], offset: [16, 16] },
    { image: [259, 257], resized: [257, 256], offset: [16, 16] },
    { image: [333, 257], resized: [331, 256], offset: [54, 16] },
    { image: [3, 2], resized: [384, 256], offset: [80, 16] },
    { image: [1, 1], resized: [256, 256], offset: [16, 16] },
    { image: [1, 7], resized: [256, 1792], offset: [16, 784] },
    { image: [7, 1], resized: [1792, 256], offset: [784, 16] },
    { image: [20000, 10], resized: [512000, 256], offset: [255888, 16] },
    { image: [10, 20000], resized: [256, 512000], offset: [16, 255888] },
  ])('rounds as torchvision does: $image', ({ image, resized, offset }) => {
    const [left, top] = offset;
    const [width, height] = image;
    expect(geometryOf(imagenetPreprocessing, extent(width, height))).toEqual({
      resized: extent(...resized),
      crop: { left, top, width: 224, height: 224 },
      scale: { horizontal: width / resized[0], vertical: height / resized[1] },
    });
  });
});

describe('geometryOf', () => {
  const small = { ...digitsPreprocessing, size: [8, 6] } as const;

  it('takes all of the image when it stretches', () => {
    const stretch: Preprocessing = { ...small, fit: { mode: 'stretch' } };
    expect(geometryOf(stretch, extent(30, 4))).toEqual({
      resized: extent(6, 8),
      crop: { left: 0, top: 0, width: 6, height: 8 },
      scale: { horizontal: 5, vertical: 0.5 },
    });
  });

  it('cuts the input from the middle of a larger size that it stretches to', () => {
    const stretch: Preprocessing = { ...small, fit: { mode: 'stretch', size: [10, 9] } };
    const geometry = geometryOf(stretch, extent(30, 4));
    expect(geometry.resized).toEqual(extent(9, 10));
    // (9 - 6) / 2, ties to even.
    expect(geometry.crop).toEqual({ left: 2, top: 1, width: 6, height: 8 });
  });

  it.each<FitCase>([
    { image: [60, 30], resized: [6, 3], offset: [0, -2] },
    { image: [30, 60], resized: [3, 6], offset: [-2, -1] },
    { image: [20000, 1], resized: [6, 1], offset: [0, -4] },
  ])('puts bars around the longer side: $image', ({ image, resized, offset }) => {
    const longer: Preprocessing = { ...small, fit: { mode: 'longer-side', length: 6 } };
    const [left, top] = offset;
    const geometry = geometryOf(longer, extent(...image));
    expect(geometry.resized).toEqual(extent(...resized));
    expect(geometry.crop).toEqual({ left, top, width: 6, height: 8 });
  });

  it.each<FitCase>([
    { image: [60, 30], resized: [6, 3], offset: [0, -2] },
    { image: [30, 60], resized: [4, 8], offset: [-1, 0] },
    { image: [1, 20000], resized: [1, 8], offset: [-2, 0] },
    { image: [3, 4], resized: [6, 8], offset: [0, 0] },
    // 1.5 rows above and below.
    { image: [60, 50], resized: [6, 5], offset: [0, -1] },
  ])('fits the whole picture into a letterbox: $image', ({ image, resized, offset }) => {
    const [left, top] = offset;
    const geometry = geometryOf({ ...small, fit: { mode: 'letterbox' } }, extent(...image));
    expect(geometry.resized).toEqual(extent(...resized));
    expect(geometry.crop).toEqual({ left, top, width: 6, height: 8 });
  });

  it('brings the ink to its length and its centre to the middle', () => {
    const ink: Ink = { width: 40, height: 100, centre: { x: 150, y: 60 } };
    expect(geometryOf(digitsPreprocessing, extent(200, 150), ink)).toEqual({
      resized: extent(40, 30),
      crop: { left: 16, top: -2, width: 28, height: 28 },
      scale: { horizontal: 5, vertical: 5 },
    });
  });

  it('takes an image of the right size as it is, whatever its ink', () => {
    const ink: Ink = { width: 4, height: 4, centre: { x: 2, y: 2 } };
    expect(geometryOf(digitsPreprocessing, extent(28, 28), ink)).toEqual({
      resized: extent(28, 28),
      crop: { left: 0, top: 0, width: 28, height: 28 },
      scale: { horizontal: 1, vertical: 1 },
    });
  });

  it('takes all of the image where there is no ink', () => {
    const geometry = geometryOf(digitsPreprocessing, extent(280, 140));
    expect(geometry.resized).toEqual(extent(28, 14));
    expect(geometry.crop).toEqual({ left: 0, top: -7, width: 28, height: 28 });
  });
});

describe('forInputSize', () => {
  it('keeps the share of the image that is seen', () => {
    const { size, fit } = forInputSize(imagenetPreprocessing, [448, 448]);
    expect({ size, fit }).toEqual({ size: [448, 448], fit: { mode: 'shorter-side', length: 512 } });
  });

  it('keeps an oblong crop within the image', () => {
    const { fit } = forInputSize(imagenetPreprocessing, [224, 448]);
    expect(fit).toEqual({ mode: 'shorter-side', length: 512 });
  });

  it('keeps ink within an oblong input', () => {
    const { fit } = forInputSize(digitsPreprocessing, [56, 28]);
    expect(fit).toEqual({ mode: 'ink', length: 20 });
  });

  it('grows what is stretched to before it is cut', () => {
    const stretch: Preprocessing = {
      ...imagenetPreprocessing,
      fit: { mode: 'stretch', size: [256, 240] },
    };
    const { size, fit } = forInputSize(stretch, [448, 112]);
    expect({ size, fit }).toEqual({ size: [448, 112], fit: { mode: 'stretch', size: [512, 120] } });
  });

  it('leaves stretching alone', () => {
    const stretch: Preprocessing = { ...digitsPreprocessing, fit: { mode: 'stretch' } };
    expect(forInputSize(stretch, [3, 5])).toEqual({ ...stretch, size: [3, 5] });
  });
});

describe('checkPreprocessing', () => {
  it('accepts the presets', () => {
    checkPreprocessing(imagenetPreprocessing);
    checkPreprocessing(digitsPreprocessing);
  });

  it.each<[message: string, change: object]>([
    ['size must be positive integers [height, width], got [0, 224]', { size: [0, 224] }],
    ['size must be positive integers [height, width], got [224, 0.5]', { size: [224, 0.5] }],
    ['size must be positive integers [height, width], got 224', { size: 224 }],
    [
      'fit.length must be a positive integer, of pixels, got 0',
      { fit: { mode: 'ink', length: 0 } },
    ],
    [
      'fit.padding must be an integer from 0 to 255, got 114.5',
      { fit: { mode: 'letterbox', padding: 114.5 } },
    ],
    [
      'fit.padding must be an integer from 0 to 255, got 256',
      { fit: { mode: 'letterbox', padding: 256 } },
    ],
    [
      'fit.size must be positive integers [height, width], got [1]',
      { fit: { mode: 'stretch', size: [1] } },
    ],
    [
      'fit.mode must be one of shorter-side, longer-side, letterbox, stretch, ink, got crop',
      { fit: { mode: 'crop' } },
    ],
    [
      'fit.mode must be one of shorter-side, longer-side, letterbox, stretch, ink, got undefined',
      { fit: 7 },
    ],
    ['mean must be 3 numbers, one for each of rgb, got [0]', { mean: [0] }],
    ['mean must be 3 numbers, one for each of rgb, got [NaN, 0, 0]', { mean: [Number.NaN, 0, 0] }],
    [
      'std must be 3 numbers, one for each of rgb, above 0, got [1, 1, 1, 1]',
      { std: [1, 1, 1, 1] },
    ],
    ['std must be 3 numbers, one for each of rgb, above 0, got [1, 0, 1]', { std: [1, 0, 1] }],
    [
      'std must be large enough for f32: 1, rescale and mean are divided by it, got [1, 1e-39, 1]',
      { std: [1, 1e-39, 1] },
    ],
    [
      'std must be large enough for f32: 1, rescale and mean are divided by it, got [1, 0.0001, 1]',
      { std: [1, 1e-4, 1], mean: [0, 1e35, 0] },
    ],
    [
      'mean must be 1 number, one for each of grey, got [0.485, 0.456, 0.406]',
      { channels: 'grey' },
    ],
    ['channels must be one of rgb, bgr, grey, got gbr', { channels: 'gbr' }],
    [
      'interpolation must be one of nearest, box, bilinear, hamming, bicubic, lanczos, got linear',
      { interpolation: 'linear' },
    ],
    ['layout must be one of nchw, nhwc, got NHWC', { layout: 'NHWC' }],
    [
      'rescale must be a positive number, such as 1 / 255, or 1 for values of 0 .. 255, got 0',
      { rescale: 0 },
    ],
  ])('says what is wrong: %s', (message, change) => {
    const wrong = { ...imagenetPreprocessing, ...change };
    expect(() => checkPreprocessing(wrong)).toThrow(new ShapeError(`preprocessing.${message}`));
  });
});
