/** What happens to an image before a model sees it, as plain data, and the arithmetic of sizes. */

import { ShapeError } from '../runtime/errors.ts';
import { checkKinds } from '../runtime/kinds.ts';
import type { Ink } from './ink.ts';

/** How an image becomes as large as the input. Aspect ratios are kept, except by `stretch`. */
export type Fit =
  | {
      /** The shorter side becomes `length` pixels, and the input's size is cut from the middle. */
      readonly mode: 'shorter-side';
      /** Of the shorter side, in pixels. */
      readonly length: number;
    }
  | {
      /** The longer side becomes `length` pixels; what is left of the input is black. */
      readonly mode: 'longer-side';
      /** Of the longer side, in pixels. */
      readonly length: number;
    }
  | {
      /** Width and height become the input's. */
      readonly mode: 'stretch';
    }
  | {
      /**
       * For drawings and photos of one sign: the ink, whatever its colour, becomes white on black, the longer side of
       * its bounding box becomes `length` pixels, and its centre of mass the middle of the input, as MNIST was made.
       * An image that already has the input's size is only inverted, if its ink is dark. Where there is no ink, the
       * whole image is fitted into the input.
       */
      readonly mode: 'ink';
      /** Of the longer side of the ink, in pixels. */
      readonly length: number;
    };

/** A description of image in, tensor out. Presets: `imagenetPreprocessing`, `digitsPreprocessing`. */
export interface Preprocessing {
  /** Grey is ITU-R 601 luma, as in PIL's `convert('L')`. */
  readonly channels: 'rgb' | 'grey';
  /** [height, width] of the result. */
  readonly size: readonly [number, number];
  /** How the image is fitted into that size. */
  readonly fit: Fit;
  /** A value v of 0 .. 255 becomes (v / 255 - mean) / std, with one mean and std for each channel. */
  readonly mean: readonly number[];
  /** One for each channel. */
  readonly std: readonly number[];
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
  if (fit.mode === 'stretch') return { ...preprocessing, size };
  const side = fit.mode === 'shorter-side' ? Math.max : Math.min;
  const length = Math.round((fit.length * side(...size)) / side(...before));
  return { ...preprocessing, size, fit: { ...fit, length } };
}

/** Throws ShapeError for a description that contradicts itself. */
export function checkPreprocessing({ channels, size, fit, mean, std }: Preprocessing): void {
  const lengths = fit.mode === 'stretch' ? size : [...size, fit.length];
  if (!lengths.every((length) => Number.isSafeInteger(length) && length >= 1)) {
    throw new ShapeError(`preprocessing: sizes are positive integers, got ${lengths.join(', ')}`);
  }
  const count = channelsOf(channels);
  if (mean.length !== count || std.length !== count || !std.every((value) => value > 0)) {
    throw new ShapeError(
      `preprocessing: ${channels} needs ${count} means and as many positive deviations, got [${mean}] and [${std}]`,
    );
  }
}

/** The number of planes in the result. */
export function channelsOf(channels: Preprocessing['channels']): number {
  return channels === 'rgb' ? 3 : 1;
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
  /** The result's place in the resized image; what lies outside of the image is black. */
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
    case 'stretch':
      return size;
    case 'shorter-side':
      return width <= height
        ? { width: fit.length, height: Math.floor((fit.length * height) / width) }
        : { width: Math.floor((fit.length * width) / height), height: fit.length };
    case 'longer-side':
      return scaled(image, fit.length / Math.max(width, height));
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
