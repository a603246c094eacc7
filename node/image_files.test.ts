import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../test/fixtures/cli.ts';
import { findImages } from './image_files.ts';

const root = temporaryFolder();

/** A folder with files of such names. */
function folderOf(name: string, ...files: readonly string[]): string {
  const folder = join(root, name);
  mkdirSync(folder);
  for (const file of files) {
    mkdirSync(join(folder, file, '..'), { recursive: true });
    writeFileSync(join(folder, file), '');
  }
  return folder;
}

async function found(folder: string) {
  const { images, remarks } = await findImages([folder]);
  return {
    images: images.map((path) => relative(folder, path)),
    remarks: remarks.map((remark) => remark.replaceAll(root, '')),
  };
}

describe('findImages', () => {
  it('takes all images of a folder and below, in any case of letters', async () => {
    const folder = folderOf(
      'some',
      'b.JPG',
      'a.png',
      'sub/c.webp',
      '.d.tif',
      '.e/e.png',
      'x.txt',
      'png',
    );
    expect(await found(folder)).toEqual({
      images: ['a.png', 'b.JPG', 'sub/c.webp'],
      remarks: [],
    });
  });

  it('says what it looked for in a folder without images, and what it found', async () => {
    const looked =
      'looked for .png, .jpg, .jpeg, .webp, .gif, .tif, .tiff, .avif, .svg in it and all folders below, found';
    expect(await found(folderOf('empty'))).toEqual({
      images: [],
      remarks: [`there are no images in "/empty": ${looked} no files`],
    });
    expect((await found(folderOf('others', 'sub/b.heic', 'a.bmp'))).remarks).toEqual([
      `there are no images in "/others": ${looked} 2 other files, such as "/others/a.bmp"`,
    ]);
  });

  it.runIf(process.platform !== 'win32')('enters each folder once, by links, too', async () => {
    const folder = folderOf('circles', 'z/a.png', 'b.png');
    symlinkSync('..', join(folder, 'z', 'up'));
    symlinkSync(folder, join(folder, 'a'));
    symlinkSync('z', join(folder, 'alias'));
    symlinkSync('self', join(folder, 'self'));
    expect(await found(folder)).toEqual({ images: ['b.png', 'z/a.png'], remarks: [] });
  });

  it.runIf(process.platform !== 'win32')('follows links out of a folder, and says so', async () => {
    const outside = folderOf('outside', 'c.png');
    const folder = folderOf('inside', 'a.png');
    symlinkSync(outside, join(folder, 'out'));
    symlinkSync(join(outside, 'c.png'), join(folder, 'd.png'));
    symlinkSync('a.png', join(folder, 'e.png'));
    symlinkSync('nothing', join(folder, 'f.png'));
    expect(await found(folder)).toEqual({
      images: ['a.png', 'd.png', 'e.png', 'f.png', 'out/c.png'],
      remarks: ['followed 2 links out of "/inside", such as "/inside/d.png"'],
    });
  });

  it.runIf(process.getuid?.() !== 0)('says which folders it cannot read', async () => {
    const folder = folderOf('locked', 'a.png', 'sub/b.png');
    chmodSync(join(folder, 'sub'), 0);
    const { images, remarks } = await found(folder);
    chmodSync(join(folder, 'sub'), 0o700);
    expect(images).toEqual(['a.png']);
    expect(remarks).toEqual(['the folder "/locked/sub" cannot be read, and is left out']);
  });

  it('takes what patterns match, which go by no links', async () => {
    const folder = folderOf('patterns', 'a.png', 'sub/b.png', 'c.jpg');
    symlinkSync(root, join(folder, 'up'), 'junction');
    const { images } = await findImages([`${folder}/**/*.png`, join(folder, 'none.png')]);
    expect(images.map((path) => relative(folder, path))).toEqual([
      'a.png',
      'sub/b.png',
      'none.png',
    ]);
  });
});
