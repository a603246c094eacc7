/** A .npz file: a ZIP archive with a .npy file for each array, stored or deflated, under its name. */

import { type UnzipFileInfo, unzipSync, zipSync } from 'fflate';
import { checkBytes } from '../runtime/arguments.ts';
import { checkKinds } from '../runtime/kinds.ts';
import { quoted } from '../runtime/weights/messages.ts';
import { demandSound, type NumpyArray, NumpyError } from './array.ts';
import { MOST_ELEMENTS, readArray, writeNpy } from './npy.ts';

const EXTENSION = '.npy';
/** A network has dozens of inputs and outputs at most. */
const MOST_FILES = 4096;
/** More than the buffers of a device hold: what a small file may unfold into. */
const MOST_UNPACKED_BYTES = 2 ** 30;
/** The first day that ZIP knows, as numpy.savez says it: the same arrays are the same bytes. */
const FIRST_DAY = new Date(1980, 0, 1);

/**
 * Reads a .npz file: its arrays by name, each as `readNpy` reads it. `name` is for messages.
 *
 * @param bytes - The file.
 * @param name - What messages call it.
 * @returns In the file's order.
 * @throws NumpyError for a file that is broken, one that unfolds into more than a gibibyte or 2^28 elements, and what
 *   `readNpy` refuses.
 *
 * @example
 * const arrays = readNpz(writeNpz({ input: { shape: [1, 1, 28, 28], data: pixels } }));
 * await session.run(Object.fromEntries([...arrays].map(([name, { data }]) => [name, data])));
 */
export function readNpz(bytes: Uint8Array, name = 'arrays.npz'): ReadonlyMap<string, NumpyArray> {
  checkBytes('readNpz', bytes);
  checkKinds('readNpz', { name });
  const who = `NumPy file ${quoted(name)}`;
  const arrays = new Map<string, NumpyArray>();
  let left = MOST_ELEMENTS;
  for (const [file, content] of Object.entries(unpacked(bytes, who))) {
    const array = file.slice(0, -EXTENSION.length);
    const read = readArray(content, `${who}, array ${quoted(array)}`, left);
    left -= read.data.length;
    arrays.set(array, read);
  }
  return arrays;
}

/** The files of an archive that are arrays. */
function unpacked(bytes: Uint8Array, who: string): Readonly<Record<string, Uint8Array>> {
  const survey = new Survey(who);
  try {
    // The directory alone, all of it, before anything is unpacked.
    unzipSync(bytes, { filter: (file) => survey.counts(file) });
    return unzipSync(bytes, { filter: isArray });
  } catch (cause) {
    if (cause instanceof NumpyError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new NumpyError(`${who}: is damaged or no ZIP archive (${reason})`, { cause });
  }
}

function isArray({ name }: UnzipFileInfo): boolean {
  return name.endsWith(EXTENSION);
}

/** Counts what an archive unfolds into, by its directory. */
class Survey {
  readonly #who: string;
  #files = 0;
  #bytes = 0;

  constructor(who: string) {
    this.#who = who;
  }

  /** Takes no file. Throws NumpyError where this is one too many. */
  counts(file: UnzipFileInfo): false {
    this.#files += 1;
    if (isArray(file)) this.#bytes += file.originalSize;
    const much = `unfolds into ${this.#bytes} bytes; at most ${MOST_UNPACKED_BYTES} are read`;
    demandSound(this.#files <= MOST_FILES, `${this.#who}: has more than ${MOST_FILES} files`);
    demandSound(this.#bytes <= MOST_UNPACKED_BYTES, `${this.#who}: ${much}`);
    return false;
  }
}

/**
 * Writes a .npz file, uncompressed, as numpy.savez does.
 *
 * @param arrays - By the names that they have in the file.
 * @returns The file.
 * @throws NumpyError where an array is not as long as its shape says.
 *
 * @example
 * const file = writeNpz({ mean: { shape: [3], data: Float32Array.of(0.485, 0.456, 0.406) } });
 */
export function writeNpz(arrays: Readonly<Record<string, NumpyArray>>): Uint8Array {
  checkKinds('writeNpz', { arrays });
  const files = Object.entries(arrays).map(
    ([name, array]) => [`${name}${EXTENSION}`, writeNpy(array)] as const,
  );
  return zipSync(Object.fromEntries(files), { level: 0, mtime: FIRST_DAY });
}
