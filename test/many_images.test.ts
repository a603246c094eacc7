import { copyFileSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCli, temporaryFolder } from './fixtures/cli.ts';

const folder = temporaryFolder();
const samples = join(import.meta.dirname, '..', 'samples', 'digits');
const digits = Array.from({ length: 10 }, (_, digit) => digit);

/** Folders by class, each with the sample digit; the nine lies with the sixes. */
function classFolders(): string {
  const data = join(folder, 'by class');
  for (const digit of digits) {
    const into = join(data, String(digit === 9 ? 6 : digit));
    mkdirSync(into, { recursive: true });
    copyFileSync(join(samples, `${digit}.png`), join(into, `${digit}.png`));
  }
  return data;
}

function lines(path: string): readonly string[] {
  return readFileSync(path, 'utf8').trimEnd().split('\n');
}

describe('classify', () => {
  it('writes results as they come, survives unreadable files, and resumes', async () => {
    const data = join(folder, 'some');
    mkdirSync(data);
    for (const digit of digits) {
      copyFileSync(join(samples, `${digit}.png`), join(data, `${digit}.png`));
    }
    writeFileSync(join(data, '5.png'), 'no image');
    const out = join(folder, 'some.csv');
    const args = ['classify', data, '--model', 'lenet', '--top', '1', '--batch', '4', '--out', out];

    const first = await runCli(args);
    expect(first.code).toBe(2);
    expect(first.stdout).toBe('');
    expect(first.stderr).toMatch(/9 images in .*images\/s/);
    expect(first.stderr).toMatch(
      /error: 1 image could not be read:\n {2}image ".*5\.png" is no PNG/,
    );
    const readable = digits.filter((digit) => digit !== 5);
    const [header, ...rows] = lines(out);
    expect(header).toBe('image,model,class_1,label_1,probability_1');
    expect(rows.map((row) => row.split(',').slice(0, 3))).toEqual(
      readable.map((digit) => [join(data, `${digit}.png`), 'lenet', String(digit)]),
    );

    // As if it had been stopped in the seventh row, and the file mended.
    truncateSync(out, [header, ...rows.slice(0, 6)].join('\n').length + 10);
    copyFileSync(join(samples, '5.png'), join(data, '5.png'));
    const refused = await runCli(args);
    expect(refused.stderr).toMatch(/has results already; go on with --resume/);
    expect(refused.code).toBe(1);
    const second = await runCli([...args, '--resume']);
    expect(second.stderr).toContain(`6 of 10 images are in ${out} already`);
    expect(second.code).toBe(0);
    const classes = lines(out)
      .slice(1)
      .map((row) => Number(row.split(',')[2]));
    expect(classes.toSorted()).toEqual(digits);

    const third = await runCli([...args, '--resume']);
    expect(third.stderr).toBe(`10 of 10 images are in ${out} already\n`);
    expect(third.code).toBe(0);
  });

  it('takes patterns that the shell left alone, and says of a folder that it is empty', async () => {
    const empty = join(folder, 'empty beside');
    mkdirSync(empty);
    const args = ['classify', join(samples, '[3-4].png'), empty, '--model', 'lenet', '--json'];
    const { stdout, stderr } = await runCli(args);
    expect(stdout.trimEnd().split('\n')).toHaveLength(2);
    expect(stderr).toContain(`note: there are no images in "${empty}": looked for .png, `);
  });
});

describe('evaluate', () => {
  it('counts by the folders that images lie in', async () => {
    const args = ['evaluate', '--data', classFolders(), '--model', 'lenet', '--per-class'];
    const [text, json] = await Promise.all([runCli(args), runCli([...args, '--json'])]);
    expect(text.stdout).toMatch(/top-1 {3}90\.0 % {2}\(9 of 10\)\n {2}top-5 {3}\d+\.0 %/);
    expect(text.stdout).toMatch(/worst first .*\n6 +2 +50\.0 %/);
    const report = JSON.parse(json.stdout);
    expect(report).toMatchObject({ model: 'lenet', images: 10, top1: 0.9, unreadable: 0 });
    expect(report.perClass).toContainEqual(expect.objectContaining({ label: '6', top1: 0.5 }));
    expect(report.perClass).toHaveLength(9);
  });

  it('counts by a labels file; an unreadable image is none, and makes exit code 2', async () => {
    const labels = join(folder, 'labels.txt');
    writeFileSync(labels, '1.png 1\n2.png 2\n3.png 8\nbroken.png 4\n');
    const data = join(folder, 'labelled');
    mkdirSync(data);
    for (const digit of [1, 2, 3, 4]) {
      copyFileSync(join(samples, `${digit}.png`), join(data, `${digit}.png`));
    }
    writeFileSync(join(data, 'broken.png'), 'no image');
    const args = ['evaluate', '--data', data, '--labels', labels, '--model', 'lenet', '--json'];
    const { code, stdout, stderr } = await runCli(args);
    expect(stderr).toContain('1 of 5 images have no class, and are left out');
    expect(JSON.parse(stdout)).toMatchObject({ images: 3, top1: 2 / 3, unreadable: 1 });
    expect(code).toBe(2);
  });

  it('says what it cannot work with', async () => {
    const empty = join(folder, 'empty');
    mkdirSync(empty);
    const evaluate = ['evaluate', '--model', 'lenet', '--data'];
    const [nothing, nowhere, aFile, noClasses] = await Promise.all([
      runCli([...evaluate, empty]),
      runCli([...evaluate, join(folder, 'nowhere')]),
      runCli([...evaluate, join(samples, '1.png')]),
      runCli([...evaluate, samples]),
    ]);
    expect(nothing.stderr).toMatch(/there are no images in ".*empty"/);
    expect(nowhere.stderr).toMatch(/--data ".*nowhere": there is no such folder/);
    expect(aFile.stderr).toMatch(/--data ".*1\.png" is a file, not a folder/);
    expect(noClasses.stderr).toMatch(
      /digits" has no folders of images in it, .* give --labels FILE/,
    );
    const codes = [nothing, nowhere, aFile, noClasses].map(({ code }) => code);
    expect(codes).toEqual([1, 1, 1, 1]);
  });
});
