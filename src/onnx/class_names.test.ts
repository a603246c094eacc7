import { describe, expect, it } from 'vitest';
import { classNames } from './class_names.ts';

const CASES: readonly (readonly [what: string, names: string, expected: readonly string[]])[] = [
  ['a dictionary of Python', "{0: 'person', 1: 'fire hydrant'}", ['person', 'fire hydrant']],
  [
    'quotes in names',
    `{0: "rock 'n' roll", 1: 'say "no"', 2: 'it\\'s'}`,
    ["rock 'n' roll", 'say "no"', "it's"],
  ],
  ['names that look like entries', `{0: "1: 'a'", 1: 'b'}`, ["1: 'a'", 'b']],
  ['a dictionary of JSON', '{"0": "a", "1": "b"}', ['a', 'b']],
  ['a list', "['a', \"b's\"]", ['a', "b's"]],
  ['an empty name', "{0: ''}", ['']],
];

describe('classNames', () => {
  it.each(CASES)('reads %s', (_, names, expected) => {
    expect(classNames(new Map([['names', names]]))).toEqual(expected);
  });

  it.each([
    ['no names', ''],
    ['other text', 'cat, dog'],
    ['an index that is left out', "{0: 'a', 2: 'b'}"],
    ['an order of its own', "{1: 'b', 0: 'a'}"],
    ['a text that does not end', `{0: '${'a'.repeat(100_000)}`],
    ['too many', `[${"'a',".repeat(65_537)}]`],
  ])('reads none of %s', (_, names) => {
    expect(classNames(new Map([['names', names]]))).toBeUndefined();
  });

  it('reads none where there is no metadata', () => {
    expect(classNames(new Map())).toBeUndefined();
  });
});
