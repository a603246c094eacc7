import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it, vi } from 'vitest';
import { temporaryFolder } from '../test/fixtures/cli.ts';
import { writeWhole } from './whole_file.ts';

const root = temporaryFolder();

function folder(name: string): string {
  const path = join(root, name);
  mkdirSync(path);
  return path;
}

/** A Node process that writes a file of so many bytes. */
function program(path: string, bytes: number): readonly string[] {
  const module = pathToFileURL(join(import.meta.dirname, 'whole_file.ts'));
  const text = `import(${JSON.stringify(module)}).then(({ writeWhole }) =>
    writeWhole(${JSON.stringify(path)}, Buffer.alloc(${bytes})));`;
  return ['--import', 'tsx', '--eval', text];
}

describe('writeWhole', () => {
  it('writes text and bytes, and leaves nothing beside them', async () => {
    const path = join(folder('written'), 'a file');
    await writeWhole(path, 'long before');
    expect(readFileSync(path, 'utf8')).toBe('long before');
    await writeWhole(path, Uint8Array.of(1, 2));
    expect([...readFileSync(path)]).toEqual([1, 2]);
    expect(readdirSync(join(path, '..'))).toEqual(['a file']);
  });

  it.runIf(process.platform !== 'win32')('keeps links and permissions', async () => {
    const [path, link] = [join(folder('linked'), 'file'), join(root, 'link')];
    writeFileSync(path, 'before');
    chmodSync(path, 0o640);
    symlinkSync(path, link);
    await writeWhole(link, 'after');
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(readFileSync(path, 'utf8')).toBe('after');
    expect(statSync(path).mode & 0o777).toBe(0o640);
  });

  it.runIf(process.platform === 'linux')('writes to devices as they are', async () => {
    const link = join(root, 'full');
    symlinkSync('/dev/full', link);
    await expect(writeWhole(link, 'x')).rejects.toThrow(/ENOSPC/);
    await writeWhole('/dev/null', 'x');
    expect(statSync('/dev/null').isCharacterDevice()).toBe(true);
  });

  it('through a link to a file that is not there makes that', async () => {
    const to = folder('dangling');
    symlinkSync('fresh', join(to, 'link'));
    await writeWhole(join(to, 'link'), 'x');
    expect(readFileSync(join(to, 'fresh'), 'utf8')).toBe('x');
    expect(readlinkSync(join(to, 'link'))).toBe('fresh');
  });

  it('hears a signal that comes while the file is moved', async () => {
    const heard: string[] = [];
    const kill = vi.spyOn(process, 'kill').mockImplementation((_, signal) => {
      heard.push(String(signal));
      return true;
    });
    await writeWhole(join(folder('signal'), 'file'), 'x');
    // As the system's call would, of a signal that was taken before.
    process.emit('SIGHUP', 'SIGHUP');
    expect(heard).toEqual(['SIGHUP']);
    kill.mockRestore();
    await new Promise((resolve) => setImmediate(resolve));
    expect(process.listenerCount('SIGHUP')).toBe(0);
  });

  it('into a folder that is not there throws', async () => {
    await expect(writeWhole(join(root, 'none', 'file'), 'x')).rejects.toThrow(/ENOENT/);
  });

  it.runIf(process.platform === 'linux')('leaves what was there on a full disk', () => {
    const path = join(folder('full disk'), 'file');
    writeFileSync(path, 'before');
    const args = [process.execPath, ...program(path, 2 ** 24)];
    // A limit of files' sizes is as a disk that is full after 2 MB.
    const limited = ['-c', 'trap "" XFSZ; ulimit -f 4096; exec "$@"', 'sh', ...args];
    const { stderr, status } = spawnSync('sh', limited, { encoding: 'utf8' });
    expect(stderr).toMatch(/EFBIG/);
    expect(status).toBe(1);
    expect(readFileSync(path, 'utf8')).toBe('before');
    expect(readdirSync(join(path, '..'))).toEqual(['file']);
  });

  it.runIf(process.platform !== 'win32').each(['SIGINT', 'SIGTERM'] as const)(
    'leaves what was there when %s ends the process',
    async (signal) => {
      const path = join(folder(signal), 'file');
      writeFileSync(path, 'before');
      const child = spawn(process.execPath, program(path, 2 ** 28));
      const ended = new Promise((resolve) => child.on('exit', (_, by) => resolve(by)));
      while (child.exitCode === null && readdirSync(join(path, '..')).length === 1) {
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
      child.kill(signal);
      expect(await ended).toBe(signal);
      expect(readFileSync(path, 'utf8')).toBe('before');
      expect(readdirSync(join(path, '..'))).toEqual(['file']);
    },
  );
});
