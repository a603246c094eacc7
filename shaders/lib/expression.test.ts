import { describe, expect, it } from 'vitest';
import {
  apply,
  constant,
  constantOf,
  type Expression,
  type ExpressionFunction,
  evaluate,
  evaluator,
  isSame,
  operand,
  operandsOf,
  sizeOf,
  substitute,
} from './expression.ts';
import { clampOf, UNCLAMPED } from './expression_clamp.ts';
import * as f from './expression_functions.ts';
import { describeExpression } from './expression_text.ts';

/** By name. */
const functions = { ...f };

const x = operand('x');
const y = operand('y');
const value = operand('value');
const residual = operand('residual');

/** t * sigmoid(t) of itself, over and over: as a tree, it has 2^depth leaves. */
function repeatedSilu(depth: number): Expression {
  const t = apply(f.add, x, y);
  let result = t;
  for (let i = 0; i < depth; i++) result = apply(f.mul, result, apply(f.sigmoid, result));
  return result;
}

describe('constant', () => {
  it('has no -0, which JSON would lose', () => {
    expect(constantOf(constant(-0))).toBe(0);
  });
});

describe('apply', () => {
  it('makes one step of what its arguments have in common', () => {
    const e = apply(f.add, apply(f.exp, x), apply(f.mul, apply(f.exp, x), y));
    expect(e.steps).toEqual([
      { fn: 'operand', name: 'x' },
      { fn: f.exp, args: [0] },
      { fn: 'operand', name: 'y' },
      { fn: f.mul, args: [1, 2] },
      { fn: f.add, args: [1, 3] },
    ]);
  });

  it('keeps deep sharing small', () => {
    expect(sizeOf(repeatedSilu(50))).toBe(101);
  });

  it('evaluates what has no operand', () => {
    expect(apply(f.add, apply(f.sqrt, 4), 1)).toEqual(constant(3));
  });

  it('leaves what is not finite', () => {
    expect(sizeOf(apply(f.div, 1, 0))).toBe(1);
  });

  it.each([
    ['x + 0', apply(f.add, x, 0)],
    ['0 + x', apply(f.add, 0, x)],
    ['x - 0', apply(f.sub, x, 0)],
    ['x * 1', apply(f.mul, x, 1)],
    ['1 * x', apply(f.mul, 1, x)],
    ['x / 1', apply(f.div, x, 1)],
    ['select(2, x, y)', apply(f.select, 2, x, y)],
    ['select(0, y, x)', apply(f.select, 0, y, x)],
  ])('makes %s x', (_, e) => {
    expect(e).toEqual(x);
  });

  it.each([
    ['0 - x', apply(f.sub, 0, x)],
    ['1 / x', apply(f.div, 1, x)],
  ])('keeps %s', (_, e) => {
    expect(sizeOf(e)).toBe(1);
  });

  it('is told from others by its JSON, as keys of shapes need', () => {
    const texts = Object.values(f).map((fn) =>
      JSON.stringify(apply<ExpressionFunction>(fn, x, y, x)),
    );
    expect(new Set(texts).size).toBe(texts.length);
  });
});

describe('evaluate', () => {
  it.each([
    ['abs', -2.5, 2.5],
    ['neg', 2, -2],
    ['sign', -3, -1],
    ['sign', 0, 0],
    ['floor', -1.5, -2],
    ['ceil', 1.2, 2],
    ['round', 0.5, 0],
    ['round', 1.5, 2],
    ['round', 2.5, 2],
    ['round', -0.5, 0],
    ['round', -1.5, -2],
    ['round', -2.4, -2],
    ['exp', 1, Math.E],
    ['log', Math.E, 1],
    ['sqrt', 9, 3],
    ['sin', Math.PI / 2, 1],
    ['cos', Math.PI, -1],
    ['tanh', 1000, 1],
    ['sigmoid', 0, 0.5],
    ['sigmoid', -1000, 0],
    ['sigmoid', 1000, 1],
  ] as const)('%s(%f) is %f', (fn, at, expected) => {
    expect(evaluate(apply(functions[fn], x), () => at) + 0).toBeCloseTo(expected, 15);
  });

  it.each([
    ['add', 2, 3, 5],
    ['sub', 2, 3, -1],
    ['mul', 2, 3, 6],
    ['div', 3, 2, 1.5],
    ['min', 2, 3, 2],
    ['max', 2, 3, 3],
    ['pow', -2, 3, -8],
    ['pow', -2, 0.5, Number.NaN],
    ['less', 2, 2, 0],
    ['less_equal', 2, 2, 1],
    ['greater', 3, 2, 1],
    ['greater_equal', 1, 2, 0],
    ['equal', 2, 2, 1],
  ] as const)('%s(%f, %f) is %f', (fn, a, b, expected) => {
    expect(evaluate(apply(functions[fn], x, y), (name) => (name === 'x' ? a : b))).toBe(expected);
  });

  it.each([
    [0, 3],
    [-0.1, 2],
  ])('select takes any condition but 0 as true: %f', (condition, expected) => {
    expect(evaluate(apply(f.select, x, 2, 3), () => condition)).toBe(expected);
  });
});

