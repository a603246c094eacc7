/** Expressions as WGSL that reads as if written by hand. */
import {
  type Expression,
  type Fragment,
  type Helper,
  isCall,
  operand,
  rebuild,
  saturated,
} from './expression.ts';
import {
  atom,
  COMPARISON,
  callText,
  isComparison,
  numberText,
  operatorText,
  spell,
  within,
} from './expression_text.ts';
import { isSpecial } from './special_values.ts';

/** How expressions are printed. */
export interface PrintOptions {
  /** 1 where operands and result are f32, 4 where they are vec4f. */
  readonly width: 1 | 4;
  /**
   * An operand in WGSL: an identifier, a call or an element.
   *
   * @param name - Its role.
   */
  readonly operand: (name: string) => string;
  /** Whether parameters are sizes, u32, that whoever prints declares; they are numbers in the text by default. */
  readonly binds?: boolean;
}

/** An expression in WGSL: what stands where in a shader. */
export interface PrintedExpression {
  /** For module scope: definitions of `erf`, `sigmoid` and what else is called, with a 4 at the end of width 4. */
  readonly functions: string;
  /** Statements, `let t0 = ...;`, of what is used more than once. */
  readonly lines: readonly string[];
  /** The result, after these statements. */
  readonly result: string;
  /** What the parameters are called that are bound, and their bits. */
  readonly sizes?: Readonly<Record<string, number>> | undefined;
}

/** Prints an expression: a sum's ReLU, four at once, as `max(value + residual, vec4f(0.0))`. */
export function printExpression(e: Expression, options: PrintOptions): PrintedExpression {
  const { width } = options;
  const type = TYPES[width];
  const suffix = width === 4 ? '4' : '';
  const written = lowered(e);
  const bind = written.steps.flatMap((step) => (step.fn === 'constant' ? (step.bind ?? []) : []));
  const bound = options.binds ? bind[0]?.(written) : undefined;
  const program = bound?.expression ?? written;
  const helpers = new Set<Helper>();
  const conditional = (condition: string): Fragment => truthText(condition, width);
  const { definitions, result } = spell(
    program,
    {
      operand: (name) => atom(options.operand(name)),
      constant: (value) => numberText(literal(value), value),
      call(fn, args) {
        const { name, helper, sign, print } = fn;
        const values = args.map((arg) => splatted(arg, width));
        if (print) return print(values, width);
        if (sign && isComparison(fn)) return conditional(operatorText(sign, values).text);
        if (sign) return operatorText(sign, args);
        if (helper) helpers.add(helper);
        return callText(
          helper ? helper.name + suffix : name,
          values.map(({ text }) => text),
        );
      },
      named: (name, { condition }) => (condition === undefined ? atom(name) : conditional(name)),
    },
    argumentsOfConstantCalls(program),
  );
  return {
    functions: [...helpers]
      .map(({ name, source }) => source(type, name + suffix, (number) => splat(number, width)))
      .join('\n'),
    lines: definitions.map(
      ({ name, meaning }) => `let ${name} = ${meaning.condition ?? splatted(meaning, width).text};`,
    ),
    result: splatted(result, width).text,
    sizes: bound?.sizes,
  };
}

/**
 * The steps that only make what is not finite, or `apply` had evaluated it, as 1 / 0. WGSL refuses to evaluate
 * that ahead, but not of variables.
 */
function argumentsOfConstantCalls({ steps }: Expression): ReadonlySet<number> {
  // A parameter is a call without arguments, and where sizes are constants, so is it.
  const isConstant = (at: number) => {
    const step = steps[at];
    return step && (isCall(step) ? step.args.length === 0 : step.fn === 'constant');
  };
  const calls = steps.filter(isCall).filter(({ args }) => args.every(isConstant));
  return new Set(calls.flatMap(({ args }) => args));
}

/** `select`, whose arguments WGSL has the other way, and whose condition is true or false. */
export function printSelect(
  [condition = atom(''), ...branches]: readonly Fragment[],
  width: 1 | 4,
): Fragment {
  const isTrue =
    condition.condition ?? `${within(condition, COMPARISON + 1)} != ${splat('0.0', width)}`;
  return callText('select', [...branches.map(({ text }) => text).reverse(), isTrue]);
}

/** Whether a number is NaN, or infinite. */
export function printSpecial(
  than: '>' | '==',
): (args: readonly Fragment[], width: 1 | 4) => Fragment {
  return ([x = atom('')], width) => truthText(isSpecial(x.text, TYPES[width], than), width);
}

/** What is true or false, as 1 or 0. */
function truthText(condition: string, width: 1 | 4): Fragment {
  return { ...callText(TYPES[width], [condition]), condition };
}

const TYPES = { 1: 'f32', 4: 'vec4f' } as const;

function splat(number: string, width: 1 | 4): string {
  return width === 4 ? `vec4f(${number})` : number;
}

/** As an argument of a function, which are all of one type; operators take a number beside a vector. */
function splatted(fragment: Fragment, width: 1 | 4): Fragment {
  return fragment.constant !== undefined && width === 4
    ? atom(splat(fragment.text, width))
    : fragment;
}

/** A constant as kernels have it: the nearest f32, and the largest for what is beyond. */
export function toF32(value: number): number {
  return Math.fround(saturated(value));
}

/** With all digits of the f32, since WGSL leaves open which way it rounds what lies between two. */
export function literal(value: number): string {
  const text = String(toF32(value));
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}

/** The expression as it is printed. */
export function lowered(e: Expression): Expression {
  return rebuild(e, operand, ({ lower }, args) => lower?.(...args));
}
