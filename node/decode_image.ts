/** Image files to pixels, in Node, by the package sharp. */
import { readFile } from 'node:fs/promises';
import type { Metadata, Sharp, SharpOptions } from 'sharp';
import { type Image, ImageError, UnsupportedError } from '../src/index.ts';
import { loadSharp } from './load_sharp.ts';
import { decodeInProcess } from './svg_process.ts';

/** The formats that are decoded. */
export const IMAGE_FORMATS = 'PNG, JPEG, WebP, GIF, TIFF, AVIF or SVG';

/**
 * Pixels of the largest image that is decoded, which a file of 40 bytes can have: so many take less than 1 GB. libvips
 * and libjpeg hold up to 12 bytes of each, with the result; libheif, which reads AVIF, 18.
 */
const MOST_PIXELS = 2 ** 26;
const MOST_PIXELS_OF_AVIF = 2 ** 25;

/** How files of pixels begin, and where. What begins otherwise may be SVG, which is a program. */
const PIXELS: readonly (readonly [at: number, text: string])[] = [
  [0, '\x89PNG'],
  [0, '\xff\xd8\xff'],
  [0, 'GIF8'],
  [0, 'RIFF'],
  [0, 'II'],
  [0, 'MM'],
  [4, 'ftyp'],
];

/**
 * Values stay as the file has them, as in PIL: a profile that says sRGB in other words would shift them.
 * A file that ends too early is an error, and not a picture that is half grey.
 */
export const OPTIONS: SharpOptions = {
  autoOrient: true,
  ignoreIcc: true,
  failOn: 'error',
  // `checkPixels` says which image and which limit.
  limitInputPixels: false,
};

/**
 * Decodes a PNG, JPEG, WebP, GIF, TIFF, AVIF or SVG file to 8 bit RGBA, upright as its EXIF data says.
 * Of animations it takes the first frame; of 16 bit channels the upper half; colour profiles are ignored.
 *
 * Throws ImageError for a file that is missing, broken or no image, UnsupportedError for more than 2^26 pixels, of AVIF
 * 2^25, of SVG 2^24, for SVG that takes 10 s to draw, or where sharp is not installed. Messages name the file.
 */
export async function decodeImage(path: string): Promise<Image> {
  const open = await loadSharp();
  const file = await readImageFile(path);
  try {
    if (!holdsPixels(file)) return await decodeInProcess(file, OPTIONS);
    const metadata = await open(file, OPTIONS).metadata();
    checkPixels(metadata);
    const image = open(file, OPTIONS);
    return await (metadata.space === 'cmyk' ? decodeCmyk(image) : decodeRgb(image));
  } catch (error) {
    if (!(error instanceof UnsupportedError)) throw explain(path, error);
    throw new UnsupportedError(`image "${path}" ${error.message}`);
  }
}

const FILE_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: ': there is no such file',
  EISDIR: ' is a folder, not an image',
  EACCES: ' may not be read',
};

async function readImageFile(path: string): Promise<Uint8Array> {
  let file: Uint8Array;
  try {
    file = await readFile(path);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
    throw new ImageError(`image "${path}"${FILE_ERRORS[code] ?? `: ${firstLine(cause)}`}`, {
      cause,
    });
  }
  if (file.length === 0) throw new ImageError(`image "${path}" is empty`);
  return file;
}

function holdsPixels(file: Uint8Array): boolean {
  const head = String.fromCharCode(...file.subarray(0, 12));
  return PIXELS.some(([at, text]) => head.startsWith(text, at));
}

function checkPixels({ width, height, format }: Metadata): void {
  const most = format === 'heif' ? MOST_PIXELS_OF_AVIF : MOST_PIXELS;
  if (width * height <= most) return;
  throw new UnsupportedError(
    `has ${width} x ${height} pixels, more than the ${most} that are decoded; make it smaller first`,
  );
}

async function decodeRgb(image: Sharp): Promise<Image> {
  const { data, info } = await image
    .toColourspace('srgb')
    .ensureAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height } = info;
  return { width, height, data: new Uint8Array(data.buffer, data.byteOffset, data.length) };
}

/** sharp would convert by a press profile; PIL, and so whoever trained with it, subtracts the inks. */
async function decodeCmyk(image: Sharp): Promise<Image> {
  const { data, info } = await image
    .pipelineColourspace('cmyk')
    .toColourspace('cmyk')
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  const rgba = new Uint8Array(4 * width * height).fill(255);
  for (let pixel = 0; pixel < width * height; pixel++) {
    const light = 255 - (data[pixel * channels + 3] ?? 0);
    for (let c = 0; c < 3; c++) {
      const ink = data[pixel * channels + c] ?? 0;
      rgba[4 * pixel + c] = light - Math.round((ink * light) / 255);
    }
  }
  return { width, height, data: rgba };
}

/** Says what is wrong with a file that sharp could not decode. */
function explain(path: string, cause: unknown): ImageError {
  const reason = firstLine(cause).replace(/^Input (buffer has corrupt header|file).*?:\s*/i, '');
  const what = /unsupported image format/i.test(reason)
    ? `is no ${IMAGE_FORMATS} file`
    : `is broken or cut short${reason && ` (${reason})`}`;
  return new ImageError(`image "${path}" ${what}`, { cause });
}

function firstLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.split('\n', 1)[0] ?? '';
}
