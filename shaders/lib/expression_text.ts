/** Expressions as text: infix, no parentheses but those that are needed, and a name for what is used twice. */
import { type Expression, type ExpressionFunction, type Fragment, isCall } from './expression.ts';

/** How tightly a text holds together, from loosest. */
export const COMPARISON = 0;
const SUM = 1;
const PRODUCT = 2;
const PREFIX = 3;
const ATOM = 4;

const OPERATORS: Readonly<Record<string, number>> = {
  '+': SUM,
  '-': SUM,
  '*': PRODUCT,
  '/': PRODUCT,
};

export interface Notation {
  operand(name: string): Fragment;
  constant(value: number): Fragment;
  call(fn: ExpressionFunction, args: readonly Fragment[]): Fragment;
  /** What stands for a step that is used more than once. */
  named(name: string, meaning: Fragment): Fragment;
}

/** `name` means `meaning`. */
export interface Definition {
  readonly name: string;
  readonly meaning: Fragment;
}

/**
 * Names t0, t1, ... for the steps that are used more than once and are no identifiers, and for those in `named`;
 * and the result.
 */
export function spell(
  { steps }: Expression,
  notation: Notation,
  named: ReadonlySet<number> = new Set(),
): { readonly definitions: readonly Definition[]; readonly result: Fragment } {
  const uses = steps.map(() => 0);
  for (const arg of steps.filter(isCall).flatMap(({ args }) => args)) {
    uses[arg] = (uses[arg] ?? 0) + 1;
  }
  const definitions: Definition[] = [];
  const fragments: Fragment[] = [];
  const fragmentAt = (at: number) => fragments[at] as Fragment;
  steps.forEach((step, at) => {
    const meaning = isCall(step)
      ? notation.call(step.fn, step.args.map(fragmentAt))
      : step.fn === 'operand'
        ? notation.operand(step.name)
        : notation.constant(step.value);
    const short = step.fn === 'constant' || /^\w+$/.test(meaning.text);
    if (!named.has(at) && ((uses[at] ?? 0) < 2 || short)) {
      fragments.push(meaning);
      return;
    }
    const name = `t${definitions.length}`;
    definitions.push({ name, meaning });
    fragments.push(notation.named(name, meaning));
  });
  return { definitions, result: fragmentAt(steps.length - 1) };
}

export function atom(text: string): Fragment {
  return { text, binding: ATOM };
}

export function callText(name: string, args: readonly string[]): Fragment {
  return atom(`${name}(${args.join(', ')})`);
}

/** `-a` or `a + b`. */
export function operatorText(sign: string, [a = atom(''), b]: readonly Fragment[]): Fragment {
  if (!b) return { text: `${sign}${within(a, PREFIX + 1)}`, binding: PREFIX };
  const binding = OPERATORS[sign] ?? COMPARISON;
  const turned = binding === SUM && b.constant !== undefined && b.constant < 0;
  const right = turned ? b.text.replace('-', '') : within(b, binding + 1);
  const shown = turned ? (sign === '+' ? '-' : '+') : sign;
  // Comparisons do not chain; the others are evaluated from left to right.
  const left = within(a, binding === COMPARISON ? binding + 1 : binding);
  return { text: `${left} ${shown} ${right}`, binding };
}

/** In parentheses where it binds looser than `least`. */
export function within({ text, binding }: Fragment, least: number): string {
  return binding < least ? `(${text})` : text;
}

export function isComparison({ sign }: ExpressionFunction): boolean {
  return sign !== undefined && OPERATORS[sign] === undefined;
}

/** Digits that people are shown of constants. */
const DIGITS = 4;

/**
 * The expression for people, `max(value + residual, 0)`. What is used twice is said once, before:
 * `t0 = x + y; t0 * sigmoid(t0)`.
 */
export function describeExpression(e: Expression): string {
  const { definitions, result } = spell(e, {
    operand: atom,
    constant: (value) => numberText(String(Number(value.toPrecision(DIGITS))), value),
    call: ({ name, sign }, args) =>
      sign
        ? operatorText(sign, args)
        : callText(
            name,
            args.map(({ text }) => text),
          ),
    named: atom,
  });
  return [...definitions.map(({ name, meaning }) => `${name} = ${meaning.text}`), result.text].join(
    '; ',
  );
}

export function numberText(text: string, constant: number): Fragment {
  return { text, binding: constant < 0 ? PREFIX : ATOM, constant };
}
