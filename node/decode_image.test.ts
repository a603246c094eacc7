import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../test/fixtures/cli.ts';
import { decodeImage } from './decode_image.ts';
import { packageFile } from './package_file.ts';

const folder = temporaryFolder();

/** Red, green / blue, grey: RGB. */
const FOUR = Uint8Array.of(200, 10, 20, 30, 190, 40, 50, 60, 210, 128, 128, 128);

function fromPixels(data: Uint8Array | Uint16Array, width: number, channels: 1 | 2 | 3 | 4): Sharp {
  return sharp(data, { raw: { width, height: data.length / channels / width, channels } });
}

async function write(name: string, image: Sharp): Promise<string> {
  return writeBytes(name, await image.toBuffer());
}

function writeBytes(name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

/** A picture large enough to be cut: smooth, so that JPEG keeps it. */
function gradient(width = 64, height = 48): Sharp {
  const data = Uint8Array.from({ length: 3 * width * height }, (_, i) => {
    const x = Math.floor(i / 3) % width;
    return (x * 2 + (i % 3) * 40) & 255;
  });
  return fromPixels(data, width, 3);
}

async function pixelsOf(path: string): Promise<number[][]> {
  const { data } = await decodeImage(path);
  return Array.from({ length: data.length / 4 }, (_, i) => [...data.subarray(4 * i, 4 * i + 4)]);
}

const FOUR_RGBA = [
  [200, 10, 20, 255],
  [30, 190, 40, 255],
  [50, 60, 210, 255],
  [128, 128, 128, 255],
];

describe('decodeImage', () => {
  it.each<[string, (image: Sharp) => Sharp]>([
    ['rgb.png', (image) => image.png()],
    ['interlaced.png', (image) => image.png({ progressive: true })],
    ['palette.png', (image) => image.png({ palette: true })],
    ['lossless.webp', (image) => image.webp({ lossless: true })],
    ['deflated.tif', (image) => image.tiff({ compression: 'deflate' })],
    ['one_frame.gif', (image) => image.gif()],
  ])('reads %s to RGBA', async (name, encode) => {
    const path = await write(name, encode(fromPixels(FOUR, 2, 3)));
    const { width, height } = await decodeImage(path);
    expect({ width, height }).toEqual({ width: 2, height: 2 });
    expect(await pixelsOf(path)).toEqual(FOUR_RGBA);
  });

  it('reads JPEG', async () => {
    const { width, height, data } = await decodeImage(
      await write('gradient.jpg', gradient().jpeg({ quality: 100 })),
    );
    const expected = await gradient().ensureAlpha().raw().toBuffer();
    expect({ width, height }).toEqual({ width: 64, height: 48 });
    const worst = Uint8Array.from(data).reduce(
      (most, v, i) => Math.max(most, Math.abs(v - (expected[i] ?? 0))),
      0,
    );
    expect(worst).toBeLessThanOrEqual(4);
  });

  it('keeps alpha straight', async () => {
    const rgba = Uint8Array.of(255, 10, 20, 0, 30, 190, 40, 128);
    const path = await write('alpha.png', fromPixels(rgba, 2, 4).png());
    expect(await pixelsOf(path)).toEqual([
      [255, 10, 20, 0],
      [30, 190, 40, 128],
    ]);
  });

  it('spreads grey, with and without alpha', async () => {
    const grey = fromPixels(Uint8Array.of(0, 77), 2, 1).toColourspace('b-w').png();
    expect(await pixelsOf(await write('grey.png', grey))).toEqual([
      [0, 0, 0, 255],
      [77, 77, 77, 255],
    ]);
    const greyAlpha = fromPixels(Uint8Array.of(0, 9, 77, 200), 2, 2)
      .toColourspace('b-w')
      .png();
    expect(await pixelsOf(await write('grey_alpha.png', greyAlpha))).toEqual([
      [0, 0, 0, 9],
      [77, 77, 77, 200],
    ]);
  });

  it('takes the upper half of 16 bit', async () => {
    const deep = Uint16Array.of(0x12ff, 0x8000, 0xffff, 0x00ff, 0x0100, 0x7fff);
    const png = fromPixels(deep, 2, 3).toColourspace('rgb16').png();
    const path = await write('deep.png', png);
    expect((await sharp(path).metadata()).depth).toBe('ushort');
    expect(await pixelsOf(path)).toEqual([
      [0x12, 0x80, 0xff, 255],
      [0x00, 0x01, 0x7f, 255],
    ]);
  });

  it('subtracts the inks of CMYK as PIL does', async () => {
    const path = await write('cmyk.jpg', gradient().toColourspace('cmyk').jpeg());
    const { data: inks, info } = await sharp(path, { ignoreIcc: true })
      .pipelineColourspace('cmyk')
      .toColourspace('cmyk')
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect(info.channels).toBe(4);
    const expected = Array.from({ length: inks.length / 4 }, (_, i) => {
      const [c = 0, m = 0, y = 0, k = 0] = inks.subarray(4 * i, 4 * i + 4);
      return [...[c, m, y].map((ink) => Math.round(((255 - ink) * (255 - k)) / 255)), 255];
    });
    expect(await pixelsOf(path)).toEqual(expected);
  });

  it('turns the image as EXIF says', async () => {
    // Orientation 6: the first row is the right side.
    const png = fromPixels(FOUR, 2, 3).withMetadata({ orientation: 6 }).png();
    const [red, green, blue, grey] = FOUR_RGBA;
    expect(await pixelsOf(await write('turned.png', png))).toEqual([blue, red, grey, green]);
  });

  it('keeps values as they are whatever the colour profile', async () => {
    const pure = fromPixels(Uint8Array.of(255, 0, 0), 1, 3)
      .withIccProfile('p3')
      .png();
    const [[red = 0, green = 0, blue = 0] = []] = await pixelsOf(await write('p3.png', pure));
    // What sRGB's red is in Display P3; a decoder that used the profile would give 255, 0, 0.
    expect([red, green, blue].map((value) => Math.round(value / 8))).toEqual([29, 6, 4]);
  });

  it('takes the first frame of an animation', async () => {
    const frames = await Promise.all(
      [FOUR, FOUR.map((value) => 255 - value)].map((data) =>
        fromPixels(data, 2, 3).png().toBuffer(),
      ),
    );
    const path = await write('animated.gif', sharp(frames, { join: { animated: true } }).gif());
    expect((await sharp(path).metadata()).pages).toBe(2);
    expect(await pixelsOf(path)).toEqual(FOUR_RGBA);
  });

  it.each([
    [1, 1],
    [20000, 10],
    [10, 20000],
  ])('reads %i x %i pixels', async (width, height) => {
    const path = await write(`${width}x${height}.png`, gradient(width, height).png());
    const image = await decodeImage(path);
    expect(image).toMatchObject({ width, height });
    expect(image.data).toHaveLength(4 * width * height);
  });

  it('reads the sample photos', async () => {
    const path = packageFile('samples', 'photos', 'chelsea.png');
    expect(await decodeImage(path)).toMatchObject({ width: 451, height: 300 });
  });
});

describe('decodeImage refuses', () => {
  async function refusal(path: string): Promise<string> {
    const error: unknown = await decodeImage(path).catch((thrown: unknown) => thrown);
    if (!(error instanceof Error)) throw new Error(`${path} was decoded`);
    expect(error.message).not.toContain('\n');
    return `${error.name}: ${error.message.replace(folder, '')}`;
  }

  it('a missing file', async () => {
    expect(await refusal(join(folder, 'none.png'))).toBe(
      'ImageError: image "/none.png": there is no such file',
    );
  });

  it('a folder', async () => {
    mkdirSync(join(folder, 'folder.png'));
    expect(await refusal(join(folder, 'folder.png'))).toBe(
      'ImageError: image "/folder.png" is a folder, not an image',
    );
  });

  it('an empty file', async () => {
    expect(await refusal(writeBytes('empty.png', new Uint8Array()))).toBe(
      'ImageError: image "/empty.png" is empty',
    );
  });

  it('text', async () => {
    expect(await refusal(writeBytes('text.png', Buffer.from('no image\n')))).toBe(
      'ImageError: image "/text.png" is no PNG, JPEG, WebP, GIF, TIFF, AVIF or SVG file',
    );
  });

  it.each<[string, (image: Sharp) => Sharp]>([
    ['cut.png', (image) => image.png()],
    ['cut.jpg', (image) => image.jpeg()],
    ['cut_progressive.jpg', (image) => image.jpeg({ progressive: true })],
    ['cut.webp', (image) => image.webp()],
    ['cut.gif', (image) => image.gif()],
    ['cut.tif', (image) => image.tiff()],
  ])('%s, cut short anywhere', async (name, encode) => {
    const whole = await encode(gradient()).toBuffer();
    for (const share of [0.1, 0.5, 0.9]) {
      const cut = writeBytes(name, whole.subarray(0, Math.floor(whole.length * share)));
      expect(await refusal(cut)).toMatch(/^ImageError: image "\/cut.*" is (broken|no PNG)/);
    }
  });

  it('a PNG with a wrong checksum', async () => {
    const png = await gradient().png().toBuffer();
    const at = Math.floor(png.length / 2);
    png.writeUInt8(png.readUInt8(at) ^ 0x55, at);
    expect(await refusal(writeBytes('corrupt.png', png))).toMatch(/^ImageError: .* is broken/);
  });

  it('an image without pixels', async () => {
    const png = await gradient().png().toBuffer();
    png.writeUInt32BE(0, 16);
    expect(await refusal(writeBytes('no_columns.png', png))).toMatch(/^ImageError: .* is broken/);
  });

  it('an image of too many pixels, before decoding it', async () => {
    const png = await gradient().png().toBuffer();
    png.writeUInt32BE(100_000, 16);
    png.writeUInt32BE(100_000, 20);
    // Its header's checksum is wrong now, but nothing is known of an image before its size.
    expect(await refusal(writeBytes('vast.png', png))).toBe(
      'UnsupportedError: image "/vast.png" has 100000 x 100000 pixels, more than the 67108864 that are decoded; make it smaller first',
    );
  });

  it('AVIF of half as many, since more of it is in memory at a time', async () => {
    const avif = await gradient().avif({ effort: 0 }).toBuffer();
    const extents = avif.indexOf('ispe') + 8;
    avif.writeUInt32BE(8000, extents);
    avif.writeUInt32BE(8000, extents + 4);
    expect(await refusal(writeBytes('vast.avif', avif))).toMatch(
      /has 8000 x 8000 pixels, more than the 33554432 that are decoded/,
    );
  });

  it('an image of many pixels in few bytes, within bounds of memory', async () => {
    const flat = { width: 8192, height: 8192, channels: 3, background: 'teal' } as const;
    const path = await write(
      'flat.webp',
      sharp({ create: flat }).webp({ lossless: true, effort: 0 }),
    );
    const before = process.memoryUsage().rss;
    expect(await decodeImage(path)).toMatchObject({ width: 8192, height: 8192 });
    expect(1024 * process.resourceUsage().maxRSS - before).toBeLessThan(1e9);
  });
});
