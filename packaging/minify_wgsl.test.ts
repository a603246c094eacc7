import { describe, expect, it } from 'vitest';
import { minified } from './minify_wgsl.ts';

/** A shader's module around this text. */
const moduleOf = (text: string): string => `export const source = (n) => wgsl\`${text}\`;\n`;

describe('minified', () => {
  it.each([
    ['blanks round operators', 'let a = b + c * (d - e);', 'let a=b+c*(d-e);'],
    ['blanks behind commas and colons', 'fn f(a: u32, b: u32) -> f32 {', 'fn f(a:u32,b:u32)->f32{'],
    ['blanks before what loops count', 'let a = b + #i;', 'let a=b+#i;'],
    ['indentation', '    y[i] = x;', 'y[i]=x;'],
    ['comments', '  // why', undefined],
  ])('leaves out %s', (_, line, expected) => {
    const kept = expected === undefined ? [] : [expected];
    expect(minified(moduleOf(`\n${line}\n`), 'a.wgsl.ts')).toBe(
      moduleOf(['', ...kept, ''].join('\n')),
    );
  });

  it.each([
    ['two operators', 'let a = b - -c / *d;', 'let a=b - -c / *d;'],
    ['directives', `#if \${n > 1} && \${n < 4}`, `#if \${n > 1} && \${n < 4}`],
    ['loops', '#for i in COUNT', '#for i in COUNT'],
  ])('leaves %s as they are', (_, line, expected) => {
    expect(minified(moduleOf(`\n${line}\n`), 'a.wgsl.ts')).toBe(moduleOf(`\n${expected}\n`));
  });

  it('leaves messages as they are', () => {
    const code = `throw new Error(\`a = \${b}, c - d\`);\n`;
    expect(minified(code, 'a.wgsl.ts')).toBe(code);
  });
});
