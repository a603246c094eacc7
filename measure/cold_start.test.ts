import { expect, it } from 'vitest';
import { Trace } from './cold_start.ts';

it('a trace tells how long stages last, when, which overlap, and what is left', async () => {
  const trace = new Trace(5);
  const begun = performance.now();
  trace.add('compile', begun + 10, begun + 30);
  trace.add('compile', begun + 20, begun + 50);
  trace.add('upload', begun + 40, begun + 60);
  await trace.during('run', () => new Promise((resolve) => setTimeout(resolve, 100)));
  const { stages, totalMs, otherMs } = trace.summary();
  expect(stages.map(({ stage }) => stage)).toEqual(['graph', 'compile', 'upload', 'run']);
  const [graph, compile, upload, run] = stages;
  expect(graph).toMatchObject({ ms: 5, fromMs: 0, toMs: 5, overlaps: {} });
  expect(compile?.ms).toBeCloseTo(40, 6);
  expect(compile?.fromMs).toBeGreaterThanOrEqual(15);
  expect(compile?.overlaps.upload).toBeCloseTo(10, 6);
  expect(upload?.overlaps).toMatchObject({ compile: expect.closeTo(10, 6) });
  expect(run?.ms).toBeGreaterThan(95);
  expect(totalMs).toBeGreaterThanOrEqual(run?.toMs ?? Number.POSITIVE_INFINITY);
  expect(otherMs).toBeGreaterThanOrEqual(0);
  expect(otherMs).toBeLessThan(totalMs - 95);
  expect(trace.endOf('compile', 'upload')).toBeCloseTo(begun + 60, 6);
});