describe('erf', () => {
  // To 17 digits, by mpmath.
  it.each([
    [0, 0],
    [1e-10, 1.1283791670955126e-10],
    [0.5, 0.5204998778130465],
    [1, 0.8427007929497149],
    [2, 0.9953222650189527],
    [2.999, 0.9999777698314002],
    [3, 0.9999779095030014],
    [4, 0.9999999845827421],
    [7, 1],
  ])('of %f', (at, expected) => {
    expect(Math.abs(f.erf.evaluate(at) - expected)).toBeLessThanOrEqual(2 ** -51 * expected);
    expect(f.erf.evaluate(-at) + f.erf.evaluate(at)).toBe(0);
  });
});

describe('evaluator', () => {
  it('takes values in the order of the names', () => {
    const run = evaluator(apply(f.sub, x, y), ['y', 'z', 'x']);
    expect([run([1, 0, 5]), run([5, 0, 1])]).toEqual([4, -4]);
  });

  it('says which operand has no value', () => {
    expect(() => evaluator(apply(f.add, x, y), ['x'])).toThrow('operand "y" is not among [x]');
  });
});

describe('operandsOf', () => {
  it('is in the order of first use', () => {
    expect(operandsOf(apply(f.add, apply(f.mul, y, x), y))).toEqual(['y', 'x']);
  });
});

describe('substitute', () => {
  it('replaces all at once', () => {
    const swapped = substitute(apply(f.sub, x, y), (name) => (name === 'x' ? y : x));
    expect(swapped).toEqual(apply(f.sub, y, x));
  });

  it('evaluates, simplifies and shares anew', () => {
    const e = apply(f.add, apply(f.mul, x, y), apply(f.exp, residual));
    const exp = apply(f.exp, value);
    const values = new Map([
      ['x', exp],
      ['y', constant(1)],
      ['residual', value],
    ]);
    expect(substitute(e, (name) => values.get(name))).toEqual(apply(f.add, exp, exp));
  });
});

describe('isSame', () => {
  it('holds of steps, whatever the order of their properties', () => {
    const other: Expression = {
      steps: [
        { name: 'x', fn: 'operand' },
        { args: [0], fn: f.exp },
      ],
    };
    expect(isSame(apply(f.exp, x), other)).toBe(true);
    expect(isSame(apply(f.add, x, y), apply(f.add, y, x))).toBe(false);
  });
});

describe('clampOf', () => {
  const sum = apply(f.add, value, residual);
  const none = UNCLAMPED;
  it.each([
    ['value', value, none],
    ['a sum', sum, { ...none, addend: 'residual' }],
    ['a sum the other way', apply(f.add, residual, value), { ...none, addend: 'residual' }],
    ['relu', apply(f.max, value, 0), { ...none, low: 0 }],
    ['relu the other way', apply(f.max, 0, value), { ...none, low: 0 }],
    ['relu6', apply(f.min, apply(f.max, value, 0), 6), { ...none, low: 0, high: 6 }],
    ['relu6 the other way', apply(f.max, 0, apply(f.min, 6, value)), { ...none, low: 0, high: 6 }],
    ['relu of a sum', apply(f.max, sum, 0), { ...none, addend: 'residual', low: 0 }],
    [
      'relu6 of relu',
      apply(f.min, apply(f.max, apply(f.max, value, 0), -1), 6),
      { ...none, low: 0, high: 6 },
    ],
    ['bounds that cross', apply(f.max, apply(f.min, value, -1), 2), { ...none, low: 2, high: 2 }],
    ['another operand', residual, undefined],
    ['a sum with itself', apply(f.add, value, value), undefined],
    ['a sum with a number', apply(f.add, value, 1), undefined],
    ['a sum of three', apply(f.add, sum, x), undefined],
    ['a sum of others', apply(f.add, x, residual), undefined],
    ['a bound that is no number', apply(f.max, value, x), undefined],
    ['a sum behind a bound', apply(f.add, apply(f.max, value, 0), residual), undefined],
    ['a number', constant(1), undefined],
    ['sigmoid', apply(f.sigmoid, value), undefined],
  ])('of %s', (_, e, expected) => {
    expect(clampOf(e, 'value')).toEqual(expected);
  });
});

describe('describeExpression', () => {
  it.each([
    [apply(f.max, apply(f.add, value, residual), 0), 'max(value + residual, 0)'],
    [
      apply(f.mul, apply(f.add, x, y), apply(f.sub, x, apply(f.sub, y, 1))),
      '(x + y) * (x - (y - 1))',
    ],
    [apply(f.add, apply(f.div, x, 6), -0.5), 'x / 6 - 0.5'],
    [apply(f.sub, apply(f.sub, x, -1), apply(f.neg, y)), 'x + 1 - -y'],
    [apply(f.neg, apply(f.neg, x)), '-(-x)'],
    [apply(f.mul, x, 1 / 3), 'x * 0.3333'],
    [apply(f.select, apply(f.greater, x, 0), x, apply(f.mul, x, y)), 'select(x > 0, x, x * y)'],
    [apply(f.div, 1, apply(f.mul, x, y)), '1 / (x * y)'],
    [repeatedSilu(1), 't0 = x + y; t0 * sigmoid(t0)'],
  ])('%#', (e, text) => {
    expect(describeExpression(e)).toBe(text);
  });
});
