import { describe, expect, it } from 'vitest';
import { compareRuns, isNoisy, type ModelRun } from './model_runs.ts';

function runOf(medianMs: number, lowMs: number, highMs: number, others: object = {}): ModelRun {
  const memory = { weights: 1, activations: 1, dimensions: 0, staging: 1, total: 3 };
  return {
    model: 'lenet',
    adapter: 'some adapter',
    software: true,
    inputShape: [1, 1, 28, 28],
    runs: 10,
    loadMs: 1,
    firstRunMs: 1,
    p95Ms: highMs,
    hostMs: 0.1,
    driftShare: 0,
    dispatches: 8,
    submits: 1,
    memory,
    medianMs,
    lowMs,
    highMs,
    ...others,
  };
}

describe('compareRuns', () => {
  const before = [runOf(100, 98, 103), runOf(10, 9, 11, { inputShape: [8, 1, 28, 28] })];

  it.each([
    ['slower', runOf(120, 118, 122)],
    ['faster', runOf(80, 78, 82)],
    ['same', runOf(108, 106, 109)],
    // The median is beyond the tolerance, but so many runs are not that it may be chance.
    ['same', runOf(120, 95, 150)],
    ['unknown', runOf(120, 118, 122, { adapter: 'another' })],
    ['slower', runOf(100, 98, 103, { inputShape: [8, 1, 28, 28] })],
  ])('calls it %s', (verdict, run) => {
    expect(compareRuns(run, before, 0.1).verdict).toBe(verdict);
  });

  it('has a ratio of the medians', () => {
    expect(compareRuns(runOf(120, 118, 122), before, 0.1).ratio).toBeCloseTo(1.2, 12);
  });
});

it.each([
  [false, runOf(100, 96, 105)],
  [true, runOf(100, 93, 105)],
  [true, runOf(100, 99, 101, { driftShare: 0.2 })],
])('noisy is %s', (noisy, run) => {
  expect(isNoisy(run)).toBe(noisy);
});
