/**
 * What a pointwise kernel, or the epilogue of any other, makes of its operands: data, not code, so that passes can
 * merge and recognise it, and one definition is both the WGSL and the f64 reference.
 */

/**
 * A program in which every step has one value (static single assignment); that of the last is the result. Steps
 * are in the order of their first use, no two are the same, and all are used: equal expressions have equal steps.
 */
export interface Expression {
  /** In order: a step reads earlier ones. The last one's value is the expression's. */
  readonly steps: readonly Step[];
}

/** One value of an expression. */
export type Step = OperandStep | ConstantStep | CallStep;

/** An input. */
export interface OperandStep {
  /** Tells it from other steps. */
  readonly fn: 'operand';
  /** By which whoever evaluates or prints the expression gives it a value. */
  readonly name: string;
}

/** A number. */
export interface ConstantStep {
  /** Tells it from other steps. */
  readonly fn: 'constant';
  /** Finite, and 0 rather than -0, so that its JSON is its own. */
  readonly value: number;
  /** How kernels that bind their sizes bind this number too, and others like it: see expression_parameters.ts. */
  readonly bind?: (e: Expression) => BoundExpression;
}

/** An expression without its parameters. */
export interface BoundExpression {
  /** With what prints them by their names in place of them. */
  readonly expression: Expression;
  /** The bits of each, by name. */
  readonly sizes: Readonly<Record<string, number>>;
}

/** A function of earlier steps. */
export interface CallStep {
  /** What is called. */
  readonly fn: ExpressionFunction;
  /** Indices of earlier steps. */
  readonly args: readonly number[];
}

/** What is called: each is a constant of its own in expression_functions.ts, so that pages load what they call. */
export interface ExpressionFunction<F extends Arithmetic = Arithmetic> {
  /** Unique, and its name in WGSL where that has it. */
  readonly name: string;
  /** The value in f64. */
  readonly evaluate: F;
  /** The operator that it is written with, where not as a call. */
  readonly sign?: string;
  /** Whether f(a, b) is f(b, a). */
  readonly commutative?: boolean;
  /** The number n of which f(a, n) is a. */
  readonly neutral?: number;
  /** What `apply` makes of arguments for which there is something simpler. */
  readonly simplify?: (...args: readonly Expression[]) => Expression | undefined;
  /** What is printed in place of a call with such arguments. */
  readonly lower?: (...args: readonly Expression[]) => Expression | undefined;
  /** What WGSL calls, where it lacks the function, or has it with gaps. */
  readonly helper?: Helper;
  /** The call in WGSL, where it is neither of these. */
  readonly print?: (args: readonly Fragment[], width: 1 | 4) => Fragment;
}

/** A function of numbers. */
export type Arithmetic = (...values: number[]) => number;

/** A function of a module, of f32 or, with a 4 at the end of its name, of vec4f. */
export interface Helper {
  /** Its name in the module; a 4 is added to that of its vec4f form. */
  readonly name: string;
  /** Its text, for one of the types; `splat` makes a literal of that type. */
  readonly source: (
    type: 'f32' | 'vec4f',
    name: string,
    splat: (number: string) => string,
  ) => string;
}

/** A part of a text. */
export interface Fragment {
  /** WGSL, or a formula for people. */
  readonly text: string;
  /** How tightly it holds together: one of those of expression_text.ts. */
  readonly binding: number;
  /** Of numbers, their value. */
  readonly constant?: number;
  /** Of what is 1 or 0, the text that is true or false. */
  readonly condition?: string;
}

/** What a function is called with. */
export type Arguments<Values extends readonly number[]> = {
  readonly [K in keyof Values]: Expression | number;
};

/** An input, by the name that whoever evaluates or prints the expression gives it a value by. */
export function operand(name: string): Expression {
  return { steps: [{ fn: 'operand', name }] };
}

/** A number, which nodes refuse where it is not finite. */
export function constant(value: number): Expression {
  return { steps: [{ fn: 'constant', value: value === 0 ? 0 : value }] };
}

/**
 * Calls a function. What only constants go into is evaluated, where that gives a finite number; x + 0, x - 0, x * 1
 * and x / 1 are x, and a selection by a constant is what that selects.
 *
 * ```ts
 * const x = operand('x');
 * const silu = apply(mul, x, apply(sigmoid, x));
 * ```
 */
export function apply<F extends ExpressionFunction>(
  fn: F,
  ...args: Arguments<Parameters<F['evaluate']>>
): Expression {
  return call(
    fn,
    // What is neither is a constant that nodes refuse.
    args.map((arg) => ((arg as Expression)?.steps ? (arg as Expression) : constant(arg as number))),
  );
}

function call(fn: ExpressionFunction, args: readonly Expression[]): Expression {
  return folded(fn, args) ?? identity(fn, args) ?? concatenated(fn, args);
}

function folded(fn: ExpressionFunction, args: readonly Expression[]): Expression | undefined {
  const values = args.map(constantOf).filter((value) => value !== undefined);
  if (values.length < args.length) return undefined;
  const value = fn.evaluate(...values);
  return Number.isFinite(value) ? constant(value) : undefined;
}

