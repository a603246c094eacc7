import { describe, expect, it } from 'vitest';
import { minified } from '../../packaging/minify_wgsl.ts';
import { ANY_GPU, buildModel, findModel, prepare } from '../../src/index.ts';
import { readableWgsl } from '../components/readable_wgsl.ts';

/** As a built page carries it. */
function asBuilt(source: string): string {
  const module = minified(`export const source = wgsl\`\n${source}\n\`;\n`, 'a.wgsl.ts');
  return module.slice(module.indexOf('`') + 1, module.lastIndexOf('`'));
}

describe('readableWgsl', () => {
  it.each([
    ['operators', 'let a=b+c*(d-e)/f[2]%3;', 'let a = b + c * (d - e) / f[2] % 3;'],
    ['signs', 'let a=b* -c;f(-1.0,-x);', 'let a = b* -c; f(-1.0, -x);'],
    ['exponents', 'let a=1e-5+0x1p-4;', 'let a = 1e-5 + 0x1p-4;'],
    ['comparisons', 'if (i<n&&j>=m){', 'if (i < n && j >= m) {'],
    ['types', 'var<private> a:array<vec4<f32>,N*2>;', 'var<private> a: array<vec4<f32>, N * 2>;'],
    ['bit casts', 'return bitcast<u32>(x)>>16u;', 'return bitcast<u32>(x) >> 16u;'],
    ['results', 'fn f(a:u32,b:f32)->f32{', 'fn f(a: u32, b: f32) -> f32 {'],
    ['comments', 'let a=b; // well-known, a=b', 'let a = b; // well-known, a=b'],
  ])('puts blanks into %s', (_, line, expected) => {
    expect(readableWgsl(line)).toBe(expected);
  });

  it('indents by brackets, and leaves one empty line of several', () => {
    expect(
      readableWgsl('fn f() {\nif (a) {\nb(\nc,\n);\n} else {\nd();\n}\n}\n\n\n\nfn g() {}'),
    ).toBe(
      'fn f() {\n  if (a) {\n    b(\n      c,\n    );\n  } else {\n    d();\n  }\n}\n\nfn g() {}',
    );
  });

  it('makes of every kernel of ResNet-50, as built, what was written', () => {
    const { plan } = prepare(buildModel(findModel('resnet50')), { device: ANY_GPU });
    for (const source of new Set(plan.dispatches.map((dispatch) => dispatch.source))) {
      const written = source.replaceAll(/^[ \t]*\/\/.*\n/gm, '');
      expect(readableWgsl(asBuilt(source))).toBe(readableWgsl(written));
      const lines = (text: string) =>
        text
          .split('\n')
          .map((line) => line.trim())
          .filter(Boolean);
      expect(lines(readableWgsl(written))).toEqual(lines(written));
    }
  });
});
