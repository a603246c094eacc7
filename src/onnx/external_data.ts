/** Tensors whose data is in files beside the model's. */
import { quoted } from '../runtime/weights/messages.ts';
import { demandSound } from './errors.ts';
import type { StringStringEntryProto } from './schema/fields.ts';

/**
 * Gives the bytes of a file beside the model, by its path relative to the model's folder. The path has been checked to
 * lead nowhere else, as far as its text tells: links are for whoever opens the file.
 *
 * @param path - Relative to the model's folder, with `/`.
 */
export type ReadExternal = (path: string) => Uint8Array;

/** The same files, each read once: exporters put all tensors of a model into one. */
export function readOnce(readExternal: ReadExternal): ReadExternal {
  const files = new Map<string, Uint8Array>();
  return (path) => {
    const file = files.get(path) ?? readExternal(path);
    files.set(path, file);
    return file;
  };
}

/** The part of a file that is a tensor. Throws OnnxError for paths out of the folder, and ranges out of the file. */
export function externalBytes(
  entries: readonly StringStringEntryProto[],
  bytes: number,
  who: string,
  readExternal: ReadExternal | undefined,
): Uint8Array {
  const given = new Map(entries.map(({ key, value }) => [key, value]));
  const path = given.get('location') ?? '';
  checkPath(path, who);
  const offset = count(given.get('offset') ?? '0', 'an offset', who);
  const length = count(given.get('length') ?? String(bytes), 'a length', who);
  const end = offset + length;
  demandSound(length === bytes, `${who}: takes ${bytes} bytes, its external data has ${length}`);
  demandSound(
    readExternal,
    `${who}: its data is in the file ${quoted(path)}; give readExternal, or a file with the data inside`,
  );
  const file = readExternal(path);
  const place = `bytes ${offset} to ${end} of ${quoted(path)}`;
  demandSound(end <= file.length, `${who}: ${place}, which has ${file.length}`);
  return file.subarray(offset, end);
}

/** A relative path of plain names: no parents, roots or drives, nothing that an operating system reads otherwise. */
function checkPath(path: string, who: string): void {
  const plain = path
    .split('/')
    .every((name) => name !== '' && name !== '..' && [...name].every(isPlain));
  demandSound(
    plain,
    `${who}: its data is said to be in ${quoted(path)}; expected a path inside of the model's folder`,
  );
}

function isPlain(character: string): boolean {
  return character >= ' ' && character !== '\\' && character !== ':';
}

function count(text: string, what: string, who: string): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  const safe = Number.isSafeInteger(value);
  demandSound(safe, `${who}: expected ${what} in digits, got ${quoted(text)}`);
  return value;
}
