import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../test/fixtures/cli.ts';
import { fileTuningStore, forgetTuning } from './tuning_file.ts';

const root = temporaryFolder();
const text = JSON.stringify({
  format: 4,
  key: 'a key',
  winners: [['s', { kernel: 'k', config: {} }]],
});

describe('fileTuningStore', () => {
  it('has what was put under a key last, in a file for each key', async () => {
    const store = fileTuningStore(join(root, 'new', 'folder'));
    expect(await store.get('a key')).toBeUndefined();
    await store.put('a key', 'old');
    await store.put('a key', text);
    await store.put('another', 'b');
    expect(await store.get('a key')).toBe(text);
    expect(await store.get('another')).toBe('b');
    expect(readdirSync(store.folder)).toHaveLength(2);
  });

  it('lists what it has, damaged files included, and forgets it', async () => {
    const store = fileTuningStore(join(root, 'listed'));
    expect(await store.list()).toEqual([]);
    await store.put('a key', text);
    writeFileSync(join(store.folder, 'zzz.json'), '{');
    const kept = await store.list();
    expect(new Set(kept.map(({ key, shapes }) => `${key} ${shapes}`))).toEqual(
      new Set(['a key 1', 'undefined 0']),
    );
    await Promise.all(kept.map(forgetTuning));
    expect(await store.list()).toEqual([]);
  });

  it('leaves no half file where it cannot write', async () => {
    const store = fileTuningStore(join(root, 'blocked'));
    mkdirSync(store.fileOf('a key'), { recursive: true });
    await expect(store.put('a key', text)).rejects.toThrow();
    expect(readdirSync(store.folder)).toHaveLength(1);
  });
});
