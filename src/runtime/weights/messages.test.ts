import { describe, expect, it } from 'vitest';
import { clipped, quoted } from './messages.ts';

describe('clipped', () => {
  it('keeps 100 characters, and the first 100 of more', () => {
    const hundred = 'a'.repeat(99).concat('b');
    expect(clipped('')).toBe('');
    expect(clipped(hundred)).toBe(hundred);
    expect(clipped(`${hundred}c`)).toBe(`${hundred}...`);
  });
});

describe('quoted', () => {
  it('clips, and escapes what commands a terminal', () => {
    expect(quoted('a\n\u001b"')).toBe(String.raw`"a\n\u001b\""`);
    expect(quoted('a'.repeat(101))).toBe(`"${'a'.repeat(100)}..."`);
  });
});
