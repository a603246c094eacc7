/** The command where nothing is installed: one line, which gets Dawn, sharp and, if need be, SwiftShader. */
import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject, it } from 'vitest';
import { Project } from './project.ts';
import { startRegistry } from './registry.ts';

const ROOT = join(import.meta.dirname, '..', '..');

it('npx tilewise classify says what is in a picture', async () => {
  using project = new Project({});
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const registry = await startRegistry(inject('tarball'), manifest);
  try {
    copyFileSync(join(ROOT, 'samples', 'digits', '7.png'), join(project.folder, '7.png'));
    // A cache of its own: that of the machine may know another package of this name.
    const env = {
      npm_config_registry: registry.url,
      npm_config_cache: join(project.folder, 'cache'),
    };
    const args = [
      '--yes',
      'tilewise',
      'classify',
      '7.png',
      '--model',
      'lenet',
      '--top',
      '1',
      '--json',
    ];
    expect(await project.run('npx', args, env)).toContain('"label":"7"');
  } finally {
    registry.close();
  }
});
