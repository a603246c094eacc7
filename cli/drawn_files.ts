/** Where pictures go that are drawn over. */
import { existsSync, mkdirSync, realpathSync, statSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { TilewiseError } from '../src/index.ts';
import { parseOutput } from '../terminal/option_values.ts';

/** A .png file in a folder that is there; what does not end as files do is a folder, which may have to be made. */
export function parseDrawn(path: string): string {
  return isFile(path) ? parseOutput('.png')(path) : path;
}

function isFile(path: string): boolean {
  const there = statSync(path, { throwIfNoEntry: false });
  return there ? !there.isDirectory() : isImageType(extname(path).slice(1));
}

/** Whether it is the ending of files of pictures, which folders do not have. */
function isImageType(ending: string): boolean {
  return /^(?:png|jpe?g|webp|gif|avif|bmp|tiff?)$/i.test(ending);
}

/**
 * The files to write, by image. Throws TilewiseError for one file of several, for several of one name, and for files
 * that are images themselves.
 */
export function filesDrawn(paths: readonly string[], draw: string): ReadonlyMap<string, string> {
  const folder = !isFile(draw);
  if (!folder && paths.length > 1) {
    throw new TilewiseError(
      `--draw "${draw}" is a file, there are ${paths.length} pictures; give a folder`,
    );
  }
  const images = new Set(paths.map(realPath));
  const files = new Map<string, string>();
  const taken = new Set<string>();
  for (const path of paths) {
    const file = folder ? join(draw, `${basename(path, extname(path))}.png`) : draw;
    if (images.has(realPath(file))) {
      throw new TilewiseError(`--draw would write over the picture "${file}"; give another folder`);
    }
    if (taken.has(file)) {
      throw new TilewiseError(
        `--draw: two pictures would be written as "${file}"; draw one folder after the other`,
      );
    }
    taken.add(file);
    files.set(path, file);
  }
  if (folder) makeFolder(draw);
  return files;
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TilewiseError(`--draw: folder "${path}" cannot be made: ${reason}`, { cause });
  }
}

/** Without links, where there is such a file. */
function realPath(path: string): string {
  return existsSync(path) ? realpathSync(path) : path;
}
