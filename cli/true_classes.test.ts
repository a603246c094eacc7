import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../test/fixtures/cli.ts';
import { foldersAsClasses, readTrueClasses } from './true_classes.ts';

const folder = temporaryFolder();
const classes = { model: 'test', labels: ['tench', 'tabby, tabby cat', 'cock'] };
const images = ['data/a.jpg', 'data/sub/b c.jpg', 'data/d.jpg'];

function read(text: string) {
  const path = join(folder, 'labels.txt');
  writeFileSync(path, text);
  return readTrueClasses(path, 'data', images, classes);
}

const whole = new Map([
  ['data/a.jpg', 2],
  ['data/sub/b c.jpg', 1],
  ['data/d.jpg', 0],
]);

describe('readTrueClasses', () => {
  it.each([
    ['indices behind a space', 'a.jpg 2\nsub/b c.jpg 1\nd.jpg 0\n'],
    ['indices behind a tab', 'a.jpg\t2\nsub/b c.jpg\t1\r\nd.jpg\t0'],
    ['file names alone', 'a.jpg 2\nb c.jpg 1\nd.jpg 0'],
    ['CSV with a head and labels', 'image,class\na.jpg,cock\nb c.jpg,"tabby, tabby cat"\nd.jpg,0'],
    ['images that are not there', 'x.jpg 1\na.jpg 2\nb c.jpg 1\nd.jpg 0'],
  ])('reads %s', (_, text) => {
    expect(read(text)).toEqual(whole);
  });

  it('leaves out images that are not in the file', () => {
    expect(read('d.jpg 0')).toEqual(new Map([['data/d.jpg', 0]]));
  });

  it.each(['3', '-1', 'dog', ''])('refuses the class "%s", and names its line', (name) => {
    expect(() => read(`a.jpg,2\nd.jpg,${name}`)).toThrow(
      `line 2: "${name}" is no class of "test"; expected an index of 0 to 2, or a label such as "tench", after the image's name`,
    );
  });

  it('says when the names have nothing in common', () => {
    expect(() => read('x.jpg 1')).toThrow(
      /no class for any of the 3 images in data; it begins with "x\.jpg", the images with "data\/a/,
    );
  });
});

describe('foldersAsClasses', () => {
  it('takes folders by label or index', () => {
    const named = ['data/cock/a.jpg', 'data/0/b.jpg', 'data/cock/deeper/c.jpg', 'data/loose.jpg'];
    expect(foldersAsClasses('data', named, classes)).toEqual(
      new Map([
        ['data/cock/a.jpg', 2],
        ['data/0/b.jpg', 0],
        ['data/cock/deeper/c.jpg', 2],
      ]),
    );
  });

  it('takes as many folders as classes in their order', () => {
    const synsets = ['data/n03/a.jpg', 'data/n01/b.jpg', 'data/n02/c.jpg'];
    expect([...foldersAsClasses('data', synsets, classes).values()]).toEqual([2, 0, 1]);
  });

  it('refuses folders of something else', () => {
    expect(() => foldersAsClasses('data', ['data/dog/a.jpg', 'data/0/b.jpg'], classes)).toThrow(
      /"data" has 2 folders with images, which are no classes of "test" \(3\); give --labels FILE/,
    );
    expect(() => foldersAsClasses('data', ['data/a.jpg'], classes)).toThrow(
      '"data" has no folders of images in it',
    );
  });
});