function identity(fn: ExpressionFunction, args: readonly Expression[]): Expression | undefined {
  const [a, b] = args;
  const { neutral, commutative } = fn;
  if (neutral === undefined || !a || !b) return fn.simplify?.(...args);
  if (constantOf(b) === neutral) return a;
  return commutative && constantOf(a) === neutral ? b : undefined;
}

/** One program of the arguments' programs, without their common steps, and the call. */
function concatenated(fn: ExpressionFunction, args: readonly Expression[]): Expression {
  const steps: Step[] = [];
  const known = new Map<string, number>();
  const add = (step: Step): number => {
    const key = JSON.stringify(keyOf(step));
    const at = known.get(key) ?? steps.push(step) - 1;
    known.set(key, at);
    return at;
  };
  const roots = args.map((arg) => {
    const moved: number[] = [];
    for (const step of arg.steps) {
      moved.push(add(isCall(step) ? { fn: step.fn, args: pick(moved, step.args) } : step));
    }
    return moved.at(-1) ?? 0;
  });
  add({ fn, args: roots });
  return { steps };
}

export function isCall(step: Step): step is CallStep {
  return typeof step.fn === 'object';
}

const LARGEST_F32 = (2 - 2 ** -23) * 2 ** 127;

/** A constant, or the largest f32 for what is beyond, as kernels have it. */
export function saturated(value: number): number {
  return Math.min(Math.max(value, -LARGEST_F32), LARGEST_F32);
}

/** The value of an expression that is a number. */
export function constantOf({ steps }: Expression): number | undefined {
  const [step] = steps;
  return step?.fn === 'constant' && steps.length === 1 ? step.value : undefined;
}

/** The names of the operands, in the order of their first use. */
export function operandsOf({ steps }: Expression): readonly string[] {
  return steps.flatMap((step) => (step.fn === 'operand' ? [step.name] : []));
}

/** How many functions are called. */
export function sizeOf({ steps }: Expression): number {
  return steps.filter(isCall).length;
}

/** Whether two expressions have the same steps; not whether they are equal by algebra. */
export function isSame(a: Expression, b: Expression): boolean {
  return JSON.stringify(a.steps.map(keyOf)) === JSON.stringify(b.steps.map(keyOf));
}

function keyOf(step: Step): readonly (string | number)[] {
  if (step.fn === 'operand') return [step.fn, step.name];
  // Callers may give what is no number, which nodes refuse.
  if (step.fn === 'constant') return [step.fn, String(step.value)];
  return [step.fn.name, ...step.args];
}

/** The expression with others in place of operands, all at once; an operand that gets `undefined` stays. */
export function substitute(
  e: Expression,
  replacement: (name: string) => Expression | undefined,
): Expression {
  return rebuild(
    e,
    (name) => replacement(name) ?? operand(name),
    () => undefined,
  );
}

/** Makes an expression anew, operands first; a call that `rewrite` returns nothing for stays. */
export function rebuild(
  e: Expression,
  makeOperand: (name: string) => Expression,
  rewrite: (fn: ExpressionFunction, args: readonly Expression[]) => Expression | undefined,
): Expression {
  const made: Expression[] = [];
  for (const step of e.steps) {
    if (step.fn === 'operand') made.push(makeOperand(step.name));
    else if (step.fn === 'constant') made.push({ steps: [step] });
    else {
      const args = pick(made, step.args);
      made.push(rewrite(step.fn, args) ?? call(step.fn, args));
    }
  }
  return made.at(-1) as Expression;
}

/** The value in f64. Of many elements, `evaluator` is faster. */
export function evaluate(e: Expression, operandValue: (name: string) => number): number {
  const names = operandsOf(e);
  return evaluator(e, names)(names.map(operandValue));
}

/**
 * A function of the operands' values, in the order of `names`, that evaluates the expression in f64. It is for one
 * caller at a time: its steps' values have one place. Throws where `names` lacks an operand.
 */
export function evaluator(
  e: Expression,
  names: readonly string[],
): (values: ArrayLike<number>) => number {
  const registers = new Float64Array(e.steps.length);
  const loads: { readonly to: number; readonly from: number }[] = [];
  const calls: (() => void)[] = [];
  e.steps.forEach((step, to) => {
    if (step.fn === 'constant') {
      registers[to] = saturated(step.value);
    } else if (step.fn === 'operand') {
      const from = names.indexOf(step.name);
      if (from < 0) {
        throw new Error(`expression: operand "${step.name}" is not among [${names.join(', ')}]`);
      }
      loads.push({ to, from });
    } else {
      calls.push(compiled(step, registers, to));
    }
  });
  return (values) => {
    for (const { to, from } of loads) registers[to] = values[from] ?? Number.NaN;
    for (const run of calls) run();
    return registers[registers.length - 1] ?? Number.NaN;
  };
}

/** Functions of fewer arguments ignore the others. */
function compiled({ fn, args }: CallStep, registers: Float64Array, to: number): () => void {
  const { evaluate } = fn;
  const [a = 0, b = 0, c = 0] = args;
  const at = (i: number): number => registers[i] ?? Number.NaN;
  return () => {
    registers[to] = evaluate(at(a), at(b), at(c));
  };
}

function pick<T>(items: readonly T[], indices: readonly number[]): readonly T[] {
  return indices.map((index) => items[index] as T);
}
