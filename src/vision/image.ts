import { given } from '../runtime/arguments.ts';
import { ShapeError, TilewiseError } from '../runtime/errors.ts';

/**
 * A decoded picture: RGBA, 8 bit, row-major, straight (not premultiplied) alpha, sRGB. A canvas's
 * `ImageData` is one.
 */
export interface Image {
  /** Pixels of a row. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
  /** 4 * width * height bytes. */
  readonly data: Uint8Array | Uint8ClampedArray;
}

/**
 * An image file is missing, broken, or not an image.
 *
 * @example
 * console.log(new ImageError('cat.jpg is no image') instanceof TilewiseError); // true
 */
export class ImageError extends TilewiseError {
  /** `ImageError`. */
  override readonly name = 'ImageError';
}

/** Throws ShapeError unless the extents are positive integers and the data has exactly their length. */
export function checkImage(who: string, { width, height, data }: Image): void {
  if (![width, height].every((extent) => Number.isSafeInteger(extent) && extent >= 1)) {
    throw new ShapeError(`${who}: an image is at least 1 x 1, got ${width} x ${height}`);
  }
  const expected = 4 * width * height;
  const isBytes = data instanceof Uint8Array || data instanceof Uint8ClampedArray;
  if (!isBytes || data.length !== expected) {
    const got = isBytes ? data.length : given(data);
    const remedy = got === 3 * width * height ? '; give each pixel an alpha byte, too' : '';
    throw new ShapeError(
      `${who}: ${width} x ${height} pixels of RGBA are ${expected} bytes, got ${got}${remedy}`,
    );
  }
}
