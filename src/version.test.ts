import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { packageFile } from '../node/package_file.ts';
import { packageVersion } from '../node/version.ts';
import { VERSION } from './version.ts';

it('VERSION is that of package.json', () => {
  expect(VERSION).toBe(packageVersion());
});

it('so is that of CITATION.cff', () => {
  expect(readFileSync(packageFile('CITATION.cff'), 'utf8')).toContain(`\nversion: ${VERSION}\n`);
});
