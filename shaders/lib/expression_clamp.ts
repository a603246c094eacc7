/** The form that most epilogues have, recognised: kernels whose sizes are bound share one pipeline for all of it. */
import type { Expression, Step } from './expression.ts';
import { add, max, min } from './expression_functions.ts';

/** min(max(value + addend, low), high); a part that is undefined is not there. */
export interface Clamp {
  /** The name of the other operand. */
  readonly addend: string | undefined;
  readonly low: number | undefined;
  readonly high: number | undefined;
}

/**
 * The expression as a clamp of the operand `value`, or of its sum with another operand, whatever the order of
 * arguments and bounds; undefined where it is anything else. Bounds on bounds make one pair, low <= high.
 */
export function clampOf({ steps }: Expression, value: string): Clamp | undefined {
  const range = rangeOf(steps, steps.length - 1, value);
  if (!range) return undefined;
  const bound = (x: number) => (Number.isFinite(x) ? x : undefined);
  return { addend: range.addend, low: bound(range.low), high: bound(range.high) };
}

interface Range {
  readonly addend: string | undefined;
  readonly low: number;
  readonly high: number;
}

const EVERYTHING = { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY } as const;

function rangeOf(steps: readonly Step[], at: number, value: string): Range | undefined {
  const step = steps[at];
  if (step?.fn === 'operand') {
    return step.name === value ? { addend: undefined, ...EVERYTHING } : undefined;
  }
  if (step?.fn === add) {
    const names = step.args.map((arg) => nameOf(steps[arg]));
    const addend = names.find((name) => name !== value);
    return names.includes(value) && addend !== undefined ? { addend, ...EVERYTHING } : undefined;
  }
  if (step?.fn !== min && step?.fn !== max) return undefined;
  const bound = step.args.find((arg) => steps[arg]?.fn === 'constant');
  const clamped = step.args.find((arg) => arg !== bound);
  const limit = bound === undefined ? undefined : steps[bound];
  if (limit?.fn !== 'constant' || clamped === undefined) return undefined;
  const range = rangeOf(steps, clamped, value);
  // A bound moves whatever of the range lies beyond it, the other bound included.
  const limited = (x: number) => step.fn.evaluate(x, limit.value);
  return range && { addend: range.addend, low: limited(range.low), high: limited(range.high) };
}

function nameOf(step: Step | undefined): string | undefined {
  return step?.fn === 'operand' ? step.name : undefined;
}
