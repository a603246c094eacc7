/** Decodes images before they are asked for, a few at a time, within a limit of memory. */
import { availableParallelism } from 'node:os';
import { type Image, ImageError, UnsupportedError } from '../src/index.ts';
import { decodeImage } from './decode_image.ts';

export interface DecodeAheadOptions {
  /** Images that may wait to be asked for. */
  readonly ahead: number;
  /** Hears of files that cannot be read, which are left out. */
  readonly onUnreadable: (path: string, error: Error) => void;
}

/** What libuv's threads, on which sharp works, do at a time. */
const THREADS = Math.min(4, availableParallelism());

/** Bytes of pixels after which no further image is begun. */
const MAX_BYTES = 2 ** 28;

type Attempt = { readonly path: string; readonly image: Image } | { readonly error: Error };

/** The images of files by their paths, in the files' order. */
export async function* decodeAhead(
  paths: Iterable<string>,
  { ahead, onUnreadable }: DecodeAheadOptions,
): AsyncGenerator<readonly [string, Image]> {
  const rest = paths[Symbol.iterator]();
  const queue: { readonly path: string; readonly attempt: Promise<Attempt> }[] = [];
  let running = 0;
  let bytes = 0;
  const begin = async (path: string): Promise<Attempt> => {
    running++;
    try {
      const image = await decodeImage(path);
      bytes += image.data.length;
      return { path, image };
    } catch (error) {
      if (error instanceof ImageError || error instanceof UnsupportedError) return { error };
      throw error;
    } finally {
      running--;
      fill();
    }
  };
  const fill = () => {
    while (queue.length < ahead && running < THREADS && (bytes < MAX_BYTES || queue.length === 0)) {
      const { value: path, done } = rest.next();
      if (done) return;
      queue.push({ path, attempt: begin(path) });
    }
  };
  for (fill(); queue.length > 0; fill()) {
    const { path, attempt } = queue[0] ?? {};
    const result = await attempt;
    queue.shift();
    if (!result || path === undefined) continue;
    if ('error' in result) onUnreadable(path, result.error);
    else {
      bytes -= result.image.data.length;
      yield [path, result.image];
    }
  }
}
