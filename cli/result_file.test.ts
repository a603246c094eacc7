import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../test/fixtures/cli.ts';
import { type ImageResult, ResultFile } from './result_file.ts';

const folder = temporaryFolder();

function resultOf(image: string, label = 'tabby, tabby cat'): ImageResult {
  const top = [
    { class: 281, label, probability: 0.75 },
    { class: 7, label: 'cock', probability: 0.125 },
  ];
  return { image, model: 'resnet50', top };
}

const options = { model: 'resnet50', top: 2, resume: false };

/** Writes some results, as one command would. */
function write(path: string, images: readonly string[], resume = false): ReadonlySet<string> {
  using file = new ResultFile(path, { ...options, resume });
  for (const image of images) file.write(resultOf(image));
  return file.done;
}

describe.each(['csv', 'jsonl'])('ResultFile of .%s', (kind) => {
  const names = [
    'a.jpg',
    'b, "quoted".jpg',
    'ü.jpg',
    'two\nlines.jpg',
    'DOS\r\nlines\r.jpg',
    'a "quote\n" and, a comma\n.jpg',
    '"',
    '""\n""',
    ';;;;\t\t|||.jpg',
    ' spaces ',
    "'=1+1",
    '\ufeffmark.jpg',
    '\u2028.jpg',
    '\n',
  ];

  it('knows the images of an earlier run, and goes on behind them', () => {
    const path = join(folder, `resumed.${kind}`);
    expect(write(path, names)).toEqual(new Set());
    const before = readFileSync(path, 'utf8');
    expect(write(path, ['d.jpg'], true)).toEqual(new Set(names));
    expect(readFileSync(path, 'utf8').startsWith(before)).toBe(true);
    expect(write(path, [], true)).toEqual(new Set([...names, 'd.jpg']));
  });

  it('has whole lines at once, and forgets one that was cut short', () => {
    const path = join(folder, `cut.${kind}`);
    using file = new ResultFile(path, options);
    file.write(resultOf('a.jpg'));
    const whole = readFileSync(path, 'utf8');
    expect(whole.endsWith('\n')).toBe(true);
    writeFileSync(path, `${whole}${whole.trimEnd().split('\n').at(-1)?.slice(0, 20)}`);
    expect(write(path, ['b.jpg'], true)).toEqual(new Set(['a.jpg']));
    expect(write(path, [], true)).toEqual(new Set(['a.jpg', 'b.jpg']));
  });

  it('knows its images wherever it was cut', () => {
    const path = join(folder, `anywhere.${kind}`);
    const some = names.slice(1, 6);
    write(path, some);
    const whole = readFileSync(path);
    for (let length = 0; length <= whole.length; length++) {
      writeFileSync(path, whole.subarray(0, length));
      const done = write(path, [], true);
      expect([...done]).toEqual(some.slice(0, done.size));
      write(path, some.slice(done.size), true);
      expect(readFileSync(path).equals(whole), `cut at ${length}`).toBe(true);
    }
  });

  it('is there with its first result', () => {
    const path = join(folder, `first.${kind}`);
    write(path, []);
    expect(existsSync(path)).toBe(false);
  });

  it('is not written over, whatever it is', () => {
    const path = join(folder, `foreign.${kind}`);
    for (const text of ['notes without an end', 'notes\n', '"notes\n']) {
      writeFileSync(path, text);
      expect(() => write(path, ['a.jpg'])).toThrow(/has results already/);
      expect(() => write(path, ['a.jpg'], true)).toThrow(/does not begin with|no result in line 1/);
      expect(readFileSync(path, 'utf8')).toBe(text);
    }
  });

  it('is not written over', () => {
    const path = join(folder, `kept.${kind}`);
    write(path, ['a.jpg']);
    const before = readFileSync(path);
    expect(() => write(path, ['b.jpg'])).toThrow(
      /has results already; go on with --resume, or delete it first/,
    );
    expect(readFileSync(path)).toEqual(before);
  });

  it('of another model is not resumed', () => {
    const path = join(folder, `other.${kind}`);
    write(path, ['a.jpg']);
    expect(() => new ResultFile(path, { ...options, model: 'vgg16', resume: true })).toThrow(
      /has results of "resnet50", which "vgg16" cannot resume/,
    );
  });

  it.runIf(process.platform === 'linux')('tells of a full disk', () => {
    const path = join(folder, `full.${kind}`);
    symlinkSync('/dev/full', path);
    expect(() => write(path, ['a.jpg'], true)).toThrow(/cannot be written: ENOSPC/);
  });
});

