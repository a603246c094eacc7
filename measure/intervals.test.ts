import { describe, expect, it } from 'vitest';
import { durationOf, overlapOf, union } from './intervals.ts';

const at = (from: number, to: number) => ({ from, to });

describe('intervals', () => {
  it('are put together where they touch, in any order', () => {
    expect(union([at(5, 6), at(0, 2), at(1, 3), at(3, 4)])).toEqual([at(0, 4), at(5, 6)]);
    expect(union([at(0, 9), at(1, 2)])).toEqual([at(0, 9)]);
    expect(union([])).toEqual([]);
  });

  it('last as long as any of them does', () => {
    expect(durationOf([at(0, 2), at(1, 3), at(7, 8)])).toBe(4);
  });

  it('overlap as long as one of each goes on', () => {
    expect(overlapOf([at(0, 4), at(3, 5)], [at(4, 6), at(8, 9)])).toBe(1);
    expect(overlapOf([at(0, 1)], [at(1, 2)])).toBe(0);
  });
});
