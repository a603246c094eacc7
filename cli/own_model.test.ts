import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { temporaryFolder } from '../test/fixtures/cli.ts';
import { domainFrom, readLabels } from './own_model.ts';

const folder = temporaryFolder();

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

describe('readLabels', () => {
  it.each([
    ['lines', 'tabby cat\nrock, stone\nzebra\n', ['tabby cat', 'rock, stone', 'zebra']],
    ['lines of Windows, with a mark', '\ufeffa\r\nb\r\n', ['a', 'b']],
    ['an array', ' ["a", "", "c"]', ['a', '', 'c']],
    ['a config.json', '{"model_type": "vit", "id2label": {"1": "b", "0": "a"}}', ['a', 'b']],
  ])('reads %s', (name, text, expected) => {
    expect(readLabels(write(`${name}.labels`, text))).toEqual(expected);
  });

  it.each([
    ['a line without a name', 'a\n\nc', /has no name in line 2; expected one on each line/],
    ['nothing', '', /has no name in line 1/],
    ['an array of numbers', '["a", 5]', /has no JSON array of names, and no id2label/],
    ['an empty array', '[]', /has no JSON array of names/],
    [
      'a gap',
      '{"id2label": {"0": "a", "2": "c"}}',
      /no id2label with a name for each index from 0 on/,
    ],
    ['another object', '{"a": 1}', /no id2label/],
    ['broken JSON', '{"id2label": ', /^labels file ".*broken JSON\.labels" is no JSON: /],
  ])('refuses %s', (name, text, message) => {
    expect(() => readLabels(write(`${name}.labels`, text))).toThrow(message);
  });

  it('refuses what is not there, and what is too large', () => {
    expect(() => readLabels(join(folder, 'none.txt'))).toThrow(/none\.txt" cannot be read: ENOENT/);
    const large = write('large.txt', 'a\n'.repeat(2 ** 23 + 1));
    expect(() => readLabels(large)).toThrow(/large\.txt" is larger than 16777216 bytes/);
  });
});

describe('domainFrom', () => {
  const config = (length: number): string =>
    JSON.stringify({
      ...{ do_resize: true, size: { height: length, width: length }, resample: 2 },
      ...{ image_mean: 0.5, image_std: 0.5 },
    });

  function sizeOf(model: string, options = {}): unknown {
    return domainFrom(model, options).preprocessing?.size;
  }

  it('finds the configuration beside an ONNX file, or beside the folder of ONNX files', () => {
    const notes = vi.spyOn(console, 'error').mockImplementation(() => {});
    const stderr = vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
    mkdirSync(join(folder, 'repo', 'onnx'), { recursive: true });
    const model = join(folder, 'repo', 'onnx', 'model.onnx');
    expect(domainFrom(model, {})).toEqual({});
    write(join('repo', 'preprocessor_config.json'), config(30));
    expect(sizeOf(model)).toEqual([30, 30]);
    write(join('repo', 'onnx', 'preprocessor_config.json'), config(20));
    expect(sizeOf(model)).toEqual([20, 20]);
    expect(sizeOf(join(folder, 'repo', 'mine.onnx'))).toEqual([30, 30]);
    expect(sizeOf('resnet50')).toBeUndefined();
    expect(sizeOf(model, { preprocessing: write('own.json', config(10)) })).toEqual([10, 10]);
    expect(stderr.mock.calls.length + notes.mock.calls.length).toBe(3);
    vi.restoreAllMocks();
  });

  it('names the file that has too few names, or too many', () => {
    const labels = write('two.txt', 'oak\nbirch\n');
    expect(domainFrom('resnet50', { labels }, 2)).toEqual({ labels: ['oak', 'birch'] });
    expect(() => domainFrom('resnet50', { labels }, 1000)).toThrow(
      /^labels file ".*two\.txt" names 2 classes, "resnet50" has 1000; give a name for each$/,
    );
  });

  it('names the file that is not understood', () => {
    const preprocessing = write('pad.json', '{"do_pad": true}');
    expect(() => domainFrom('resnet50', { preprocessing })).toThrow(
      /preprocessing file ".*pad\.json": "do_pad": true is not understood/,
    );
  });
});
