/** Expressions as WGSL that reads as if written by hand. */
import {
  apply,
  constantOf,
  type Expression,
  type ExpressionFunction,
  isCall,
  operand,
  rebuild,
} from './expression.ts';
import {
  atom,
  BINDING,
  callText,
  type Fragment,
  isComparison,
  numberText,
  operatorText,
  spell,
  within,
} from './expression_text.ts';
import { HELPER_NAMES, type Helper, helperSource } from './expression_wgsl_functions.ts';

export interface PrintOptions {
  /** 1 where operands and result are f32, 4 where they are vec4f. */
  readonly width: 1 | 4;
  /** An operand in WGSL: an identifier, a call or an element. */
  readonly operand: (name: string) => string;
}

export interface PrintedExpression {
  /** For module scope: definitions of `erf`, `sigmoid` and what else is called, with a 4 at the end of width 4. */
  readonly functions: string;
  /** Statements, `let t0 = ...;`, of what is used more than once. */
  readonly lines: readonly string[];
  /** The result, behind these statements. */
  readonly result: string;
}

/**
 * Prints an expression.
 *
 * @example
 * const relu = apply('max', apply('add', operand('value'), operand('residual')), 0);
 * printExpression(relu, { width: 4, operand: (name) => name }).result;
 * // max(value + residual, vec4f(0.0))
 */
export function printExpression(e: Expression, options: PrintOptions): PrintedExpression {
  const { width } = options;
  const program = withoutPowers(e);
  const helpers = new Set<Helper>();
  const { definitions, result } = spell(
    program,
    {
      operand: (name) => atom(options.operand(name)),
      constant: (value) => numberText(literal(value), value),
      call(fn, args) {
        const helper = helperOf(fn, args);
        if (helper) helpers.add(helper);
        return callOf(fn, args, width, helper);
      },
      named: (name, { condition = false }) => ({ ...atom(name), condition }),
    },
    argumentsOfConstantCalls(program),
  );
  return {
    functions: [...helpers].map((helper) => helperSource(helper, width)).join('\n'),
    lines: definitions.map(
      ({ name, meaning }) =>
        `let ${name} = ${meaning.condition ? meaning.text : splat(meaning, width)};`,
    ),
    result: splat(numeric(result, width), width),
  };
}

/**
 * The steps that only make what is not finite, or `apply` had evaluated it, as 1 / 0. WGSL refuses to evaluate
 * that ahead, but not of variables.
 */
function argumentsOfConstantCalls({ steps }: Expression): ReadonlySet<number> {
  const isConstant = (at: number) => steps[at]?.fn === 'constant';
  const calls = steps.filter(isCall).filter(({ args }) => args.every(isConstant));
  return new Set(calls.flatMap(({ args }) => args));
}

function callOf(
  fn: ExpressionFunction,
  given: readonly Fragment[],
  width: 1 | 4,
  helper: Helper | undefined,
): Fragment {
  const args = given.map((arg) => numeric(arg, width));
  const values = args.map((arg) => splat(arg, width));
  if (fn === 'select') {
    const [condition] = given;
    const [, ifTrue = '', ifFalse = ''] = values;
    return callText(fn, [ifFalse, ifTrue, condition ? conditionText(condition, width) : '']);
  }
  if (isComparison(fn)) {
    const sides = args.map((arg) => (arg.constant === undefined ? arg : splatted(arg, width)));
    return { ...(operatorText(fn, sides, '1.0') ?? atom('')), condition: true };
  }
  const operator = operatorText(fn, args, '1.0');
  if (operator) return operator;
  return callText(helper ? `${HELPER_NAMES[helper]}${width === 4 ? '4' : ''}` : fn, values);
}

/** The helper that a function is printed as. `pow` needs none where the base is a positive number. */
function helperOf(fn: ExpressionFunction, args: readonly Fragment[]): Helper | undefined {
  if (fn === 'pow') return (args[0]?.constant ?? 0) > 0 ? undefined : fn;
  return fn === 'tanh' || fn === 'erf' || fn === 'sigmoid' ? fn : undefined;
}

/** 1 or 0 of true or false. */
function numeric(fragment: Fragment, width: 1 | 4): Fragment {
  return fragment.condition ? callText(TYPES[width], [fragment.text]) : fragment;
}

function conditionText(fragment: Fragment, width: 1 | 4): string {
  if (fragment.condition) return fragment.text;
  return `${within(fragment, BINDING.comparison + 1)} != ${splat(numberText('0.0', 0), width)}`;
}

const TYPES = { 1: 'f32', 4: 'vec4f' } as const;

/** As an argument of a function, which are all of one type; operators take a number beside a vector. */
function splat(fragment: Fragment, width: 1 | 4): string {
  return splatted(fragment, width).text;
}

function splatted(fragment: Fragment, width: 1 | 4): Fragment {
  return fragment.constant !== undefined && width === 4
    ? callText('vec4f', [fragment.text])
    : fragment;
}

const LARGEST_F32 = (2 - 2 ** -23) * 2 ** 127;

/** A constant as kernels have it: the nearest f32, and the largest for what is beyond. */
export function toF32(value: number): number {
  return Math.fround(Math.min(Math.max(value, -LARGEST_F32), LARGEST_F32));
}

/** With all digits of the f32, since WGSL leaves open which way it rounds what lies between two. */
export function literal(value: number): string {
  const text = String(toF32(value));
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}

/**
 * The expression as it is printed: powers whose exponents are small integers, halves or their negatives are
 * products, square roots and reciprocals.
 */
export function withoutPowers(e: Expression): Expression {
  return rebuild(e, operand, (fn, args) => {
    const [base, exponent] = args;
    const power = fn === 'pow' && base && exponent ? constantOf(exponent) : undefined;
    const product = base && power !== undefined ? productOf(base, Math.abs(power)) : undefined;
    if (!product || power === undefined) return undefined;
    return power < 0 ? apply('reciprocal', product) : product;
  });
}

function productOf(base: Expression, power: number): Expression | undefined {
  switch (power) {
    case 0.5:
      return apply('sqrt', base);
    case 1:
      return base;
    case 2:
      return apply('mul', base, base);
    case 3:
      return apply('mul', apply('mul', base, base), base);
    case 4:
      return productOf(apply('mul', base, base), 2);
    default:
      return undefined;
  }
}
