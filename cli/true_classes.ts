/** What images really show: of a labels file, or of the folders that they lie in. */
import { readFileSync } from 'node:fs';
import { basename, relative, sep } from 'node:path';
import { csvParseRows } from 'd3-dsv';
import { TilewiseError } from '../src/index.ts';

/** The classes that a model tells apart. */
export interface Classes {
  readonly model: string;
  /** Names in index order. */
  readonly labels: readonly string[];
}

/** The class of each image, by its path; images of which nothing is known are not in it. */
export type TrueClasses = ReadonlyMap<string, number>;

/**
 * Of a file with an image and its class on each line, in CSV or apart by a space or tab, as in Caffe's
 * `val.txt`. An image is named by its path below `folder`, or by its file name alone; a class by index or label.
 * A first line that names no class is a head. Throws TilewiseError for other lines, with their number.
 */
export function readTrueClasses(
  path: string,
  folder: string,
  images: readonly string[],
  classes: Classes,
): TrueClasses {
  const rows = readRows(path);
  const known = new Map<string, number>();
  for (const [i, [image = '', name = '']] of rows.entries()) {
    const index = classIndex(name, classes);
    if (index !== undefined) known.set(slashes(image), index);
    else if (i > 0) throw notAClass(path, i + 1, name, classes);
  }
  const found = images.flatMap((image): [string, number][] => {
    const index = known.get(slashes(relative(folder, image))) ?? known.get(basename(image));
    return index === undefined ? [] : [[image, index]];
  });
  if (found.length === 0) {
    const example = rows[0]?.[0] ?? '';
    throw new TilewiseError(
      `labels file "${path}" has no class for any of the ${images.length} images in ${folder}; it begins with "${example}", the images with "${images[0]}"`,
    );
  }
  return new Map(found);
}

/**
 * Of the folders right below `folder`: each is named as a class is, or there are as many as classes, in the
 * classes' order, as with ImageNet's `val/n01440764`. Throws TilewiseError for other folders.
 */
export function foldersAsClasses(
  folder: string,
  images: readonly string[],
  classes: Classes,
): TrueClasses {
  const folderOf = (image: string) => relative(folder, image).split(sep).slice(0, -1)[0];
  const names = [...new Set(images.map(folderOf))].filter((name) => name !== undefined).sort();
  const named = names.map((name) => classIndex(name, classes));
  const inOrder = names.length === classes.labels.length;
  if (names.length === 0) {
    throw new TilewiseError(
      `"${folder}" has no folders of images in it, whose names would tell the classes; give --labels FILE`,
    );
  }
  if (!inOrder && named.includes(undefined)) {
    throw new TilewiseError(
      `"${folder}" has ${names.length} folders with images, which are no classes of "${classes.model}" (${classes.labels.length}); give --labels FILE`,
    );
  }
  const indices = new Map(names.map((name, i) => [name, named.includes(undefined) ? i : named[i]]));
  return new Map(
    images.flatMap((image): [string, number][] => {
      const index = indices.get(folderOf(image) ?? '');
      return index === undefined ? [] : [[image, index]];
    }),
  );
}

function readRows(path: string): readonly (readonly string[])[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8').trim();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TilewiseError(`labels file "${path}" cannot be read: ${reason}`, { cause });
  }
  if (/^[^\n]*,/.test(text)) {
    return csvParseRows(text, (cells) => (cells.length > 1 || cells[0] !== '' ? cells : null));
  }
  return text.split(/\r?\n/).map((line) => {
    const [, image = line, name = ''] = /^(.*\S)\s+(\S+)\s*$/.exec(line) ?? [];
    return [image, name];
  });
}

function classIndex(name: string, { labels }: Classes): number | undefined {
  const text = name.trim();
  if (/^\d+$/.test(text)) return Number(text) < labels.length ? Number(text) : undefined;
  const index = labels.indexOf(text);
  return index >= 0 ? index : undefined;
}

function notAClass(path: string, line: number, name: string, classes: Classes): TilewiseError {
  return new TilewiseError(
    `labels file "${path}", line ${line}: "${name}" is no class of "${classes.model}"; expected an index of 0 to ${classes.labels.length - 1}, or a label such as "${classes.labels[0]}", after the image's name`,
  );
}

function slashes(path: string): string {
  return path.replaceAll('\\', '/').replace(/^\.\//, '');
}
