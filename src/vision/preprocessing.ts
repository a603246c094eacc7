/** What happens to an image before a model sees it, as plain data, and the arithmetic of sizes. */

import { checkArgument } from '../runtime/arguments.ts';
import { ShapeError } from '../runtime/errors.ts';
import { checkKinds } from '../runtime/kinds.ts';
import { elementCount, type Shape } from '../runtime/tensor.ts';
import type { Ink } from './ink.ts';

/** How an image becomes as large as the input. Aspect ratios are kept, except by `stretch`. */
export type Fit =
  | {
      /** The input's size is cut from the middle. */
      readonly mode: 'shorter-side';
      /** Pixels that the shorter side becomes. */
      readonly length: number;
    }
  | {
      /** What is left of the input is black. */
      readonly mode: 'longer-side';
      /** Pixels that the longer side becomes. */
      readonly length: number;
    }
  | {
      /** The whole picture, as large as fits, in the middle of the input. */
      readonly mode: 'letterbox';
      /** The value of what is left of the input, 0 .. 255 in each channel; 0, black, by default. */
      readonly padding?: number;
    }
  | {
      /** Height and width become what they should be, each by itself. */
      readonly mode: 'stretch';
      /** [height, width], the input's by default. Where it is larger, the input's size is cut from the middle. */
      readonly size?: readonly [number, number];
    }
  | {
      /**
       * For drawings and photos of one sign: the ink, whatever its colour, becomes white on black, and its centre of
       * mass the middle of the input, as MNIST was made. An image that already has the input's size is only inverted,
       * if its ink is dark. Where there is no ink, the whole image is fitted into the input.
       */
      readonly mode: 'ink';
      /** Pixels that the longer side of the ink's bounding box becomes. */
      readonly length: number;
    };

/**
 * How pixels between pixels are found: Pillow's filters, antialiased, of which `bilinear` is the usual one; `nearest`
 * averages nothing.
 */
export type Interpolation = 'nearest' | 'box' | 'bilinear' | 'hamming' | 'bicubic' | 'lanczos';

/**
 * A description of image in, tensor out. Presets: `imagenetPreprocessing`, `digitsPreprocessing`; others are read from
 * files by `preprocessingFrom`.
 *
 * @example
 * const preprocessing: Preprocessing = {
 *   ...imagenetPreprocessing,
 *   interpolation: 'bicubic',
 *   mean: [0.5, 0.5, 0.5],
 *   std: [0.5, 0.5, 0.5],
 * };
 */
export interface Preprocessing {
  /** The planes of the result, in their order. Grey is ITU-R 601 luma, as in PIL's `convert('L')`. */
  readonly channels: 'rgb' | 'bgr' | 'grey';
  /** [height, width] of the result. */
  readonly size: readonly [number, number];
  /** How the image is fitted into that size. */
  readonly fit: Fit;
  /** `bilinear` by default. */
  readonly interpolation?: Interpolation;
  /** What values of 0 .. 255 are multiplied by; 1 / 255 by default. 1 leaves them as they are. */
  readonly rescale?: number;
  /** A value v of 0 .. 255 becomes (v * rescale - mean) / std, with one mean and std for each of `channels`. */
  readonly mean: readonly number[];
  /** One for each channel. */
  readonly std: readonly number[];
  /** The order of the result's axes: [N, C, H, W], the default, or [N, H, W, C]. */
  readonly layout?: 'nchw' | 'nhwc';
}

/**
 * As torchvision's classifiers were trained: `Resize(256)`, `CenterCrop(224)`, `Normalize`.
 *
 * @example
 * using preprocessor = await Preprocessor.create(device, imagenetPreprocessing);
 */
export const imagenetPreprocessing: Preprocessing = {
  channels: 'rgb',
  size: [224, 224],
  fit: { mode: 'shorter-side', length: 256 },
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
};

/**
 * As in MNIST: a white digit of 20 x 20 on black, its centre of mass in the middle of 28 x 28.
 *
 * @example
 * using preprocessor = await Preprocessor.create(device, digitsPreprocessing);
 */
export const digitsPreprocessing: Preprocessing = {
  channels: 'grey',
  size: [28, 28],
  fit: { mode: 'ink', length: 20 },
  mean: [0.1307],
  std: [0.3081],
};

