/** Timings of whole models, and whether one is slower than another. */
import type { DType, MemoryUse, Shape } from '../src/index.ts';
import type { MachineFacts } from './machine.ts';

/** What `bench model --json` prints. Times are in milliseconds. */
export interface ModelRun {
  readonly model: string;
  readonly adapter: string;
  /** Files written before there was a choice lack it. */
  readonly precision?: DType;
  readonly software: boolean;
  readonly inputShape: Shape;
  readonly runs: number;
  readonly loadMs: number;
  readonly firstRunMs: number;
  readonly medianMs: number;
  /** The quartiles of the runs after the first. */
  readonly lowMs: number;
  readonly highMs: number;
  /** How far the medians of the first and the second half of the runs are apart, by the median of all. */
  readonly driftShare: number;
  /** The share of the processors that other processes took during the runs. */
  readonly otherWorkShare: number;
  readonly p95Ms: number;
  /** The host's part of a run, most of which the GPU does not wait for. */
  readonly hostMs: number;
  /** From the start of the GPU's first dispatch to the end of its last; there only where its clock can be read. */
  readonly gpuMs?: number;
  /** A run that is submitted at once, as those are whose GPU's time is read. */
  readonly atOnceMs?: number;
  readonly dispatches: number;
  readonly submits: number;
  readonly memory: MemoryUse;
  readonly machine: MachineFacts;
}

const NOISE = 0.1;
/** A software adapter wants all cores, so that whatever another process takes makes runs as much longer. */
const OTHER_WORK = 0.05;

/**
 * Why the same run again may well give a median more than 10 % away: what differs, or who disturbs. Empty where
 * nothing says so.
 */
export function noiseOf(run: ModelRun): readonly string[] {
  const { medianMs, lowMs, highMs, driftShare, otherWorkShare, software } = run;
  const spread = (highMs - lowMs) / medianMs;
  return [
    ...(spread > NOISE ? [`the middle half of the runs spreads over ${percent(spread)}`] : []),
    ...(driftShare > NOISE
      ? [`the first half of the runs and the second are ${percent(driftShare)} apart`]
      : []),
    ...(software && otherWorkShare > OTHER_WORK
      ? [`other processes take ${percent(otherWorkShare)} of the processors`]
      : []),
  ];
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}

export interface RunComparison {
  /** The median by the earlier median; `undefined` where there is none. */
  readonly ratio: number | undefined;
  readonly verdict: 'slower' | 'faster' | 'same' | 'unknown';
  readonly text: string;
}

/**
 * Compares a run with the earlier one of the same model, shape, precision and adapter. It is slower, or faster, where
 * the medians differ by more than `tolerance`, a share, and the middle halves of the runs do not overlap.
 */
export function compareRuns(
  run: ModelRun,
  earlier: readonly ModelRun[],
  tolerance: number,
): RunComparison {
  const before = earlier.find((other) => keyOf(other) === keyOf(run));
  if (!before) {
    const text = 'the file has no run of this model, shape and precision on this adapter';
    return { ratio: undefined, verdict: 'unknown', text };
  }
  const ratio = run.medianMs / before.medianMs;
  const apart = run.lowMs > before.highMs || run.highMs < before.lowMs;
  const where = isElsewhere(run, before) ? `, on ${before.machine.processor}` : '';
  const said = `${ratio.toFixed(2)} x the ${before.medianMs} ms of before${where}`;
  if (Math.max(ratio, 1 / ratio) <= 1 + tolerance) {
    return { ratio, verdict: 'same', text: `${said}: the same, within the tolerance` };
  }
  if (!apart) return { ratio, verdict: 'same', text: `${said}: within the noise` };
  const verdict = ratio > 1 ? 'slower' : 'faster';
  return { ratio, verdict, text: `${said}: ${verdict}` };
}

function keyOf({ model, inputShape, adapter, precision = 'f32' }: ModelRun): string {
  return JSON.stringify([model, inputShape, adapter, precision]);
}

/** Times of two machines differ for reasons of their own, which the reader must know. */
function isElsewhere({ machine: here }: ModelRun, { machine: there }: ModelRun): boolean {
  return here.processor !== there.processor || here.cores !== there.cores;
}

/**
 * Reads what `bench model --json` printed, an object a line, or such objects as one array. Throws TypeError
 * where it is something else.
 */
export function parseRuns(text: string): readonly ModelRun[] {
  const values: unknown = text.trimStart().startsWith('[')
    ? JSON.parse(text)
    : text
        .split('\n')
        .filter((line) => line.trim() !== '')
        .map((line): unknown => JSON.parse(line));
  if (!Array.isArray(values) || !values.every(isRun)) {
    throw new TypeError('it is no output of this version of bench model --json');
  }
  return values;
}

function isRun(value: unknown): value is ModelRun {
  return (
    value instanceof Object &&
    'highMs' in value &&
    typeof value.highMs === 'number' &&
    'inputShape' in value &&
    'machine' in value
  );
}
