/** The image files that paths, folders and patterns name. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { glob, isDynamicPattern } from 'tinyglobby';

const IMAGES = '**/*.{png,jpg,jpeg,webp,gif,tif,tiff,avif,svg}';

/**
 * Files as they are, of folders every image in them and below, in order of their names, and what patterns
 * such as `photos/*.jpg` match: not every shell replaces these, and none takes a million files. What is not there
 * stays in the list, for whoever reads it to report.
 */
export async function findImages(args: readonly string[]): Promise<readonly string[]> {
  const found = await Promise.all(args.map(findOne));
  return [...new Set(found.flat())];
}

async function findOne(arg: string): Promise<readonly string[]> {
  const stats = statSync(arg, { throwIfNoEntry: false });
  if (stats?.isDirectory()) {
    const names = await glob(IMAGES, { cwd: arg, caseSensitiveMatch: false });
    return names.sort().map((name) => join(arg, name));
  }
  if (stats || !isDynamicPattern(arg)) return [arg];
  const matches = await glob(arg, { expandDirectories: false });
  return matches.length > 0 ? matches.sort() : [arg];
}
