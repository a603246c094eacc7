/** Pixels to image files, in Node, by the package sharp. */
import type { Image } from '../src/index.ts';
import { loadSharp } from './load_sharp.ts';

/** A PNG file. Throws UnsupportedError where sharp is not installed. */
export async function encodePng({ width, height, data }: Image): Promise<Uint8Array> {
  const open = await loadSharp();
  return await open(data, { raw: { width, height, channels: 4 } })
    .png()
    .toBuffer();
}
