import { describe, expect, it } from 'vitest';
import { MOST_IN_METADATA } from './bounds.ts';
import { classNames, pictureSize } from './metadata.ts';

const named = (names: string): readonly string[] | undefined =>
  classNames(new Map([['names', names]]));

const CASES: readonly (readonly [what: string, names: string, expected: readonly string[]])[] = [
  ['a dictionary of Python', "{0: 'person', 1: 'fire hydrant'}", ['person', 'fire hydrant']],
  [
    'quotes in names',
    `{0: "rock 'n' roll", 1: 'say "no"', 2: 'it\\'s'}`,
    ["rock 'n' roll", 'say "no"', "it's"],
  ],
  ['names that look like entries', `{0: "1: 'a'", 1: 'b'}`, ["1: 'a'", 'b']],
  ['a dictionary of JSON', '{"0": "caf\\u00e9", "1": "b"}', ['café', 'b']],
  ['a list', "['a', \"b's\", ]", ['a', "b's"]],
  ['a list of JSON', '["a", "b"]', ['a', 'b']],
  ['an empty name', "{0: ''}", ['']],
  [
    'escapes of Python',
    "{0: 'caf\\xe9', 1: '\\u2713', 2: '\\U0001f408', 3: 'a\\\\b'}",
    ['café', '✓', '🐈', 'a\\b'],
  ],
  ['control characters', "{0: 'a\\tb\\nc\u001b[31m'}", ['a b c [31m']],
  ['spaces between', "  { 0 : 'a' ,\n 1 : 'b' }  ", ['a', 'b']],
];

describe('classNames', () => {
  it.each(CASES)('reads %s', (_, names, expected) => {
    expect(named(names)).toEqual(expected);
  });

  it.each([
    ['no names', ''],
    ['empty ones', '{}'],
    ['other text', 'cat, dog'],
    ['JSON that is no list', '3'],
    ['an index that is left out', "{0: 'a', 2: 'b'}"],
    ['an order of its own', "{1: 'b', 0: 'a'}"],
    ['something else between names', "['a', None, 'b']"],
    ['something else as a name', "{0: 'a', 1: None}"],
    ['something else as an index', "{0: 'a', 'x': 'b'}"],
    ['numbers in JSON', '{"0": "a", "1": 2}'],
    ['no end', "{0: 'a', 1: 'b'"],
    ['more after the end', "['a'] + ['b']"],
    ['a code point that there is not', "{0: '\\U00110000', 1: 3}"],
    ['a text beyond all names', `['${'a'.repeat(MOST_IN_METADATA)}']`],
  ])('reads none of %s', (_, names) => {
    expect(named(names)).toBeUndefined();
  });

  it('reads none where there is no metadata', () => {
    expect(classNames(new Map())).toBeUndefined();
  });

  // A pattern that goes back would take minutes, or run out of its stack.
  it.each([
    '1'.repeat(MOST_IN_METADATA),
    `['${"\\'".repeat(MOST_IN_METADATA / 2 - 2)}`,
    `{0: '${'a'.repeat(MOST_IN_METADATA - 8)}`,
    `{0: '${'a'.repeat(MOST_IN_METADATA - 8)}'}`,
    ' '.repeat(MOST_IN_METADATA),
  ])('reads each sign once, %#', (text) => {
    const from = performance.now();
    named(text);
    expect(performance.now() - from).toBeLessThan(2000);
  });
});

describe('pictureSize', () => {
  it.each([
    ['[640, 640]', [640, 640]],
    ['[384, 672]', [384, 672]],
    ['[0, 640]', undefined],
    ['640', undefined],
    ['[640, 640, 3]', undefined],
    ['[9999999999, 640]', undefined],
  ])('of %s', (imgsz, expected) => {
    expect(pictureSize(new Map([['imgsz', imgsz]]))).toEqual(expected);
  });
});
