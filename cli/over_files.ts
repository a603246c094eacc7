/** Image files to results: reading, decoding, uploading and computing in overlap. */

import { existsSync } from 'node:fs';
import { decodeAhead } from '../node/decode_ahead.ts';
import { findImages } from '../node/image_files.ts';
import { type Image, type ManyPicturesOptions, TilewiseError } from '../src/index.ts';
import { formatCount, formatPercent, note } from '../terminal/output.ts';
import { formatSeconds, ProgressBar } from '../terminal/progress_bar.ts';

export interface OverFilesOptions<T> {
  /** For the progress bar: `classifying`. */
  readonly what: string;
  /** Images a run. */
  readonly batch: number;
  /** The results of pictures in order, by path. */
  readonly run: (
    pictures: AsyncIterable<readonly [path: string, image: Image]>,
    options: ManyPicturesOptions<string>,
  ) => AsyncIterable<readonly [path: string, result: T]>;
  readonly onResult: (path: string, result: T) => void;
}

/** What became of some files. */
export interface FilesSummary {
  readonly images: number;
  readonly seconds: number;
  /** The share of the time in which the GPU computed, 0 to 1, where the device can tell. */
  readonly gpuBusy: number | undefined;
  /** Messages that name the files. */
  readonly unreadable: readonly string[];
}

/** The images of files, folders and patterns. Throws TilewiseError, with what was looked for, where there are none. */
export async function imagesOf(args: readonly string[]): Promise<readonly string[]> {
  const { images, remarks } = await findImages(args);
  if (images.length === 0) throw new TilewiseError(remarks.join('\n'));
  for (const remark of remarks) note(`note: ${remark}`);
  return images;
}

/** Runs of equal size, of `most` images at most: the last is as full as the others, or nearly. */
export function evenBatch(images: number, most: number): number {
  return Math.ceil(images / Math.ceil(images / most));
}

/**
 * Those of the images that are not done. Says how many are, and which of those that were named are not there; where
 * none is, nothing is left to do, and that is said as after the work.
 */
export function imagesLeft(
  args: readonly string[],
  images: readonly string[],
  before?: { readonly done: ReadonlySet<string>; readonly out: string | undefined },
): readonly string[] {
  const paths = images.filter((path) => !before?.done.has(path));
  if (before && paths.length < images.length) {
    const done = images.length - paths.length;
    note(`${done} of ${images.length} images are in ${before.out} already`);
  }
  const typed = new Set(args);
  const missing = paths.filter((path) => typed.has(path) && !existsSync(path));
  const unreadable = missing.map((path) => `image "${path}": there is no such file`);
  if (missing.length < paths.length) {
    for (const message of unreadable) note(`note: ${message}`);
    return paths;
  }
  reportSummary({ images: 0, seconds: 0, gpuBusy: undefined, unreadable });
  return [];
}

/** Works through files in order, with a progress bar on stderr. Unreadable ones are left out and listed. */
export async function overFiles<T>(
  paths: readonly string[],
  { what, batch, run, onResult }: OverFilesOptions<T>,
): Promise<FilesSummary> {
  const unreadable: string[] = [];
  let images = 0;
  let gpuMs = 0;
  const begun = performance.now();
  const bar = new ProgressBar({ what, total: paths.length, format: formatImages });
  const pictures = decodeAhead(paths, {
    ahead: batch,
    onUnreadable: (_, error) => unreadable.push(error.message),
  });
  bar.update(0);
  try {
    const results = run(pictures, {
      onRefused: (path, error) => unreadable.push(`"${path}": ${error.message}`),
      onGpuTime: (ms) => {
        gpuMs += ms;
      },
    });
    for await (const [path, result] of results) {
      onResult(path, result);
      bar.update(++images + unreadable.length);
    }
  } finally {
    bar.close();
  }
  const seconds = (performance.now() - begun) / 1000;
  return { images, seconds, gpuBusy: gpuMs > 0 ? gpuMs / 1000 / seconds : undefined, unreadable };
}

const SHOWN = 20;

/** Says on stderr how it went; files that could not be read make exit code 2. */
export function reportSummary({ images, seconds, gpuBusy, unreadable }: FilesSummary): void {
  const rate = formatImages(images / seconds);
  const time = seconds < 1 ? `${(1000 * seconds).toFixed(0)} ms` : formatSeconds(seconds);
  const busy = gpuBusy === undefined ? '' : `, GPU busy ${formatPercent(gpuBusy)}`;
  if (images > 1) note(`${formatImages(images)} in ${time}: ${rate}/s${busy}`);
  if (unreadable.length === 0) return;
  process.exitCode = 2;
  note(`error: ${formatImages(unreadable.length)} could not be read:`);
  for (const message of unreadable.slice(0, SHOWN)) note(`  ${message}`);
  if (unreadable.length > SHOWN) note(`  ... and ${unreadable.length - SHOWN} more`);
}

function formatImages(count: number): string {
  return `${formatCount(count)} image${count === 1 ? '' : 's'}`;
}
