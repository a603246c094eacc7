/** All that the two resizing passes need to know of one image, computed on the CPU. */
import { TABLE } from '../../shaders/resize_normalize.wgsl.ts';
import { UnsupportedError } from '../runtime/errors.ts';
import { alignedRow, extentOf, isBrowserImage, type Picture } from './browser_image.ts';
import type { Image } from './image.ts';
import { plainTone, readInk, type Tone } from './ink.ts';
import {
  channelsOf,
  type Extent,
  type Geometry,
  geometryOf,
  type Preprocessing,
} from './preprocessing.ts';
import { tapsOf } from './resampling.ts';

/** A part of an image, in pixels. */
export interface Region extends Extent {
  readonly left: number;
  readonly top: number;
}

export interface ResizePlan {
  /** The only part of the image that the crop is made of. */
  readonly region: Region;
  /** Pixels from one row of the region to the next, in the buffer that the shaders read. */
  readonly rowPixels: number;
  /** What the shaders read, see TABLE. */
  readonly table: Uint32Array;
}

/** Plans the image at place `index` of a batch. */
export function planResize(
  preprocessing: Preprocessing,
  picture: Picture,
  index: number,
): ResizePlan {
  const image = extentOf(picture);
  const { geometry, tone } = readingOf(preprocessing, picture);
  const { resized, crop } = geometry;
  const { interpolation } = preprocessing;
  const columns = tapsOf({
    source: image.width,
    resized: resized.width,
    from: crop.left,
    count: crop.width,
    interpolation,
  });
  const rows = tapsOf({
    source: image.height,
    resized: resized.height,
    from: crop.top,
    count: crop.height,
    interpolation,
  });
  const region = {
    left: columns.start,
    top: rows.start,
    width: columns.end - columns.start,
    height: rows.end - rows.start,
  };
  const rowPixels = isBrowserImage(picture) ? alignedRow(region.width) : region.width;
  const columnsAt = TABLE.length;
  const rowsAt = columnsAt + columns.records.length;
  const table = new Uint32Array(rowsAt + rows.records.length);
  table[TABLE.sourceWidth] = rowPixels;
  table[TABLE.sourceHeight] = region.height;
  table[TABLE.columns] = columnsAt;
  table[TABLE.columnStride] = columns.stride;
  table[TABLE.rows] = rowsAt;
  table[TABLE.rowStride] = rows.stride;
  table[TABLE.destination] = index * channelsOf(preprocessing.channels) * crop.height * crop.width;
  table[TABLE.background] = tone.background;
  table[TABLE.black] = tone.black;
  table[TABLE.gain] = tone.gain;
  table.set(columns.records, columnsAt);
  table.set(rows.records, rowsAt);
  return { region, rowPixels, table };
}

/** Only pictures of signs are looked at before they are resized. */
function readingOf(
  preprocessing: Preprocessing,
  image: Picture,
): { readonly geometry: Geometry; readonly tone: Tone } {
  if (preprocessing.fit.mode !== 'ink') {
    return { geometry: geometryOf(preprocessing, extentOf(image)), tone: plainTone };
  }
  if (isBrowserImage(image)) {
    throw new UnsupportedError(
      'ink is looked for on the CPU, where the pixels of this picture are not; hand over its ImageData',
    );
  }
  const { ink, polarity, contrast } = readInk(image);
  const [height, width] = preprocessing.size;
  const ready = image.width === width && image.height === height;
  return {
    geometry: geometryOf(preprocessing, image, ink),
    tone: ready ? polarity : contrast,
  };
}

/** The bytes of a region, row by row: a view where its rows are contiguous, else a copy. */
export function pixelsOf({ width, data }: Image, region: Region): Uint8Array | Uint8ClampedArray {
  const rowBytes = 4 * region.width;
  const begin = 4 * (region.top * width + region.left);
  if (region.width === width) return data.subarray(begin, begin + rowBytes * region.height);
  const pixels = new Uint8Array(rowBytes * region.height);
  for (let row = 0; row < region.height; row++) {
    const from = begin + 4 * row * width;
    pixels.set(data.subarray(from, from + rowBytes), row * rowBytes);
  }
  return pixels;
}
