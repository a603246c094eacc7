import { afterEach, describe, expect, it } from 'vitest';
import { instrument } from './instrument.ts';
import { mutantsOf, mutate } from './mutants.ts';

function changes(source: string): readonly string[] {
  return mutantsOf('x.ts', source, 0).map(
    ({ start, end, text }) => `${source.slice(start, end)} -> ${text}`,
  );
}

describe('mutantsOf', () => {
  it.each([
    ['a + b;', ['a + b; -> ;', 'a + b -> (a - b)']],
    ['x = a < b;', ['x = a < b; -> ;', 'a < b -> (a <= b)', 'a < b -> (a >= b)']],
    ['const x = a || b || c;', ['a || b || c -> ((a || b) && c)', 'a || b -> (a && b)']],
    ['if (!a) throw b;', ['!a -> (true)', '!a -> (false)', '!a -> (a)', 'throw b; -> ;']],
    ["const x = f(2, 'a', true);", ['2 -> (2 + 1)', "'a' -> ('')", 'true -> (false)']],
    ['const x = `a`;', ["`a` -> ('')"]],
    [
      'const x = a.b.min(c).slice(d);',
      ['a.b.min(c).slice(d) -> (a.b.min(c))', 'a.b.min(c) -> (a.b.max(c))'],
    ],
    [
      'for (const x of a) { i++; j--; }',
      ['{ i++; j--; } -> {}', 'i++; -> ;', 'i++ -> (i--)', 'j--; -> ;', 'j-- -> (j++)'],
    ],
  ])('changes %s', (source, expected) => {
    expect(changes(source)).toEqual(expected);
  });

  it('leaves types, names and modules alone', () => {
    const source = `import a from 'a'; type B = 'b' | 1; const c: B = a as 'b'; export { d } from 'd';`;
    expect(changes(source)).toEqual([]);
    expect(changes('const a = { b: c, 1: d };')).toEqual([]);
  });

  it('says in which line, and counts on from an id', () => {
    const [first, second] = mutantsOf('x.ts', 'f(a);\n\nf(b);', 7);
    expect(first).toMatchObject({ id: 7, line: 1 });
    expect(second).toMatchObject({ id: 8, line: 3 });
  });
});

describe('instrument', () => {
  const SOURCE = `function f() {
    const seen = [];
    for (let i = 0; i < 3; i++) {
      if (i === 1) continue;
      seen.push(i * 2 + 1, \`<\${i}>\`.slice(1));
      if (seen.length > 5) break;
    }
    return seen.some((x) => x > 3) && !(seen.length < 2) ? seen.slice(1) : 'few';
  }`;
  const MUTANTS = mutantsOf('x.ts', SOURCE, 0);

  afterEach(() => {
    Reflect.deleteProperty(globalThis, 'mutantIsOn');
  });

  function resultOf(source: string, on?: number): unknown {
    globalThis.mutantIsOn = (id) => id === on;
    try {
      return new Function(`${source}; return f();`)();
    } catch (error) {
      return String(error);
    }
  }

  it('computes what the source does where no mutant is on', () => {
    expect(resultOf(SOURCE)).toEqual(['0>', 5, '2>']);
    expect(resultOf(instrument(SOURCE, MUTANTS))).toEqual(['0>', 5, '2>']);
  });

  it.each(MUTANTS)('computes what the source does with mutant $id: $text', (mutant) => {
    const result = resultOf(instrument(SOURCE, MUTANTS), mutant.id);
    expect(result).toEqual(resultOf(mutate(SOURCE, mutant)));
  });
});
