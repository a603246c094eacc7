/** Pictures that a browser holds, perhaps on the GPU already: they reach the device without a copy on the CPU. */
import { given } from '../runtime/arguments.ts';
import { ShapeError } from '../runtime/errors.ts';
import type { Image } from './image.ts';
import type { Extent } from './preprocessing.ts';

/**
 * What WebGPU can copy from. Values are as the browser decoded them; ask `createImageBitmap` for
 * `colorSpaceConversion: 'none'` and `premultiplyAlpha: 'none'` to have them as the file has them.
 */
export type BrowserImage =
  | Instance<'ImageBitmap'>
  | Instance<'VideoFrame'>
  | Instance<'HTMLImageElement'>
  | Instance<'HTMLVideoElement'>
  | Instance<'HTMLCanvasElement'>
  | Instance<'OffscreenCanvas'>;

/** What a class of the browser makes; nothing where the program's TypeScript does not know the class. */
type Instance<Name extends string> = typeof globalThis extends {
  readonly [K in Name]: { readonly prototype: infer T };
}
  ? T
  : never;

/** A picture in either form. */
export type Picture = Image | BrowserImage;

export function isBrowserImage(picture: Picture): picture is BrowserImage {
  // What is no class of the browser's lacks its data.
  return !('data' in picture) && Object.prototype.toString.call(picture) !== '[object Object]';
}

/** Width and height in pixels. Throws ShapeError for what is no picture. */
export function extentOf(picture: Picture): Extent {
  const extent = Object(picture) === picture ? sizeOf(picture) : undefined;
  if (typeof extent?.width === 'number' && typeof extent.height === 'number') return extent;
  throw new ShapeError(
    `expected a picture, such as { data, width, height } or an ImageBitmap, got ${given(picture)}`,
  );
}

function sizeOf(picture: Picture): Extent {
  if ('displayWidth' in picture) {
    return { width: picture.displayWidth, height: picture.displayHeight };
  }
  if ('videoWidth' in picture) return { width: picture.videoWidth, height: picture.videoHeight };
  if ('naturalWidth' in picture) {
    return { width: picture.naturalWidth, height: picture.naturalHeight };
  }
  return { width: picture.width, height: picture.height };
}

export const BYTES_PER_PIXEL = 4;
/** WebGPU wants the rows of a texture to begin at multiples of this in a buffer. */
const ROW_ALIGNMENT = 256;

/** Pixels from one row to the next in a buffer that a texture of this width is copied to. */
export function alignedRow(width: number): number {
  const bytes = Math.ceil((BYTES_PER_PIXEL * width) / ROW_ALIGNMENT) * ROW_ALIGNMENT;
  return bytes / BYTES_PER_PIXEL;
}
