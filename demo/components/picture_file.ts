import { formatBytes } from '../format.ts';

/** More than any camera's picture has. */
const MOST_BYTES = 100e6;
/** Decoding takes 4 bytes each. */
const MOST_PIXELS = 400e6;
/** What every GPU takes, in a texture and in a buffer: larger pictures are scaled down to that. */
const LONGEST_SIDE = 8192;
const KEPT_PIXELS = 2 ** 25;

/** Values as the file has them: colours are not converted, alpha stays straight. */
export const AS_STORED = { colorSpaceConversion: 'none', premultiplyAlpha: 'none' } as const;

/** Decodes a picture, smaller where it is larger than GPUs take. Throws an Error for what is none, or too large. */
export async function decodePicture(file: Blob): Promise<ImageBitmap> {
  if (file.size > MOST_BYTES) throw tooLarge(formatBytes(file.size));
  const name = file instanceof File ? `“${file.name}”` : 'this file';
  try {
    return await decodeFitting(file);
  } catch (error) {
    if (error instanceof RangeError) throw error;
    throw new Error(`${name} is no picture that this browser reads; save it as PNG or JPEG`);
  }
}

async function decodeFitting(file: Blob): Promise<ImageBitmap> {
  const { width, height } = await extentOf(file);
  const pixels = width * height;
  if (pixels > MOST_PIXELS) {
    throw new RangeError(
      `the picture has ${width} × ${height} pixels; make it smaller, ${MOST_PIXELS / 1e6} million are read`,
    );
  }
  const scale = Math.min(LONGEST_SIDE / Math.max(width, height), Math.sqrt(KEPT_PIXELS / pixels));
  if (scale >= 1) return createImageBitmap(file, AS_STORED);
  return createImageBitmap(file, {
    ...AS_STORED,
    resizeWidth: Math.max(1, Math.round(width * scale)),
    resizeHeight: Math.max(1, Math.round(height * scale)),
    resizeQuality: 'high',
  });
}

/** Before it is decoded, as the head of the file says it. */
async function extentOf(file: Blob): Promise<{ readonly width: number; readonly height: number }> {
  const url = URL.createObjectURL(file);
  try {
    const image = new Image();
    await new Promise((resolve, reject) => {
      image.addEventListener('load', resolve);
      image.addEventListener('error', reject);
      image.src = url;
    });
    return { width: image.naturalWidth, height: image.naturalHeight };
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** Fetches a picture, telling how far it is; stops in the middle of one that turns out too large. */
export async function fetchPicture(
  url: string,
  signal: AbortSignal,
  say: (text: string) => void,
): Promise<Blob> {
  const response = await fetch(url, { signal }).catch(() => {
    signal.throwIfAborted();
    throw new Error(
      `“${url}” could not be reached; its server may not allow other pages to read it`,
    );
  });
  if (!response.ok) throw new Error(`“${url}”: the server answered ${response.status}`);
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  for (const reader = response.body?.getReader(); reader; ) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    bytes += value.length;
    if (bytes > MOST_BYTES) throw tooLarge(`more than ${formatBytes(MOST_BYTES)}`);
    say(`Loading ${url}: ${formatBytes(bytes)}`);
  }
  return new Blob(chunks);
}

function tooLarge(size: string): RangeError {
  return new RangeError(
    `the picture has ${size}; make it smaller, ${formatBytes(MOST_BYTES)} are read`,
  );
}
