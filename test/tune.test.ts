import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCli, temporaryFolder } from './fixtures/cli.ts';

const folder = temporaryFolder();
const env = { TILEWISE_TUNING_DIR: folder };
const tune = (...args: readonly string[]) => runCli(['tune', ...args], env);

describe('tilewise tune', () => {
  it('tunes once, shows and forgets what it keeps', async () => {
    const first = await tune('--model', 'lenet');
    expect(first).toMatchObject({ code: 0 });
    const lines = first.stdout.trimEnd().split('\n');
    expect(first.stdout).toMatch(/^lenet on /);
    expect(lines[1]).toMatch(/^layer +alike +tuned +untuned +faster +kernel +configuration$/);
    expect(first.stdout).toMatch(
      /\n\d+ layers of \d+ shapes: .* untuned, .* tuned, [\d.]+ x as fast\n/,
    );
    expect(first.stdout).not.toContain('{');
    expect(Math.max(...lines.slice(0, -1).map(({ length }) => length))).toBeLessThanOrEqual(160);

    const second = await tune('--model', 'lenet', '--json');
    expect(JSON.parse(second.stdout)).toMatchObject({ model: 'lenet', layers: [] });
    const again = await tune('--model', 'lenet', '--json', '--again');
    expect(JSON.parse(again.stdout).layers.length).toBeGreaterThan(0);

    const list = await tune('--list');
    expect(list.stdout).toContain(`Tilewise `);
    expect(list.stdout).toContain(folder);
    expect((await tune('--list', '--adapter', 'none such')).stdout).toMatch(
      /^nothing is kept for an adapter/,
    );
    expect((await tune('--forget')).stdout).toMatch(/^forgot Tilewise /);
    expect((await tune('--list')).stdout).toMatch(/^nothing is kept in /);
  });

  it('a file that is no folder costs the winners, and nothing else', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    const result = await runCli(['tune', '--model', 'lenet'], { TILEWISE_TUNING_DIR: file });
    expect(result).toMatchObject({ code: 0 });
    expect(result.stderr).toContain('warning: what tuning kept');
    expect(result.stderr).toContain('warning: what tuning found cannot be kept');
  });
});