/**
 * The same for an input of another size, [height, width]: lengths grow in proportion.
 *
 * @param preprocessing - For the size that it was made for.
 * @param size - [height, width].
 * @throws ShapeError for a size of no positive integers.
 *
 * @example
 * const small = forInputSize(imagenetPreprocessing, [160, 160]); // the shorter side becomes 183 pixels
 */
export function forInputSize(
  preprocessing: Preprocessing,
  size: readonly [number, number],
): Preprocessing {
  checkKinds('forInputSize', { preprocessing, size });
  const { fit, size: before } = preprocessing;
  if (fit.mode === 'letterbox') return { ...preprocessing, size };
  if (fit.mode === 'stretch') {
    const { size: to } = fit;
    const grown = to?.map((length, i) => Math.round((length * (size[i] ?? 1)) / (before[i] ?? 1)));
    const [height = 1, width = 1] = grown ?? [];
    return { ...preprocessing, size, fit: grown ? { ...fit, size: [height, width] } : fit };
  }
  const side = fit.mode === 'shorter-side' ? Math.max : Math.min;
  const length = Math.round((fit.length * side(...size)) / side(...before));
  return { ...preprocessing, size, fit: { ...fit, length } };
}

const INTERPOLATIONS = ['nearest', 'box', 'bilinear', 'hamming', 'bicubic', 'lanczos'];
const MODES = ['shorter-side', 'longer-side', 'letterbox', 'stretch', 'ink'];

/** What indices in shaders can tell apart. */
const MOST_VALUES = 2 ** 31 - 1;

/** Throws ShapeError, which names the field, for a description that contradicts itself. */
export function checkPreprocessing(preprocessing: Preprocessing): void {
  const { channels, size, fit, interpolation, rescale, mean, std, layout } = preprocessing;
  const check = (field: string, fits: boolean, expected: string, got: unknown): void => {
    const value = Array.isArray(got) ? `[${got.join(', ')}]` : got;
    checkArgument(fits, `preprocessing.${field}`, expected, value, ShapeError);
  };
  const oneOf = (field: string, known: readonly string[], got: unknown): void =>
    check(field, known.includes(String(got)), `one of ${known.join(', ')}`, got);
  oneOf('channels', ['rgb', 'bgr', 'grey'], channels);
  check('size', areExtents(size), 'positive integers [height, width]', size);
  const count = channelsOf(channels);
  const fits = elementCount(size) * count <= MOST_VALUES;
  check('size', fits, `of at most ${MOST_VALUES} values`, size);
  oneOf('fit.mode', MODES, fit?.mode);
  if (fit.mode === 'letterbox') {
    const { padding } = fit;
    const isTone =
      padding === undefined || (Number.isInteger(padding) && padding >= 0 && padding <= 255);
    check('fit.padding', isTone, 'an integer from 0 to 255', padding);
  } else if (fit.mode !== 'stretch') {
    check('fit.length', isExtent(fit.length), 'a positive integer, of pixels', fit.length);
  } else if (fit.size !== undefined) {
    check('fit.size', areExtents(fit.size), 'positive integers [height, width]', fit.size);
  }
  if (interpolation !== undefined) oneOf('interpolation', INTERPOLATIONS, interpolation);
  if (layout !== undefined) oneOf('layout', ['nchw', 'nhwc'], layout);
  const positive = 'a positive number, such as 1 / 255, or 1 for values of 0 .. 255';
  check('rescale', rescale === undefined || isPositive(rescale), positive, rescale);
  const each = `${count === 1 ? '1 number' : `${count} numbers`}, one for each of ${channels}`;
  const numbers = (values: unknown, fits: (value: unknown) => boolean): boolean =>
    Array.isArray(values) && values.length === count && values.every(fits);
  check('mean', numbers(mean, Number.isFinite), each, mean);
  check('std', numbers(std, isPositive), `${each}, above 0`, std);
  // What shaders multiply by and add, in f32.
  const tame = std.every((deviation, i) =>
    [1, rescale ?? 1, mean[i] ?? 0].every((value) =>
      Number.isFinite(Math.fround(value / deviation)),
    ),
  );
  check('std', tame, 'large enough for f32: 1, rescale and mean are divided by it', std);
}

