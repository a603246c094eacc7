/** Timings of whole models, and whether one is slower than another. */
import type { MemoryUse, Shape } from '../src/index.ts';

/** What `bench model --json` prints. Times are in milliseconds. */
export interface ModelRun {
  readonly model: string;
  readonly adapter: string;
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
  readonly p95Ms: number;
  /** The host's part of a run. */
  readonly hostMs: number;
  readonly dispatches: number;
  readonly submits: number;
  readonly memory: MemoryUse;
}

const NOISE = 0.1;

/** Whether the same run again may well give a median more than 10 % away. */
export function isNoisy({ medianMs, lowMs, highMs, driftShare }: ModelRun): boolean {
  return Math.max((highMs - lowMs) / medianMs, driftShare) > NOISE;
}

export interface RunComparison {
  /** The median by the earlier median; `undefined` where there is none. */
  readonly ratio: number | undefined;
  readonly verdict: 'slower' | 'faster' | 'same' | 'unknown';
  readonly text: string;
}

/**
 * Compares a run with the earlier one of the same model, shape and adapter. It is slower, or faster, where
 * the medians differ by more than `tolerance`, a share, and the middle halves of the runs do not overlap.
 */
export function compareRuns(
  run: ModelRun,
  earlier: readonly ModelRun[],
  tolerance: number,
): RunComparison {
  const before = earlier.find((other) => keyOf(other) === keyOf(run));
  if (!before) {
    const text = 'the file has no run of this model and shape on this adapter';
    return { ratio: undefined, verdict: 'unknown', text };
  }
  const ratio = run.medianMs / before.medianMs;
  const apart = run.lowMs > before.highMs || run.highMs < before.lowMs;
  const said = `${ratio.toFixed(2)} x the ${before.medianMs} ms of before`;
  if (Math.max(ratio, 1 / ratio) <= 1 + tolerance) {
    return { ratio, verdict: 'same', text: `${said}: the same, within the tolerance` };
  }
  if (!apart) return { ratio, verdict: 'same', text: `${said}: within the noise` };
  const verdict = ratio > 1 ? 'slower' : 'faster';
  return { ratio, verdict, text: `${said}: ${verdict}` };
}

function keyOf({ model, inputShape, adapter }: ModelRun): string {
  return JSON.stringify([model, inputShape, adapter]);
}
