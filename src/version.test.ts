import { expect, it } from 'vitest';
import { packageVersion } from '../node/version.ts';
import { VERSION } from './version.ts';

it('VERSION is that of package.json', () => {
  expect(VERSION).toBe(packageVersion());
});
