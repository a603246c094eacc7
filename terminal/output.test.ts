import { stderr, stdout } from 'node:process';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { note, print, printable, printJson } from './output.ts';

const HOSTILE = 'a\u001b]0;title\u0007b\u009b2Jc\rd\u202ee\u007f';
const SHOWN = 'a\\u001b]0;title\\u0007b\\u009b2Jc\\u000dd\\u202ee\\u007f';

afterEach(() => {
  vi.restoreAllMocks();
});

describe('what is printed', () => {
  it('holds no commands to the terminal', () => {
    expect(printable(HOSTILE)).toBe(SHOWN);
    expect(printable('a table\n\tof Zürich, 東京')).toBe('a table\n\tof Zürich, 東京');
  });

  it('is cleaned by all that prints, and JSON stays what it was', () => {
    const written: string[] = [];
    for (const stream of [stdout, stderr]) {
      vi.spyOn(stream, 'write').mockImplementation((text) => {
        written.push(String(text));
        return true;
      });
    }
    print(HOSTILE);
    note(HOSTILE);
    printJson({ name: HOSTILE });
    vi.restoreAllMocks();
    expect(written.slice(0, 2)).toEqual([`${SHOWN}\n`, `${SHOWN}\n`]);
    expect(written[2]?.slice(0, -1)).not.toMatch(/\p{Cc}/u);
    expect(JSON.parse(written[2] ?? '')).toEqual({ name: HOSTILE });
  });
});
