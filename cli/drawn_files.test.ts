import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../test/fixtures/cli.ts';
import { parseDrawn } from './drawn_files.ts';

const folder = temporaryFolder();

describe('parseDrawn', () => {
  it('takes .png files and folders, also those that end as files do', () => {
    mkdirSync(join(folder, 'holiday.jpg'));
    for (const name of ['boxes.png', 'drawn', 'drawn.v2', 'holiday.jpg']) {
      expect(parseDrawn(join(folder, name))).toBe(join(folder, name));
    }
  });

  it.each(['boxes.jpg', 'boxes.JPEG', 'boxes.webp'])('refuses %s, which is neither', (name) => {
    expect(() => parseDrawn(join(folder, name))).toThrow('.png');
  });
});
