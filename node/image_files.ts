/** The image files that paths, folders and patterns name. */
import { type Dirent, readdirSync, realpathSync, type Stats, statSync } from 'node:fs';
import { extname, join, sep } from 'node:path';
import { glob, isDynamicPattern } from 'tinyglobby';

const EXTENSIONS = '.png .jpg .jpeg .webp .gif .tif .tiff .avif .svg'.split(' ');

export interface FoundImages {
  readonly images: readonly string[];
  /** What users may not expect: a folder without images, or that cannot be read; links that lead out of one. */
  readonly remarks: readonly string[];
}

/**
 * Files as they are, of folders every image in them and below, in order of their names, and what patterns
 * such as `photos/*.jpg` match: not every shell replaces these, and none takes a million files. What is not there
 * stays in the list, for whoever reads it to report. Links in folders are followed; in patterns, as in shells, `**`
 * follows none.
 */
export async function findImages(args: readonly string[]): Promise<FoundImages> {
  const found = await Promise.all(args.map(findOne));
  return {
    images: [...new Set(found.flatMap(({ images }) => images))],
    remarks: found.flatMap(({ remarks }) => remarks),
  };
}

async function findOne(arg: string): Promise<FoundImages> {
  const stats = statsOf(arg);
  if (stats?.isDirectory()) return imagesIn(arg);
  if (stats || !isDynamicPattern(arg)) return { images: [arg], remarks: [] };
  const matches = await glob(arg, { expandDirectories: false, followSymbolicLinks: false });
  return { images: matches.length > 0 ? matches.sort() : [arg], remarks: [] };
}

/** What a walk through a folder has come across. */
interface Seen {
  readonly images: string[];
  readonly others: string[];
  /** Links that lead out of the folder. */
  readonly outside: string[];
  readonly unreadable: string[];
}

/** Of a folder and all below it. Each folder is entered once, however many links lead to it, or in circles. */
function imagesIn(folder: string): FoundImages {
  const seen: Seen = { images: [], others: [], outside: [], unreadable: [] };
  const root = `${realpathSync(folder)}${sep}`;
  const entered = new Set<string>();
  const folders = [folder];
  // After the rest, so that what lies in the folder has its name there.
  const links: string[] = [];
  for (let next = folders.pop(); next !== undefined; next = folders.pop() ?? links.shift()) {
    const real = realpathSync(next);
    if (entered.has(real)) continue;
    entered.add(real);
    for (const entry of entriesOf(next, seen)) {
      const path = join(next, entry.name);
      const target = entry.isSymbolicLink() ? statsOf(path) : undefined;
      if (target && !`${realpathSync(path)}${sep}`.startsWith(root)) seen.outside.push(path);
      if (entry.isDirectory()) folders.push(path);
      else if (target?.isDirectory()) links.push(path);
      else (isImage(path) ? seen.images : seen.others).push(path);
    }
  }
  return { images: seen.images.sort(), remarks: remarksOn(folder, seen) };
}

/** Without the hidden ones, as in patterns. */
function entriesOf(folder: string, { unreadable }: Seen): readonly Dirent[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries.filter(({ name }) => !name.startsWith('.'));
  } catch {
    unreadable.push(folder);
    return [];
  }
}

/** Undefined for what is not there, also at the end of a link, or of links in a circle. */
function statsOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

function isImage(path: string): boolean {
  return EXTENSIONS.includes(extname(path).toLowerCase());
}

function remarksOn(folder: string, { images, others, outside, unreadable }: Seen): string[] {
  const [other] = others.sort();
  const holds =
    other === undefined ? 'no files' : `${counted(others, 'other file')}, such as "${other}"`;
  const looked = `looked for ${EXTENSIONS.join(', ')} in it and all folders below, found ${holds}`;
  const [link] = outside.sort();
  return [
    ...(images.length === 0 ? [`there are no images in "${folder}": ${looked}`] : []),
    ...(link === undefined
      ? []
      : [`followed ${counted(outside, 'link')} out of "${folder}", such as "${link}"`]),
    ...unreadable.map((path) => `the folder "${path}" cannot be read, and is left out`),
  ];
}

function counted(items: readonly string[], what: string): string {
  return `${items.length} ${what}${items.length === 1 ? '' : 's'}`;
}
