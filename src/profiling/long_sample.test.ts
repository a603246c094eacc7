import { describe, expect, it } from 'vitest';
import { LongSample } from './long_sample.ts';

/** Work of `ms` milliseconds, by a clock that ticks every 0.1 ms; `delays` are what the first times take longer. */
function work(ms: number, delays: readonly number[] = []) {
  const repeats: number[] = [];
  const time = async (count: number): Promise<number> => {
    const taken = count * ms + (delays[repeats.length] ?? 0);
    repeats.push(count);
    return Math.floor(10 * taken) / 10 / count;
  };
  return { time, repeats };
}

describe('LongSample', () => {
  it('repeats what is short, and what is not only once', async () => {
    const short = work(0.01);
    const sample = new LongSample(short.time);
    for (let i = 0; i < 3; i++) expect(await sample.take()).toBeCloseTo(0.01, 3);
    expect(short.repeats).toEqual([1, 1000, 1000, 1000]);
    const long = work(4);
    const once = new LongSample(long.time);
    for (let i = 0; i < 3; i++) expect(await once.take()).toBe(4);
    expect(long.repeats).toEqual([1, 1, 1]);
  });

  it.each([[[1.4]], [[5]], [[2, 5]], [[0.2, 2.8, 1.6]]])(
    'sees it after first times that took %j ms longer',
    async (delays) => {
      const sample = new LongSample(work(0.01, delays).time);
      for (let i = 0; i < delays.length; i++) await sample.take();
      for (let i = 0; i < 3; i++) expect(await sample.take()).toBeCloseTo(0.01, 2);
    },
  );

  it.each([0, -1, Number.NaN])('ends where a clock says %d ms', async (ms) => {
    const strange = work(ms);
    expect(await new LongSample(strange.time).take()).toBe(ms);
    expect(strange.repeats).toEqual([1, 1000]);
  });
});
