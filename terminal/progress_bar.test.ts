import { stderr } from 'node:process';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { formatSeconds, ProgressBar } from './progress_bar.ts';

const shown: string[] = [];
const { isTTY, columns } = stderr;

beforeEach(() => {
  shown.length = 0;
  stderr.columns = 200;
  vi.useFakeTimers();
  vi.spyOn(stderr, 'write').mockImplementation((text) => {
    shown.push(String(text));
    return true;
  });
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
  Object.assign(stderr, { isTTY, columns });
});

/** A bar that is 20 of 100 images far after two seconds. */
function twentyOfHundred(): ProgressBar {
  const format = (count: number): string => `${count} images`;
  const bar = new ProgressBar({ what: 'classifying', total: 100, format });
  bar.update(0);
  vi.advanceTimersByTime(2000);
  bar.update(20);
  return bar;
}

describe('ProgressBar', () => {
  it('says how far it is, how fast, and how long it will take', () => {
    stderr.isTTY = true;
    twentyOfHundred();
    expect(shown.at(-1)).toMatch(/classifying █{5}░{19} 20 % {2}20 images of 100 images/);
    expect(shown.at(-1)).toMatch(/10 images\/s {2}8 s left$/);
  });

  it('does not count as speed what was done before', () => {
    stderr.isTTY = true;
    const bar = new ProgressBar({ what: 'downloading', total: 100, format: String });
    bar.update(50);
    vi.advanceTimersByTime(1000);
    bar.update(60);
    expect(shown.at(-1)).toContain('10/s  4 s left');
  });

  it('is not drawn more often than it can be read, but at the end', () => {
    stderr.isTTY = true;
    const bar = twentyOfHundred();
    const before = shown.length;
    bar.update(21);
    expect(shown).toHaveLength(before);
    bar.update(100);
    expect(shown.at(-1)).toContain('100 %');
  });

  it('stays out of files and pipes', () => {
    stderr.isTTY = false;
    twentyOfHundred().close();
    expect(shown).toEqual([]);
  });
});

describe('formatSeconds', () => {
  it.each([
    [42, '42 s'],
    [200, '3 min 20 s'],
    [7500, '2 h 5 min'],
  ])('%f', (seconds, text) => {
    expect(formatSeconds(seconds)).toBe(text);
  });
});