describe('ResultFile', () => {
  it('writes a column for each class, and quotes labels', () => {
    const path = join(folder, 'columns.csv');
    write(path, ['a.jpg']);
    expect(readFileSync(path, 'utf8')).toBe(
      'image,model,class_1,label_1,probability_1,class_2,label_2,probability_2\n' +
        'a.jpg,resnet50,281,"tabby, tabby cat",0.75,7,cock,0.125\n',
    );
  });

  it('writes JSON objects', () => {
    const path = join(folder, 'objects.jsonl');
    write(path, ['a.jpg']);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(resultOf('a.jpg'));
  });

  it('does not resume what it did not write', () => {
    const path = join(folder, 'other columns.csv');
    write(path, ['a.jpg']);
    expect(() => new ResultFile(path, { ...options, top: 1, resume: true })).toThrow(
      /does not begin with the columns ".*", .* give the --top it was begun with/,
    );
    const text = join(folder, 'text.jsonl');
    writeFileSync(text, 'hello\n');
    expect(() => new ResultFile(text, { ...options, resume: true })).toThrow(
      /has no result in line 1/,
    );
  });

  it('does not resume results of another kind, or vectors of another length', () => {
    const path = join(folder, 'vectors.jsonl');
    const vectors = { model: 'resnet50', features: 2, resume: true };
    {
      using file = new ResultFile(path, vectors);
      file.write({ image: 'a.jpg', model: 'resnet50', vector: [0.6, 0.8] });
    }
    expect(new ResultFile(path, vectors).done).toEqual(new Set(['a.jpg']));
    expect(() => new ResultFile(path, { ...vectors, features: 3 })).toThrow(
      /vectors\.jsonl" has a vector of 2 of "a\.jpg", where a vector of 3 is to be; give another --out/,
    );
    expect(() => new ResultFile(path, { ...options, resume: true })).toThrow(
      /has a vector of 2 of "a\.jpg", where a result without a vector is to be/,
    );
    const classes = join(folder, 'classes.jsonl');
    write(classes, ['a.jpg']);
    expect(() => new ResultFile(classes, vectors)).toThrow(
      /has a result without a vector of "a\.jpg", where a vector of 2 is to be/,
    );
  });

  it('does not resume vectors that were made otherwise', () => {
    const path = join(folder, 'made.jsonl');
    const making = { output: 'pool', normalized: false as const };
    const vectors = { model: 'resnet50', features: 2, resume: true, making };
    {
      using file = new ResultFile(path, vectors);
      file.write({ image: 'a.jpg', model: 'resnet50', ...making, vector: [3, 4] });
    }
    expect(new ResultFile(path, vectors).done).toEqual(new Set(['a.jpg']));
    expect(() => new ResultFile(path, { ...vectors, making: { output: 'pool' } })).toThrow(
      /made\.jsonl" has a vector of "a\.jpg" made with --output pool --no-normalize, not --output pool; give the options it was begun with, or another --out/,
    );
    expect(() => new ResultFile(path, { ...vectors, making: { normalized: false } })).toThrow(
      /not --no-normalize; give/,
    );
  });

  it('names the formats that there are', () => {
    expect(() => new ResultFile(join(folder, 'a.xml'), options)).toThrow(
      /are written as \.csv or \.jsonl, not to/,
    );
  });

  it('tells of a folder that is not there', () => {
    expect(() => new ResultFile(join(folder, 'no', 'a.csv'), options)).toThrow(
      /no\/a\.csv" cannot be written: /,
    );
  });
});