function isExtent(length: unknown): boolean {
  return Number.isSafeInteger(length) && Number(length) >= 1;
}

function areExtents(size: unknown): boolean {
  return Array.isArray(size) && size.length === 2 && size.every(isExtent);
}

function isPositive(value: unknown): boolean {
  return Number.isFinite(value) && Number(value) > 0;
}

/** The number of planes in the result. */
export function channelsOf(channels: Preprocessing['channels']): number {
  return channels === 'grey' ? 1 : 3;
}

/** The shape of a batch that was prepared. */
export function inputShape({ channels, size, layout }: Preprocessing, batch: number): Shape {
  const planes = channelsOf(channels);
  return layout === 'nhwc' ? [batch, ...size, planes] : [batch, planes, ...size];
}

/** Width and height, in pixels. */
export interface Extent {
  /** Pixels of a row. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
}

/** Where the result comes from: a crop of the resized image; nothing outside the crop is computed. */
export interface Geometry {
  /** The size of the whole image after resizing. */
  readonly resized: Extent;
  /** The result's place in the resized image; what lies outside of the image is padding. */
  readonly crop: Extent & { readonly left: number; readonly top: number };
  /** Pixels of the image for each one of the result. */
  readonly scale: { readonly horizontal: number; readonly vertical: number };
}

/**
 * The geometry for an image of this size. Rounding is torchvision's: the longer side is rounded down, the crop's
 * offset to the nearest integer, ties to even.
 */
export function geometryOf(preprocessing: Preprocessing, image: Extent, ink?: Ink): Geometry {
  const [height, width] = preprocessing.size;
  const { fit } = preprocessing;
  if (fit.mode === 'ink' && ink && !(image.width === width && image.height === height)) {
    return inkGeometry({ width, height }, fit.length, image, ink);
  }
  const resized = resizedExtent(fit, { width, height }, image);
  if (fit.mode === 'letterbox') {
    // An odd row or column comes after the picture, as Ultralytics has it.
    const before = (whole: number, part: number) => -Math.floor((whole - part) / 2) || 0;
    const [left, top] = [before(width, resized.width), before(height, resized.height)];
    return cropped(image, resized, { width, height, left, top });
  }
  return cropped(image, resized, {
    width,
    height,
    left: roundHalfToEven((resized.width - width) / 2),
    top: roundHalfToEven((resized.height - height) / 2),
  });
}

function resizedExtent(fit: Fit, size: Extent, image: Extent): Extent {
  const { width, height } = image;
  switch (fit.mode) {
    case 'stretch': {
      const [toHeight, toWidth] = fit.size ?? [size.height, size.width];
      return { width: toWidth, height: toHeight };
    }
    case 'shorter-side':
      return width <= height
        ? { width: fit.length, height: Math.floor((fit.length * height) / width) }
        : { width: Math.floor((fit.length * width) / height), height: fit.length };
    case 'longer-side':
      return scaled(image, fit.length / Math.max(width, height));
    case 'letterbox':
    case 'ink':
      return scaled(image, Math.min(size.width / width, size.height / height));
  }
}

function inkGeometry(size: Extent, length: number, image: Extent, ink: Ink): Geometry {
  const resized = scaled(image, length / Math.max(ink.width, ink.height));
  const x = (ink.centre.x * resized.width) / image.width;
  const y = (ink.centre.y * resized.height) / image.height;
  return cropped(image, resized, {
    ...size,
    left: roundHalfToEven(x - size.width / 2),
    top: roundHalfToEven(y - size.height / 2),
  });
}

function scaled({ width, height }: Extent, factor: number): Extent {
  return {
    width: Math.max(1, roundHalfToEven(width * factor)),
    height: Math.max(1, roundHalfToEven(height * factor)),
  };
}

function cropped(image: Extent, resized: Extent, crop: Geometry['crop']): Geometry {
  return {
    resized,
    crop,
    scale: {
      horizontal: image.width / resized.width,
      vertical: image.height / resized.height,
    },
  };
}

/** Python's `round`. */
function roundHalfToEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 !== 0) ? below + 1 : below;
}
