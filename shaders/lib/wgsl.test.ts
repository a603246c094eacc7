import { describe, expect, it } from 'vitest';
import { unroll, wgsl } from './wgsl.ts';

describe('wgsl', () => {
  it('interpolates values and drops the branches that are not taken', () => {
    const variant = (bias: boolean): string => wgsl`
const COUNT = ${3}u;
#if ${bias}
with bias
#else
without
#endif
`;
    expect(variant(true).trim().split(/\n+/)).toEqual(['const COUNT = 3u;', 'with bias']);
    expect(variant(false).trim().split(/\n+/)).toEqual(['const COUNT = 3u;', 'without']);
  });

  it('unrolls by counts that are interpolated', () => {
    const source = wgsl`
const LANES = ${2}u;
#for i in LANES
sums[#i] = 0.0;
#end
`;
    expect(source.trim().split(/\n+/)).toEqual([
      'const LANES = 2u;',
      'sums[0] = 0.0;',
      'sums[1] = 0.0;',
    ]);
  });
});

describe('unroll', () => {
  const lines = (...source: readonly string[]): readonly string[] =>
    unroll(`${source.join('\n')}\n`)
      .trimEnd()
      .split('\n');

  it('repeats lines with the index in place of its name', () => {
    expect(lines('const N = 3;', '#for i in N', 'a#i', '#end', 'b')).toEqual([
      'const N = 3;',
      'a0',
      'a1',
      'a2',
      'b',
    ]);
  });

  it('nests loops, and ends a name at an underscore', () => {
    const source = [
      'const N = 2u;',
      'const M = 2;',
      '#for i in N',
      '#for j in M',
      'w#i_#j',
      '#end',
      '#end',
    ];
    expect(lines(...source).slice(2)).toEqual(['w0_0', 'w0_1', 'w1_0', 'w1_1']);
  });

  it('does not take a name for the beginning of a longer one', () => {
    const source = ['const N = 1;', '#for i in N', '#for index in N', '#i #index', '#end', '#end'];
    expect(lines(...source).at(-1)).toBe('0 0');
  });

  it('drops the body of a loop that runs 0 times', () => {
    expect(lines('const N = 0;', '#for i in N', 'a', '#end')).toEqual(['const N = 0;']);
  });

  it.each<[string, readonly string[], string]>([
    [
      'a count that is no literal constant',
      ['const N = 2u * M;', '#for i in N', '#end'],
      '#for i: no const N',
    ],
    ['a loop that is not closed', ['const N = 2;', '#for i in N', 'a'], '"#for i in N" is alone'],
    ['an end without a loop', ['a', '#end'], '"#end" is alone'],
  ])('refuses %s', (_, source, message) => {
    expect(() => lines(...source)).toThrow(message);
  });
});
