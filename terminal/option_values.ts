/** From the text of an option to its value, for commander: what does not fit throws InvalidArgumentError. */
import { statSync } from 'node:fs';
import { dirname, extname } from 'node:path';
import { InvalidArgumentError } from 'commander';

/** `4` */
export function parseCount(text: string): number {
  const count = Number(text);
  if (!Number.isSafeInteger(count) || count < 1) {
    throw new InvalidArgumentError('expected an integer of at least 1.');
  }
  return count;
}

/** `boxes,scores` */
export function parseNames(text: string): readonly string[] {
  const names = text.split(',').map((name) => name.trim());
  if (names.includes(''))
    throw new InvalidArgumentError('expected names with commas between them.');
  return names;
}

/** `0.25` */
export function parseShare(text: string): number {
  const share = Number(text);
  if (text.trim() !== '' && share >= 0 && share <= 1) return share;
  throw new InvalidArgumentError('expected a number from 0 to 1.');
}

/** For options that may be given several times. */
export function collect(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

/** `224,224` or `224` */
export function parseSize(text: string): readonly [number, number] {
  const [height = 0, width = height] = parseCounts(text, [1, 2], 'H,W, such as 224,224');
  return [height, width];
}

/** Some number of counts with commas between them. `form` says of what is expected how it looks. */
function parseCounts(text: string, lengths: readonly number[], form: string): readonly number[] {
  const counts = text.split(',').map(Number);
  const fits = counts.every((count) => Number.isSafeInteger(count) && count > 0);
  if (!fits || !lengths.includes(counts.length)) {
    throw new InvalidArgumentError(`expected ${form}.`);
  }
  return counts;
}

/**
 * The path of a file to write, in a folder that is there, of a kind that its name must not contradict: `mask.png`, or
 * `mask`, or `/dev/null`, but not `mask.jpg` where PNG is written.
 */
export function parseOutput(extension?: string): (path: string) => string {
  return (path) => {
    const given = extname(path).toLowerCase();
    if (extension !== undefined && given !== '' && given !== extension) {
      throw new InvalidArgumentError(`a ${extension} file is written, not ${given}.`);
    }
    // Before the work of an hour, whose result would not be kept.
    const folder = dirname(path);
    if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
      throw new InvalidArgumentError(`there is no folder "${folder}".`);
    }
    return path;
  };
}
