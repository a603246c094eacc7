import { describe, expect, it } from 'vitest';
import { gridOf } from './grid.ts';

describe('gridOf', () => {
  it.each([1, 2, 63, 64, 65, 127, 128, 129, 1000, 4095, 4096])(
    'covers %i workgroups with rows of at most 64, none of them empty',
    (tiles) => {
      const { columns, rows, tiles: kept } = gridOf(tiles, 64);
      expect(kept).toBe(tiles);
      expect(columns).toBeLessThanOrEqual(64);
      expect(columns * rows).toBeGreaterThanOrEqual(tiles);
      expect(columns * (rows - 1)).toBeLessThan(tiles);
    },
  );

  it('is one row as long as that is allowed', () => {
    expect(gridOf(65535, 65535)).toEqual({ columns: 65535, rows: 1, tiles: 65535 });
    expect(gridOf(65536, 65535)).toEqual({ columns: 32768, rows: 2, tiles: 65536 });
  });
});
