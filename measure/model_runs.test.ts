import { describe, expect, it } from 'vitest';
import { compareRuns, type ModelRun, noiseOf, parseRuns } from './model_runs.ts';

const machine = {
  date: '2026-11-24',
  processor: 'some processor',
  cores: 2,
  memoryGb: 8,
  loadAverage: [0, 0, 0],
  platform: 'linux x64',
  node: '20.19.0',
};

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
    otherWorkShare: 0,
    dispatches: 8,
    submits: 1,
    memory,
    machine,
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
    const { ratio, text } = compareRuns(runOf(120, 118, 122), before, 0.1);
    expect(ratio).toBeCloseTo(1.2, 12);
    expect(text).toBe('1.20 x the 100 ms of before: slower');
  });

  it('names the machine that the earlier run was on, where it is another', () => {
    const elsewhere = runOf(120, 118, 122, { machine: { ...machine, processor: 'another' } });
    expect(compareRuns(elsewhere, before, 0.1).text).toContain('before, on some processor');
  });
});

describe('noiseOf', () => {
  it.each([
    [[], runOf(100, 96, 105)],
    [['spreads over 12 %'], runOf(100, 93, 105)],
    [['20 % apart'], runOf(100, 99, 101, { driftShare: 0.2 })],
    [['take 30 % of the processors'], runOf(100, 99, 101, { otherWorkShare: 0.3 })],
    // Only software adapters compete with other processes.
    [[], runOf(100, 99, 101, { otherWorkShare: 0.3, software: false })],
  ])('says %j', (reasons, run) => {
    expect(noiseOf(run)).toEqual(reasons.map((reason) => expect.stringContaining(reason)));
  });
});

describe('parseRuns', () => {
  const runs = [runOf(100, 98, 103), runOf(10, 9, 11)];

  it('reads an object a line, as well as one array', () => {
    expect(parseRuns(`${runs.map((run) => JSON.stringify(run)).join('\n')}\n`)).toEqual(runs);
    expect(parseRuns(JSON.stringify(runs, undefined, 2))).toEqual(runs);
  });

  it.each(['{"a":1}', '[1]', 'null', 'nonsense'])('refuses %s', (text) => {
    expect(() => parseRuns(text)).toThrow();
  });
});
