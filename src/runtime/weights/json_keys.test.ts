import { describe, expect, it } from 'vitest';
import { duplicateKey } from './json_keys.ts';

describe('duplicateKey', () => {
  it.each([
    ['{}'],
    ['{"a": 1, "b": 2}'],
    ['{"a": {"b": 1}, "b": {"a": 1, "b": 2}}'],
    ['{"a": {"x": 1, "x": 2}}'],
    ['{"a": "a", "b": "b"}'],
    ['{"a": ["b", "b", {"b": 1}], "b": 1}'],
    [String.raw`{"a\"": 1, "a": 2}`],
    [String.raw`{"a": "\"b\": 1, \"b\": 1", "b": 1}`],
    [String.raw`{"a\\": 1, "a": 2}`],
    ['{"{": 1, "}": 2, "[": 3, "]": 4, ",": 5, ":": 6}'],
    ['{"__proto__": 1, "constructor": 2, "toString": 3}'],
  ])('finds none in %s', (json) => {
    expect(duplicateKey(json)).toBeUndefined();
    expect(() => JSON.parse(json)).not.toThrow();
  });

  it.each([
    ['{"a": 1, "a": 2}', 'a'],
    ['{"a":{"b":[1,{"c":2}]},"b":1,"a":{}}', 'a'],
    [String.raw`{"a": 1, "\u0061": 2}`, 'a'],
    [String.raw`{"a\"": 1, "a\"": 2}`, 'a"'],
    [String.raw`{"a\\": 1, "a\\": 2}`, 'a\\'],
    ['{"": 1, "": 2}', ''],
    ['{ "x" : "y" ,\n "x" : [ ] }', 'x'],
    ['{"}": 1, "}": 2}', '}'],
    ['{"__proto__": 1, "__proto__": 2}', '__proto__'],
  ])('finds the one in %s', (json, key) => {
    expect(duplicateKey(json)).toBe(key);
    expect(() => JSON.parse(json)).not.toThrow();
  });
});
