/** What the checkers of packages say. */
import { expect, inject, it } from 'vitest';
import { Project } from './project.ts';

it('publint finds nothing', async () => {
  using project = new Project({});
  const options = ['exec', '--yes', '--package=publint@0.3.25', '--'];
  const said = await project.run('npm', [...options, 'publint', '--strict', inject('tarball')]);
  expect(said).toContain('All good!');
});

it('arethetypeswrong finds nothing', async () => {
  using project = new Project({});
  const options = ['exec', '--yes', '--package=@arethetypeswrong/cli@0.18.5', '--'];
  // Node requires ES modules since 20.19, which is the oldest that there is support for. Weights have no types.
  const allowed = ['--ignore-rules', 'cjs-resolves-to-esm'];
  const others = ['--exclude-entrypoints', './lenet.safetensors'];
  await project.run('npm', [...options, 'attw', inject('tarball'), ...allowed, ...others]);
});
