import { describe, expect, it } from 'vitest';
import { shortConstants, shortened, shortLocals } from './shorten_names.ts';

/** A shader's module around this text. */
const moduleOf = (text: string): string => `export const source = (n) => wgsl\`${text}\`;\n`;

describe('shortConstants', () => {
  it('gives each constant of the shaders a name of its own, the most frequent first', () => {
    const code = `const sizes = { TILE_ROWS: 1, C_OUT: 2 };\n${moduleOf('\nlet A0 = TILE_ROWS + C_OUT;\n')}`;
    const used = moduleOf('\nlet b = C_OUT * C_OUT * C_OUT;\n').replace('source', 'other');
    expect([...shortConstants([code, used])]).toEqual([
      ['C_OUT', 'A1'],
      ['TILE_ROWS', 'A2'],
    ]);
  });

  it('leaves those that JavaScript reads, and those of messages', () => {
    const code = 'const usage = GPUBufferUsage.MAP_READ, kind = `F8_E4M3`;\n';
    expect([...shortConstants([code + moduleOf('\n// MAP_READ\n')])]).toEqual([]);
  });
});

describe('shortLocals', () => {
  const names = (code: string) => Object.fromEntries(shortLocals([code]));

  it('gives what shaders declare names of their own', () => {
    const code = moduleOf(
      '\nfn twice(value: f32) -> f32 {\nlet row = 2.0 * value;\nreturn row;\n}\n',
    );
    expect(Object.keys(names(code)).sort()).toEqual(['row', 'twice', 'value']);
  });

  it.each([
    ['names that strings of JavaScript hold', `const piece = 'row + 1';\n`],
    ['names that JavaScript puts together', 'const name = `$' + '{role}_row`;\n'],
  ])('leaves %s', (_, code) => {
    const shader = moduleOf('\nlet row = 1;\nlet x_row = row;\nlet column = x_row;\n');
    expect(names(code + shader)).not.toHaveProperty(code.includes('_row') ? 'x_row' : 'row');
    expect(names(code + shader)).toHaveProperty('column');
  });

  it('leaves what WGSL has', () => {
    const shader = moduleOf('\nlet length = 1;\nlet a = length(b);\nlet xy = c.xy;\nlet e = 2;\n');
    expect(names(shader)).toEqual({});
  });

  it('takes no name that an index ends', () => {
    const shader = moduleOf('\nlet a0 = 1;\nlet row#i = a0;\n');
    expect(names(shader)).toEqual({ a0: 'b', row: 'c' });
  });
});

describe('shortened', () => {
  it('changes shaders, and of JavaScript the keys of their constants alone', () => {
    const code = `const sizes = { C_OUT: row };\n${moduleOf('\nlet row = C_OUT;\nlet a = row;\n')}`;
    const [text = ''] = shortened([code]);
    expect(text).toContain('{ A0: row }');
    expect(text).toContain('let b = A0;let a = b;\n');
  });

  it('keeps lines that are looked for, and what follows a comment, on lines of their own', () => {
    const lines = [
      '',
      'let a = 1;',
      'const N = 2;',
      '#for i in N',
      'b#i = a; // why',
      'c = a;',
      '#end',
      '',
    ];
    const [text] = shortened([moduleOf(lines.join('\n'))]);
    expect(text).toBe(moduleOf(lines.join('\n')));
  });
});
