/** The form that most epilogues have, recognised: kernels whose sizes are bound share one pipeline for all of it. */
import { type Expression, type Step, saturated } from './expression.ts';
import { add, max, min } from './expression_functions.ts';

/** min(max(value + addend, low), high); a bound that is infinite is not there. */
export interface Clamp {
  /** The name of the other operand, if there is one. */
  readonly addend: string | undefined;
  /** The least result; -Infinity where there is none. */
  readonly low: number;
  /** The largest result; Infinity where there is none. */
  readonly high: number;
}

/** The value as it is. */
export const UNCLAMPED: Clamp = {
  addend: undefined,
  low: Number.NEGATIVE_INFINITY,
  high: Number.POSITIVE_INFINITY,
};

/**
 * The expression as a clamp of the operand `value`, or of its sum with another operand, whatever the order of
 * arguments and bounds; undefined where it is anything else. Bounds on bounds make one pair, low <= high.
 */
export function clampOf({ steps }: Expression, value: string): Clamp | undefined {
  return clampAt(steps, steps.length - 1, value);
}

function clampAt(steps: readonly Step[], at: number, value: string): Clamp | undefined {
  const step = steps[at];
  if (step?.fn === 'operand') return step.name === value ? UNCLAMPED : undefined;
  if (step?.fn === add) {
    const names = step.args.map((arg) => nameOf(steps[arg]));
    const addend = names.find((name) => name !== value);
    return names.includes(value) && addend !== undefined ? { ...UNCLAMPED, addend } : undefined;
  }
  if (step?.fn !== min && step?.fn !== max) return undefined;
  const limit = step.args.map((arg) => steps[arg]).find((of) => of?.fn === 'constant');
  const clamped = step.args.find((arg) => steps[arg] !== limit);
  if (limit?.fn !== 'constant' || clamped === undefined) return undefined;
  const clamp = clampAt(steps, clamped, value);
  // A bound moves whatever of the range lies beyond it, the other bound included.
  const limited = (x: number) => step.fn.evaluate(x, saturated(limit.value));
  return clamp && { ...clamp, low: limited(clamp.low), high: limited(clamp.high) };
}

function nameOf(step: Step | undefined): string | undefined {
  return step?.fn === 'operand' ? step.name : undefined;
}
