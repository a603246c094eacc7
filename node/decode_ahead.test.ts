import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../test/fixtures/cli.ts';
import { decodeAhead } from './decode_ahead.ts';

const folder = temporaryFolder();

async function writeImage(name: string, width: number): Promise<string> {
  const path = join(folder, name);
  const create = { width, height: 2, channels: 3, background: 'red' } as const;
  await sharp({ create }).png().toFile(path);
  return path;
}

it('gives images in the order of their paths, leaves out the unreadable, and reads only so far ahead', async () => {
  const widths = Array.from({ length: 20 }, (_, i) => 1 + ((7 * i) % 20));
  const paths = await Promise.all(widths.map((width, i) => writeImage(`${i}.png`, width)));
  const broken = join(folder, 'broken.png');
  writeFileSync(broken, 'no image');
  let asked = 0;
  function* listed() {
    for (const path of [broken, ...paths, join(folder, 'none.png')]) {
      asked++;
      yield path;
    }
  }
  const unreadable: string[] = [];
  const images = decodeAhead(listed(), {
    ahead: 3,
    onUnreadable: (path, error) => unreadable.push(`${path}: ${error.message}`),
  });
  const seen: number[] = [];
  for await (const [path, image] of images) {
    expect(path).toBe(paths[seen.length]);
    seen.push(image.width);
    // The broken one, those that were given, and three ahead.
    expect(asked).toBeLessThanOrEqual(1 + seen.length + 3);
  }
  expect(seen).toEqual(widths);
  expect(unreadable).toHaveLength(2);
  expect(unreadable[0]).toMatch(/^.*broken\.png: image ".*broken\.png" is no PNG/);
  expect(unreadable[1]).toMatch(/none\.png.*there is no such file/);
});
