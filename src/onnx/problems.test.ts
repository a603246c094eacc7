import { describe, expect, it } from 'vitest';
import { NO_OPERATOR, NO_OPERATOR_OF_VALUES, Problems } from './problems.ts';

function messageOf(problems: Problems): string {
  try {
    problems.refuse();
  } catch (error) {
    return error instanceof Error ? error.message : '';
  }
  return '';
}

describe('Problems', () => {
  it('says nothing where there is none', () => {
    const problems = new Problems();
    expect(problems.count).toBe(0);
    expect(messageOf(problems)).toBe('');
  });

  it('lists those of one kind in a line, of most first, and four of their names', () => {
    const problems = new Problems();
    problems.add('Conv', 'first', 'has no weight');
    for (const name of ['a', 'b', 'c', 'd', 'e']) problems.add('Magic', name, NO_OPERATOR);
    for (const name of ['p', 'q', 'r', 's']) problems.add('Conv', name, 'is too large');
    expect(problems.count).toBe(10);
    expect(messageOf(problems)).toBe(
      [
        '10 of its parts are not supported:',
        '  Magic (5): a, b, c, d, ...: no such operator here',
        '  Conv (4): p, q, r, s: is too large',
        '  Conv (1): first: has no weight',
        'Operators that are missing can be given: option "importers".',
      ].join('\n'),
    );
  });

  it('names the option for operators of computed values, too', () => {
    const problems = new Problems();
    problems.add('NonZero', 'n', NO_OPERATOR_OF_VALUES);
    expect(messageOf(problems)).toBe(
      '1 of its parts is not supported:\n  NonZero (1): n: no such operator here of computed values\nOperators that are missing can be given: option "importers".',
    );
  });

  it('cuts reasons after 400 characters', () => {
    const problems = new Problems();
    problems.add('A', 'long', 'x'.repeat(401));
    problems.add('B', 'short', 'y'.repeat(400));
    expect(messageOf(problems)).toBe(
      [
        '2 of its parts are not supported:',
        `  A (1): long: ${'x'.repeat(400)}...`,
        `  B (1): short: ${'y'.repeat(400)}`,
      ].join('\n'),
    );
  });

  it('stops before it is too long, and says how many kinds are left', () => {
    const problems = new Problems();
    for (let i = 0; i < 30; i++) problems.add(`Op${i}`, 'n', `${'z'.repeat(390)}${i}`);
    const [, ...lines] = messageOf(problems).split('\n');
    expect(lines).toHaveLength(5);
    expect(lines.at(-1)).toBe('  ... and 26 more kinds');
  });

  it('keeps control characters out of the list', () => {
    const problems = new Problems();
    problems.add('a\nb', 'n', 'is odd');
    expect(messageOf(problems)).toBe('1 of its parts is not supported:\n  a\\nb (1): n: is odd');
  });
});
